/** The metadata sealed into an object's file: JSON, its schema in seal/FORMAT.md, "Contents of the metadata". */

import { FormatError } from '../seal/errors';
import type { StoredPart } from './object-record';
import type { Attributes, Checksum } from './object-store';

const VERSION = 1;

export interface FileMetadata extends Attributes {
  /** Plaintext bytes of the object; for a multipart object, of all parts. */
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  readonly checksum?: Checksum;
  /** For a multipart object: the upload whose directory holds the parts, and the parts in order. */
  readonly upload?: string;
  readonly parts?: readonly StoredPart[];
}

export function encodeMetadata(metadata: FileMetadata): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, ...metadata }), 'utf8');
}

/** The bytes were authenticated, so a wrong shape is a newer version's, not an attack's; it is refused all the same. */
export function decodeMetadata(bytes: Buffer): FileMetadata {
  const { v, ...metadata } = JSON.parse(bytes.toString('utf8')) as { v?: number } & FileMetadata;
  if (v !== VERSION) throw new FormatError('unknown-version', `metadata version ${String(v)}`);
  return metadata;
}
