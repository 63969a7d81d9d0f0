/** Headers that are stored with an object, and those that a response shows. */
import { S3Error } from '../errors';
import type { Attributes, ObjectInfo } from '../store/object-store';
import type { Headers } from './conditions';
import { formatHttpDate } from './http-date';
import type { Query } from './request-target';

/** S3's limit on the names and values of user metadata together, in UTF-8 bytes. */
const MAX_METADATA_SIZE = 2 * 1024;

const STORED = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];
const METADATA_PREFIX = 'x-amz-meta-';
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream';

/** What a request that writes an object says about it. Throws `MetadataTooLarge`. */
export function attributesOf(headers: Headers): Attributes {
  const stored: Record<string, string> = { 'content-type': DEFAULT_CONTENT_TYPE };
  const metadata: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(headers)) {
    if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = value;
    if (!STORED.includes(name)) continue;
    const kept = name === 'content-encoding' ? withoutAwsChunked(value) : value;
    if (kept !== '') stored[name] = kept;
  }
  checkMetadataSize(metadata);
  return { headers: stored, metadata };
}

/** aws-chunked is how the body travels, not what the object is. */
function withoutAwsChunked(contentEncoding: string): string {
  const codings = contentEncoding.split(',').map((coding) => coding.trim());
  return codings.filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked').join(', ');
}

function checkMetadataSize(metadata: Readonly<Record<string, string>>): void {
  const size = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size <= MAX_METADATA_SIZE) return;
  throw new S3Error('MetadataTooLarge', {
    details: { Size: `${size}`, MaxSizeAllowed: `${MAX_METADATA_SIZE}` },
  });
}

export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** What an object's own attributes put on a GET or HEAD response, with the request's `response-*` overrides. */
export function objectHeaders(info: ObjectInfo, query: Query): Record<string, string> {
  const headers: Record<string, string> = {
    ...info.headers,
    ...validators(info),
    'accept-ranges': 'bytes',
  };
  for (const name of STORED) {
    const override = query.get(`response-${name}`);
    if (override !== undefined) headers[name] = headerText(override);
  }
  for (const [name, value] of Object.entries(info.metadata)) headers[METADATA_PREFIX + name] = value;
  return headers;
}

/** What a response that says 304 shows too. */
export function validators(info: Pick<ObjectInfo, 'etag' | 'lastModified'>): Record<string, string> {
  return { etag: quoted(info.etag), 'last-modified': formatHttpDate(info.lastModified) };
}

/** `x-amz-checksum-*`: on what was written always, on what is read only if `x-amz-checksum-mode: ENABLED` asks. */
export function checksumHeaders({ checksum }: Pick<ObjectInfo, 'checksum'>): Record<string, string> {
  if (!checksum) return {};
  return {
    [`x-amz-checksum-${checksum.algorithm.toLowerCase()}`]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  };
}

/** Text as a header can carry it: its UTF-8 bytes, as Node writes header strings; throws `InvalidArgument` for control characters. */
export function headerText(text: string): string {
  const bytes = Buffer.from(text).toString('latin1');
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(bytes)) {
    throw new S3Error('InvalidArgument', { message: 'A header value has control characters.' });
  }
  return bytes;
}
