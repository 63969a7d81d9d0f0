/** Opens sealed objects: from the header alone, from the end of the file, whole, or a range. */
import { ByteReader, totalLength } from './byte-reader';
import type { SealContext } from './context';
import { FormatError, IntegrityError } from './errors';
import { decodeFooter, endsInEndMagic } from './footer';
import { isSameHeader, looksSealed } from './header';
import type { Keyring } from './keyring';
import {
  bodyEnd,
  FOOTER_SIZE,
  HEADER_SIZE,
  MAX_METADATA_SIZE,
  MIN_SEGMENT_LOG2,
  segmentAt,
  segmentCount,
  segmentLength,
  segmentStart,
  storedSegments,
  storedSize,
  TAG_SIZE,
  type ByteRange,
} from './layout';
import { ObjectCipher } from './object-cipher';

/** What a file says about itself, authenticated. */
export interface SealedFile {
  readonly cipher: ObjectCipher;
  /** The bytes that were given to be sealed with the object. */
  readonly metadata: Buffer;
}

/** How many of the file's last bytes `openTail` needs; more than it was given. */
export interface MoreTail {
  readonly needed: number;
}

export interface OpenWholeOptions {
  /** The header that the file is known to have, with or without its MAC: another version of the same object is refused, which `info` would not fit. */
  readonly headerBytes?: Buffer;
}

/** How to read a range of an object. */
export interface RangeRead {
  /** The file's bytes to fetch. */
  readonly stored: ByteRange;
  /** Turns exactly those bytes into exactly the plaintext of the range. Throws an IntegrityError `segment`, `truncated` or `extended`. */
  readonly open: (source: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void, undefined>;
}

/** Bytes of a tail that is enough for nearly every object: only multipart metadata is longer. */
export const TAIL_GUESS = 4096;

const MAX_TRAILER_SIZE = MAX_METADATA_SIZE + TAG_SIZE + FOOTER_SIZE;
/** An empty object without metadata. */
const MIN_FILE_SIZE = storedSize({ size: 0, segmentLog2: MIN_SEGMENT_LOG2 }, 0);

/**
 * Reads what the last bytes of a file tell: its header and metadata. `fileSize` is what the server says; a `tail` as long as that is
 * the whole file. Does not look at the segments.
 * Throws a FormatError or an IntegrityError: any reason but `segment`.
 */
export function openTail(
  keyring: Keyring,
  context: SealContext,
  tail: Buffer,
  fileSize: number,
): SealedFile | MoreTail {
  if (tail.length >= fileSize && !looksSealed(tail)) throw new FormatError('not-sealed');
  if (fileSize < MIN_FILE_SIZE) throw new IntegrityError('truncated', `${fileSize} bytes`);
  if (tail.length < FOOTER_SIZE) return { needed: Math.min(fileSize, TAIL_GUESS) };
  const { headerBytes, sealedMetadataSize } = decodeFooter(tail);
  const cipher = ObjectCipher.open(keyring, context, headerBytes);
  checkFileSize(fileSize, bodyEnd(cipher.header) + sealedMetadataSize + FOOTER_SIZE);
  const needed = sealedMetadataSize + FOOTER_SIZE;
  if (tail.length < needed) return { needed };
  return { cipher, metadata: openMetadata(cipher, tail.subarray(tail.length - needed)) };
}

/**
 * Opens a file read from its first byte to its last. Yields authenticated plaintext only, and the end of it only when the whole file,
 * metadata and footer included, has proved sound. What the generator returns is for `yield*`, or for a caller of `next`.
 * Throws a FormatError, an IntegrityError of any reason, or what the source throws.
 */
export async function* openWhole(
  keyring: Keyring,
  context: SealContext,
  source: AsyncIterable<Buffer>,
  { headerBytes }: OpenWholeOptions = {},
): AsyncGenerator<Buffer, SealedFile, undefined> {
  const reader = new ByteReader(source);
  try {
    const cipher = ObjectCipher.open(keyring, context, await reader.takeBuffer(HEADER_SIZE));
    if (headerBytes !== undefined && !isSameHeader(headerBytes, cipher.headerBytes)) {
      throw new IntegrityError('header', 'another version of the object');
    }
    const last = segmentCount(cipher.header) - 1;
    for (let index = 0; index < last; index++) yield await openNextSegment(reader, cipher, index);
    const lastSegment = await openNextSegment(reader, cipher, last);
    const trailer = await reader.takeBuffer(MAX_TRAILER_SIZE + 1);
    checkTrailer(trailer, cipher);
    const metadata = openMetadata(cipher, trailer);
    if (lastSegment.length > 0) yield lastSegment;
    return { cipher, metadata };
  } finally {
    await reader.close();
  }
}

/** Throws a RangeError for a range that is not within the object. */
export function openRange(cipher: ObjectCipher, range: ByteRange): RangeRead {
  const { start, end } = range;
  if (start < 0 || end < start || end > cipher.header.size) {
    throw new RangeError(`Bytes ${start} to ${end} are not within an object of ${cipher.header.size} bytes.`);
  }
  const first = segmentAt(cipher.header, start);
  const last = Math.max(first, segmentAt(cipher.header, end - 1));
  return {
    stored: storedSegments(cipher.header, first, last),
    open: (source) => openSegments(cipher, source, { first, last, start, end }),
  };
}

interface SegmentRun extends ByteRange {
  readonly first: number;
  readonly last: number;
}

async function* openSegments(
  cipher: ObjectCipher,
  source: AsyncIterable<Buffer>,
  { first, last, start, end }: SegmentRun,
): AsyncGenerator<Buffer, void, undefined> {
  const reader = new ByteReader(source);
  try {
    for (let index = first; index <= last; index++) {
      const segment = await openNextSegment(reader, cipher, index);
      if (index === last && !(await reader.isAtEnd())) throw new IntegrityError('extended');
      const offset = segmentStart(cipher.header, index);
      const wanted = segment.subarray(Math.max(0, start - offset), end - offset);
      if (wanted.length > 0) yield wanted;
    }
  } finally {
    await reader.close();
  }
}

async function openNextSegment(reader: ByteReader, cipher: ObjectCipher, index: number): Promise<Buffer> {
  const length = segmentLength(cipher.header, index);
  const ciphertext = await reader.take(length);
  const tag = await reader.takeBuffer(TAG_SIZE);
  if (totalLength(ciphertext) + tag.length < length + TAG_SIZE) {
    throw new IntegrityError('truncated', `within segment ${index}`);
  }
  return cipher.openSegment(index, ciphertext, tag);
}

/** Throws unless `trailer`, all that followed the last segment, ends in the footer that belongs to the header. */
function checkTrailer(trailer: Buffer, { headerBytes }: ObjectCipher): void {
  if (trailer.length > MAX_TRAILER_SIZE) throw new IntegrityError('extended');
  const copyAt = trailer.indexOf(headerBytes);
  if (copyAt === -1) throw new IntegrityError(endsInEndMagic(trailer) ? 'footer' : 'truncated');
  checkFileSize(trailer.length, copyAt + FOOTER_SIZE);
  checkFileSize(trailer.length, decodeFooter(trailer).sealedMetadataSize + FOOTER_SIZE);
}

function checkFileSize(fileSize: number, expected: number): void {
  if (fileSize < expected) throw new IntegrityError('truncated', `${fileSize} of ${expected} bytes`);
  if (fileSize > expected) throw new IntegrityError('extended', `${fileSize} instead of ${expected} bytes`);
}

/** `trailer` is the sealed metadata and the footer. */
function openMetadata(cipher: ObjectCipher, trailer: Buffer): Buffer {
  const end = trailer.length - FOOTER_SIZE;
  return cipher.openMetadata(trailer.subarray(0, end - TAG_SIZE), trailer.subarray(end - TAG_SIZE, end));
}
