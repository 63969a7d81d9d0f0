/** Which bytes of an object a GET or HEAD is about. */
import { S3Error } from '../errors';
import type { ByteRange, ObjectInfo } from '../store/object-store';
import type { Headers } from './conditions';
import { MAX_PART_NUMBER } from './multipart';
import { checksumHeaders } from './object-headers';
import { integerIn } from './query-parameters';
import { parseRange } from './range';
import type { Query } from './request-target';

export interface Slice {
  readonly range: ByteRange;
  /** Whether the answer is 206 with a Content-Range. */
  readonly partial: boolean;
  /** What `x-amz-checksum-*` may show for these bytes. */
  readonly checksum?: ObjectInfo['checksum'];
  /** Set where a part was asked for. */
  readonly partsCount?: number;
}

/** Throws `InvalidRange`, `InvalidPart`, `InvalidArgument`, and `InvalidRequest` for a range and a part number together. */
export function sliceOf(info: ObjectInfo, rangeHeader: string | undefined, query: Query): Slice {
  if (query.has('partNumber')) {
    if (rangeHeader !== undefined) {
      const message = 'Cannot specify both Range header and partNumber query parameter.';
      throw new S3Error('InvalidRequest', { message });
    }
    return partSlice(info, integerIn(query, 'partNumber', 1, MAX_PART_NUMBER));
  }
  const range = parseRange(rangeHeader, info.size);
  return range ? { range, partial: true } : { ...whole(info), partial: false };
}

function whole(info: ObjectInfo): Pick<Slice, 'range' | 'checksum'> {
  return { range: { start: 0, end: info.size }, ...(info.checksum && { checksum: info.checksum }) };
}

/** An object that was not uploaded in parts is its own part 1. */
function partSlice(info: ObjectInfo, partNumber: number): Slice {
  const { parts } = info;
  if (!parts) {
    if (partNumber === 1) return { ...whole(info), partial: info.size > 0 };
    throw noSuchPart(partNumber, 1);
  }
  const index = parts.findIndex((part) => part.partNumber === partNumber);
  const part = parts[index];
  if (!part) throw noSuchPart(partNumber, parts.length);
  const start = parts.slice(0, index).reduce((sum, each) => sum + each.size, 0);
  return {
    range: { start, end: start + part.size },
    partial: part.size > 0,
    partsCount: parts.length,
    // The type is always the object's: it says how the parts' checksums become the whole's.
    ...(part.checksum && {
      checksum: { ...part.checksum, ...(info.checksum && { type: info.checksum.type }) },
    }),
  };
}

function noSuchPart(requested: number, count: number): S3Error {
  return new S3Error('InvalidPart', {
    message: 'The requested part number is not satisfiable.',
    details: { PartNumberRequested: `${requested}`, ActualPartCount: `${count}` },
  });
}

/** Length, position and, if `x-amz-checksum-mode: ENABLED` asks, checksum of the slice. */
export function sliceHeaders(info: ObjectInfo, slice: Slice, headers: Headers): Record<string, string> {
  const { start, end } = slice.range;
  const wantsChecksum = headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED';
  return {
    'content-length': `${end - start}`,
    ...(slice.partial && { 'content-range': `bytes ${start}-${end - 1}/${info.size}` }),
    ...(slice.partsCount !== undefined && { 'x-amz-mp-parts-count': `${slice.partsCount}` }),
    ...(wantsChecksum && slice.checksum && checksumHeaders({ checksum: slice.checksum })),
  };
}
