/** What the catalog keeps of one object, and how that reads as S3's answers. */

import { isSameHeader } from '../seal/header';
import type { Attributes, Checksum, ObjectInfo, ObjectPart } from './object-store';

/** A part of a multipart object, with the file that holds it. */
export interface StoredPart extends ObjectPart {
  /** Name of its file in the directory of the upload. */
  readonly file: string;
  /** Bytes of that file. */
  readonly storedSize: number;
  /** Header of that file in base64; absent for a plain one. */
  readonly header?: string;
}

/** An object whose file is on the FTP server, whole. */
export interface ObjectRecord {
  readonly kind: 'object';
  /** Plaintext bytes. */
  readonly size: number;
  /** Bytes of the file at the object's path, parts not counted. */
  readonly storedSize: number;
  /** Milliseconds since the epoch, whole seconds. */
  readonly lastModified: number;
  /** Hex; empty for a plain file that was found, until somebody asks for it. */
  readonly etag: string;
  /** Header of a sealed file: tells this version of the file from any other. Absent for a plain file. The catalog does not keep its MAC. */
  readonly header?: Buffer;
  /** Absent for the attributes that Longhorn gives everything. */
  readonly attributes?: Attributes;
  readonly checksum?: Checksum;
  /** For a multipart object: its upload id and parts, in order. */
  readonly upload?: string;
  readonly parts?: readonly StoredPart[];
  /**
   * Reading it showed that its bytes are not what was stored. It is still listed, so that nothing concludes that it never was, but a HEAD
   * does not find it: so Longhorn writes a damaged block again.
   */
  readonly damaged?: true;
}

/** A file at an object's path that is not a whole object of ours. It keeps its place, and is not an object. */
export interface UnreadableRecord {
  readonly kind: 'unreadable';
  readonly storedSize: number;
  /** For people: what is wrong with it. */
  readonly reason: string;
}

export type FileRecord = ObjectRecord | UnreadableRecord;

/** What Longhorn's SDKs send with every object; not stored again and again. */
export const DEFAULT_ATTRIBUTES: Attributes = {
  headers: { 'content-type': 'application/octet-stream' },
  metadata: {},
};

export function hasDefaultAttributes({ headers, metadata }: Attributes): boolean {
  const names = Object.keys(headers);
  return (
    names.length === 1 &&
    headers['content-type'] === DEFAULT_ATTRIBUTES.headers['content-type'] &&
    Object.keys(metadata).length === 0
  );
}

/** Whether two records are of one and the same file. */
export function isSameVersion(a: ObjectRecord, b: ObjectRecord): boolean {
  return a.header && b.header
    ? isSameHeader(a.header, b.header)
    : a.header === b.header && a.storedSize === b.storedSize && a.etag === b.etag;
}

/** Whether two records of one object stand for the same bytes, as they do after it was sealed anew: whatever a client writes is later than what was there. */
export function isSameContent(a: ObjectRecord, b: ObjectRecord): boolean {
  return a.etag !== '' && a.etag === b.etag && a.size === b.size && a.lastModified === b.lastModified;
}

export function toInfo(key: string, record: ObjectRecord): ObjectInfo {
  return {
    key,
    size: record.size,
    etag: record.etag,
    lastModified: record.lastModified,
    ...(record.attributes ?? DEFAULT_ATTRIBUTES),
    ...(record.checksum && { checksum: record.checksum }),
    ...(record.parts && {
      parts: record.parts.map(({ partNumber, size, checksum }) => ({
        partNumber,
        size,
        ...(checksum && { checksum }),
      })),
    }),
  };
}
