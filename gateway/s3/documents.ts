/** The listings that several operations share pieces of. */
import type { Checksum, ListPage, ObjectInfo } from '../store/object-store';
import type { KeyEncoding } from './encoding-type';
import { formatXmlDate } from './http-date';
import { quoted } from './object-headers';
import { OWNER } from './unsupported-headers';
import type { Elements } from './xml-write';

export const STORAGE_CLASS = 'STANDARD';

/** One `Contents` or `Version` of a listing. */
export function listedObject(info: ObjectInfo, encoding: KeyEncoding, withOwner: boolean): Elements {
  return {
    Key: encoding.encode(info.key),
    LastModified: formatXmlDate(info.lastModified),
    ETag: quoted(info.etag),
    ChecksumAlgorithm: info.checksum?.algorithm,
    ChecksumType: info.checksum?.type,
    Size: info.size,
    Owner: withOwner ? { ...OWNER } : undefined,
    StorageClass: STORAGE_CLASS,
  };
}

export function commonPrefixes(page: Pick<ListPage, 'commonPrefixes'>, encoding: KeyEncoding): Elements[] {
  return page.commonPrefixes.map((prefix) => ({ Prefix: encoding.encode(prefix) }));
}

/** `ChecksumCRC32` and the like, with `ChecksumType`. */
export function checksumElements(checksum: Checksum | undefined): Elements {
  if (!checksum) return {};
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}
