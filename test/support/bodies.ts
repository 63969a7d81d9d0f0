/** Request bodies for tests of a store. */

import { createHash } from 'node:crypto';
import type { Body } from '../../gateway/store/object-store';

export function bodyOf(content: string | Buffer): Body {
  const bytes = Buffer.from(content);
  return {
    size: bytes.length,
    replayable: true,
    async *open() {
      yield await Promise.resolve(bytes);
    },
    digests: () => ({ md5: createHash('md5').update(bytes).digest() }),
  };
}

export async function readAll(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
