/** The Range request header. */
import { S3Error } from '../errors';
import type { ByteRange } from '../store/object-store';

/**
 * The bytes that `header` asks of an object of `size` bytes; undefined for all of it.
 * Several ranges, another unit or nonsense give the whole object, as in S3. Throws `InvalidRange` for one that lies outside.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^bytes=(?:(\d{1,16})-(\d{1,16})?|-(\d{1,16}))$/.exec(header?.trim() ?? '');
  if (!match) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) return within(size - Math.min(Number(suffix), size), size, size, header);
  const start = Number(first);
  const end = last === undefined ? size : Math.min(Number(last) + 1, size);
  if (last !== undefined && Number(last) < start) return undefined;
  return within(start, end, size, header);
}

function within(start: number, end: number, size: number, header = ''): ByteRange {
  if (start < end) return { start, end };
  const details = { RangeRequested: header, ActualObjectSize: `${size}` };
  throw new S3Error('InvalidRange', { details });
}

/** The bytes that `x-amz-copy-source-range` names: `bytes=first-last` within the source. Throws `InvalidArgument`, `InvalidRange`. */
export function parseCopyRange(header: string, size: number): ByteRange {
  const match = /^bytes=(\d{1,16})-(\d{1,16})$/.exec(header);
  if (!match || Number(match[1]) > Number(match[2])) {
    const details = { ArgumentName: 'x-amz-copy-source-range', ArgumentValue: header };
    const message = 'The x-amz-copy-source-range value must be of the form bytes=first-last.';
    throw new S3Error('InvalidArgument', { message, details });
  }
  const range = { start: Number(match[1]), end: Number(match[2]) + 1 };
  if (range.end > size) {
    const details = { RangeRequested: header, ActualObjectSize: `${size}` };
    throw new S3Error('InvalidRange', { details });
  }
  return range;
}
