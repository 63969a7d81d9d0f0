/** The rules by which parts become an object. */
import { createHash } from 'node:crypto';
import { S3Error } from '../errors';
import type { CompletedPart, PartInfo } from '../store/object-store';

/** Every part but the last has at least this many bytes: S3's limit. */
const MIN_PART_SIZE = 5 * 1024 * 1024;
/** Part numbers run from 1 to this: S3's limit. */
export const MAX_PART_NUMBER = 10_000;

/**
 * The stored parts that a CompleteMultipartUpload names, in order.
 * Throws `InvalidPartOrder`, `InvalidPart` for one that is not stored as named, `EntityTooSmall`.
 */
export function selectParts<Part extends PartInfo>(
  named: readonly CompletedPart[],
  stored: ReadonlyMap<number, Part>,
): Part[] {
  named.forEach((part, i) => {
    if (part.partNumber <= (named[i - 1]?.partNumber ?? 0)) throw new S3Error('InvalidPartOrder');
  });
  const parts = named.map((part) => storedPart(part, stored));
  if (parts.length === 0) throw new S3Error('InvalidPart');
  const small = parts.slice(0, -1).find((part) => part.size < MIN_PART_SIZE);
  if (small) {
    const details = { ProposedSize: `${small.size}`, MinSizeAllowed: `${MIN_PART_SIZE}` };
    throw new S3Error('EntityTooSmall', { details: { ...details, PartNumber: `${small.partNumber}` } });
  }
  return parts;
}

function storedPart<Part extends PartInfo>(named: CompletedPart, stored: ReadonlyMap<number, Part>): Part {
  const part = stored.get(named.partNumber);
  const sameChecksum = named.checksum === undefined || named.checksum === part?.checksum?.value;
  if (!part || part.etag !== named.etag || !sameChecksum) {
    throw new S3Error('InvalidPart', { details: { PartNumber: `${named.partNumber}`, ETag: named.etag } });
  }
  return part;
}

/** The ETag of an object made of parts with these ETags: the MD5 of their MD5s, and their number. */
export function multipartEtag(partEtags: readonly string[]): string {
  const md5 = createHash('md5');
  for (const etag of partEtags) md5.update(Buffer.from(etag, 'hex'));
  return `${md5.digest('hex')}-${partEtags.length}`;
}
