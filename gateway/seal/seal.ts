/** Seals a stream of plaintext into the stream of bytes to store. */
import { randomBytes as secureRandomBytes } from 'node:crypto';
import { ByteReader, totalLength } from './byte-reader';
import type { SealContext } from './context';
import { encodeFooter } from './footer';
import type { Keyring } from './keyring';
import {
  DEFAULT_SEGMENT_LOG2,
  isSegmentLog2,
  MAX_METADATA_SIZE,
  MAX_SEGMENT_LOG2,
  maxSize,
  MIN_SEGMENT_LOG2,
  segmentCount,
  segmentLength,
} from './layout';
import { ObjectCipher, type RandomBytes } from './object-cipher';

export interface SealOptions {
  /** Plaintext bytes that the source will yield. It stands in the header, so it must be known before the first byte leaves. */
  readonly size: number;
  /** Base-two logarithm of the plaintext bytes in a segment, 12 to 20. @default 18, which is 256 KiB */
  readonly segmentLog2?: number;
  /** The object is multipart: its bytes are those of the parts that the metadata names. @default false */
  readonly manifest?: boolean;
  /** Replaced only to make test vectors: a salt used twice breaks the sealing. @default node:crypto's randomBytes */
  readonly randomBytes?: RandomBytes;
}

/** One file about to be sealed. */
export interface Sealing {
  /** The file's first 128 bytes; keep them, and `ObjectCipher.open` needs no read. */
  readonly headerBytes: Buffer;
  /**
   * Yields the file, in pieces: the header, the segments, and what follows the last. `metadata` is called once, after the source
   * has ended. Throws what the source throws, and a RangeError if the source or the metadata has not the size agreed; then
   * neither the last segment nor the footer has left, so that what was stored opens as nothing.
   * Only once: to send an object again, seal it again, because two texts under one salt would give both away.
   */
  readonly stream: (
    source: AsyncIterable<Buffer>,
    metadata: () => Buffer,
  ) => AsyncGenerator<Buffer, void, undefined>;
}

/** Draws a fresh salt for one file under the keyring's write key. Throws a RangeError for options out of bounds. */
export function seal(keyring: Keyring, context: SealContext, options: SealOptions): Sealing {
  const { size, segmentLog2 = DEFAULT_SEGMENT_LOG2, manifest = false } = options;
  if (!isSegmentLog2(segmentLog2)) {
    throw new RangeError(`The segment size must be 2^${MIN_SEGMENT_LOG2} to 2^${MAX_SEGMENT_LOG2} bytes.`);
  }
  if (!Number.isInteger(size) || size < 0 || size > maxSize(segmentLog2)) {
    throw new RangeError(
      `An object of ${size} bytes cannot be sealed in segments of 2^${segmentLog2} bytes.`,
    );
  }
  const randomBytes = options.randomBytes ?? secureRandomBytes;
  const cipher = ObjectCipher.create(keyring, context, { size, segmentLog2, manifest, randomBytes });
  let used = false;
  return {
    headerBytes: cipher.headerBytes,
    stream: (source, metadata) => {
      if (used) throw new Error('A file can be sealed only once; seal the object again.');
      used = true;
      return sealedFile(cipher, source, metadata);
    },
  };
}

async function* sealedFile(
  cipher: ObjectCipher,
  source: AsyncIterable<Buffer>,
  metadata: () => Buffer,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(source);
  try {
    yield cipher.headerBytes;
    const { size } = cipher.header;
    const last = segmentCount(cipher.header) - 1;
    for (let index = 0; index < last; index++) {
      yield* cipher.sealSegment(index, await takeSegment(reader, cipher, index));
    }
    const lastSegment = await takeSegment(reader, cipher, last);
    if (!(await reader.isAtEnd())) throw new RangeError(`The source has more than ${size} bytes.`);
    const trailer = sealTrailer(cipher, metadata());
    yield* cipher.sealSegment(last, lastSegment);
    yield trailer;
  } finally {
    await reader.close();
  }
}

async function takeSegment(reader: ByteReader, { header }: ObjectCipher, index: number): Promise<Buffer[]> {
  const length = segmentLength(header, index);
  const pieces = await reader.take(length);
  if (totalLength(pieces) < length) throw new RangeError(`The source has fewer than ${header.size} bytes.`);
  return pieces;
}

/** The sealed metadata and the footer. */
function sealTrailer(cipher: ObjectCipher, metadata: Buffer): Buffer {
  if (metadata.length > MAX_METADATA_SIZE) {
    throw new RangeError(`The metadata has ${metadata.length} bytes; ${MAX_METADATA_SIZE} is the limit.`);
  }
  const sealed = cipher.sealMetadata(metadata);
  const footer = encodeFooter({ headerBytes: cipher.headerBytes, sealedMetadataSize: sealed.length });
  return Buffer.concat([sealed, footer]);
}
