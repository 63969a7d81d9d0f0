/**
 * Where things stand in a sealed object: pure arithmetic, FORMAT.md section 2.
 *
 *     header | segment 0 | … | segment n-1 | metadata | footer
 */

/** Bytes of the header, and of its copy in the footer. */
export const HEADER_SIZE = 128;
/** Bytes that AES-GCM adds to each segment and to the metadata. */
export const TAG_SIZE = 16;
/** Header copy, length of the sealed metadata, end magic. */
export const FOOTER_SIZE = HEADER_SIZE + 4 + 8;
/** Plaintext bytes of metadata at most: room for 10,000 parts with their checksums and names. */
export const MAX_METADATA_SIZE = 16 * 2 ** 20;
/** Base-two logarithms of the plaintext bytes in a segment: 4 KiB, 1 MiB, and what is used unless told otherwise, 256 KiB. */
export const MIN_SEGMENT_LOG2 = 12;
export const MAX_SEGMENT_LOG2 = 20;
export const DEFAULT_SEGMENT_LOG2 = 18;
/** The segment index is a uint32 in the nonce. */
const MAX_SEGMENTS = 2 ** 32;

/** What a header says about the segments. */
export interface BodyShape {
  /** Plaintext bytes. */
  readonly size: number;
  /** Plaintext bytes in every segment but the last, as a power of two. */
  readonly segmentLog2: number;
}

/** Bytes [start, end) of a plaintext or of a file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export function isSegmentLog2(value: number): boolean {
  return Number.isInteger(value) && value >= MIN_SEGMENT_LOG2 && value <= MAX_SEGMENT_LOG2;
}

/** The largest plaintext that 2^32 segments hold: 1 PiB by default. */
export function maxSize(segmentLog2: number): number {
  return MAX_SEGMENTS * 2 ** segmentLog2;
}

/** At least one: an empty object is one empty segment. */
export function segmentCount({ size, segmentLog2 }: BodyShape): number {
  return Math.max(1, Math.ceil(size / 2 ** segmentLog2));
}

/** Plaintext bytes before segment `index`. */
export function segmentStart({ segmentLog2 }: BodyShape, index: number): number {
  return index * 2 ** segmentLog2;
}

/** Plaintext bytes in segment `index`. */
export function segmentLength(body: BodyShape, index: number): number {
  return Math.min(2 ** body.segmentLog2, body.size - segmentStart(body, index));
}

/** The segment that holds plaintext byte `offset`; the last one for an offset at the end. */
export function segmentAt(body: BodyShape, offset: number): number {
  return Math.min(Math.floor(offset / 2 ** body.segmentLog2), segmentCount(body) - 1);
}

/** File bytes of the segments from `first` to `last`, both included, with their tags. */
export function storedSegments(body: BodyShape, first: number, last: number): ByteRange {
  const start = HEADER_SIZE + segmentStart(body, first) + first * TAG_SIZE;
  const end = HEADER_SIZE + segmentStart(body, last) + segmentLength(body, last) + (last + 1) * TAG_SIZE;
  return { start, end };
}

/** File bytes from the start of the header to the end of the last segment. */
export function bodyEnd(body: BodyShape): number {
  return storedSegments(body, 0, segmentCount(body) - 1).end;
}

/** Bytes of the whole file; `metadataSize` counts plaintext. */
export function storedSize(body: BodyShape, metadataSize: number): number {
  return bodyEnd(body) + metadataSize + TAG_SIZE + FOOTER_SIZE;
}
