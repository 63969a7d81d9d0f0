import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from '../../gateway/errors';
import type { Body, Checksum } from '../../gateway/store/object-store';

/** A body of these bytes, sent in pieces of `pieceSize`. */
export function bodyOf(
  content: Buffer | string,
  options: { readonly replayable?: boolean; readonly checksum?: Checksum; readonly pieceSize?: number } = {},
): Body {
  const bytes = Buffer.from(content);
  const { replayable = true, checksum, pieceSize = 64 * 1024 } = options;
  return {
    size: bytes.length,
    replayable,
    async *open() {
      for (let at = 0; at < bytes.length; at += pieceSize) {
        yield await Promise.resolve(bytes.subarray(at, at + pieceSize));
      }
    },
    digests: () => ({ md5: createHash('md5').update(bytes).digest(), ...(checksum && { checksum }) }),
  };
}

/** A body that fails its check after its bytes have been sent. */
export function brokenBody(content: string, error = new S3Error('BadDigest')): Body {
  const whole = bodyOf(content, { replayable: false });
  return {
    ...whole,
    async *open() {
      yield* whole.open();
      await Promise.resolve();
      throw error;
    },
  };
}

export async function bytesOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

export const md5Hex = (content: Buffer | string): string => createHash('md5').update(content).digest('hex');

export function crc32Of(content: Buffer): Checksum {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(content));
  return { algorithm: 'CRC32', type: 'FULL_OBJECT', value: value.toString('base64') };
}
