/** GetObjectAttributes. */
import { checksumElements, STORAGE_CLASS } from '../s3/documents';
import { formatHttpDate } from '../s3/http-date';
import { MAX_PART_NUMBER } from '../s3/multipart';
import { checkVersionId, invalidArgument, MAX_PAGE } from '../s3/query-parameters';
import type { Headers } from '../s3/conditions';
import type { Elements } from '../s3/xml-write';
import type { ObjectInfo, ObjectStore } from '../store/object-store';
import { existingObject, xmlResponse, type Handlers } from './handler';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

export function objectAttributesRoutes(store: ObjectStore): Pick<Handlers, 'GetObjectAttributes'> {
  return {
    async GetObjectAttributes(c, { bucket, key, query }) {
      checkVersionId(query);
      const wanted = wantedAttributes(c.var.headers);
      const info = await existingObject(store, { bucket, key });
      const all: Elements = {
        ETag: info.etag,
        Checksum: info.checksum && checksumElements(info.checksum),
        ObjectParts: info.parts && objectParts(info.parts, c.var.headers),
        StorageClass: STORAGE_CLASS,
        ObjectSize: info.size,
      };
      const shown = Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name)));
      const headers = { 'last-modified': formatHttpDate(info.lastModified) };
      return xmlResponse(c, 'GetObjectAttributesResponse', shown, headers);
    },
  };
}

function wantedAttributes(headers: Headers): string[] {
  const header = headers['x-amz-object-attributes'] ?? '';
  const wanted = header.split(',').map((each) => each.trim());
  if (wanted.every((each) => ATTRIBUTES.includes(each))) return wanted;
  throw invalidArgument('x-amz-object-attributes', header, 'Invalid attribute name specified.');
}

/** Parts one by one only where they have checksums, as in S3; otherwise just their number. */
function objectParts(parts: NonNullable<ObjectInfo['parts']>, headers: Headers): Elements {
  if (!parts.some((part) => part.checksum)) return { PartsCount: parts.length };
  const maxParts = wholeNumber(headers, 'x-amz-max-parts', MAX_PAGE);
  const marker = wholeNumber(headers, 'x-amz-part-number-marker', 0);
  const rest = parts.filter((part) => part.partNumber > marker);
  const page = rest.slice(0, maxParts);
  return {
    PartsCount: parts.length,
    PartNumberMarker: marker,
    NextPartNumberMarker: page.at(-1)?.partNumber ?? 0,
    MaxParts: maxParts,
    IsTruncated: rest.length > page.length,
    Part: page.map(({ partNumber, size, checksum }) => ({
      PartNumber: partNumber,
      Size: size,
      ...(checksum && { [`Checksum${checksum.algorithm}`]: checksum.value }),
    })),
  };
}

function wholeNumber(headers: Headers, name: string, fallback: number): number {
  const text = headers[name];
  if (text === undefined) return fallback;
  if (!/^\d{1,5}$/.test(text)) throw invalidArgument(name, text, `${name} must be a whole number.`);
  return Math.min(Number(text), name === 'x-amz-max-parts' ? MAX_PAGE : MAX_PART_NUMBER);
}
