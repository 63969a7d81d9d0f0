/** A stored object, or a range of it, as the body of another. */
import { createHash } from 'node:crypto';
import type {
  Body,
  ByteRange,
  Checksum,
  ChecksumAlgorithm,
  Digests,
  OpenObject,
} from '../store/object-store';
import { createChecksum } from './checksum';

/** Its bytes are authenticated by the store they come from; they get digests of their own on the way, and a checksum if `algorithm` is given. */
export function copiedBody(
  source: OpenObject,
  range: ByteRange,
  algorithm: ChecksumAlgorithm | undefined,
): Body {
  let digests: Digests | undefined;
  return {
    size: range.end - range.start,
    replayable: false,
    async *open() {
      const md5 = createHash('md5');
      const hasher = algorithm && createChecksum(algorithm);
      for await (const chunk of source.read(range)) {
        md5.update(chunk);
        hasher?.update(chunk);
        yield chunk;
      }
      const checksum: Checksum | undefined = hasher &&
        algorithm && { algorithm, type: 'FULL_OBJECT', value: (await hasher.digest()).toString('base64') };
      digests = { md5: md5.digest(), ...(checksum && { checksum }) };
    },
    digests() {
      if (!digests) throw new TypeError('The body has not been read to its end.');
      return digests;
    },
  };
}
