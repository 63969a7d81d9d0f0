/** A stored object, or a range of it, as the body of another. */
import { createHash } from 'node:crypto';
import type { ByteRange, Checksum, ChecksumAlgorithm, Digests, OpenObject } from '../store/object-store';
import { createChecksum } from './checksum';
import { piecesOf, replay, type ArrivingBody } from './request-body';

/** Its bytes are authenticated by the store they come from; they get digests of their own on the way, and a checksum if `algorithm` is given. */
export function copiedBody(
  source: OpenObject,
  range: ByteRange,
  algorithm: ChecksumAlgorithm | undefined,
): ArrivingBody {
  const size = range.end - range.start;
  let digests: Digests | undefined;
  const known = (): Digests => {
    if (!digests) throw new TypeError('The body has not been read to its end.');
    return digests;
  };
  async function* open(): AsyncGenerator<Buffer> {
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
  }
  return {
    size,
    replayable: false,
    open,
    digests: known,
    async hold() {
      const pieces = await piecesOf(open());
      return { size, replayable: true, open: () => replay(pieces), digests: known };
    },
  };
}
