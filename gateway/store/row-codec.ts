/**
 * The bytes of the catalog's rows. LMDB has no checksums of its own, so each row ends in the CRC-32 of its key and itself: a row that the
 * disk changed is told from one that was written. What nearly every object is, one sealed file with default attributes, is packed:
 * a million rows are mapped into the gateway's memory.
 *
 *     directory  0 | id 4 | crc 4
 *     object     1 | flags 1 | size 6 | stored size 6 | seconds 5 | MD5 16 if any | packed header if any | crc 4
 *     other      2 | JSON | crc 4
 */

import { crc32 } from 'node:zlib';
import { looksSealed, packHeader, PACKED_HEADER_SIZE, unpackHeader } from '../seal/header';
import { HEADER_SIZE } from '../seal/layout';
import { CatalogDamagedError } from './catalog-error';
import type { FileRecord, ObjectRecord } from './object-record';

/** A directory's own row, in its parent. */
export interface DirectoryRow {
  readonly id: number;
}

export type TreeRow = DirectoryRow | FileRecord;

const TAG = { directory: 0, packed: 1, json: 2 } as const;
const FLAG = { etag: 1, header: 2 } as const;
const FIXED = 1 + 1 + 6 + 6 + 5;
const CRC_SIZE = 4;
const PACKED_FIELDS = ['kind', 'size', 'storedSize', 'lastModified', 'etag', 'header'];
const MD5 = /^[0-9a-f]{32}$/;

export function isDirectoryRow(row: TreeRow): row is DirectoryRow {
  return 'id' in row;
}

export function encodeRow(key: Buffer, row: TreeRow): Buffer {
  const payload = encodePayload(row);
  const bytes = Buffer.allocUnsafe(payload.length + CRC_SIZE);
  payload.copy(bytes);
  bytes.writeUInt32BE(crc32(payload, crc32(key)), payload.length);
  return bytes;
}

/** Throws `CatalogDamagedError` for bytes that were never written under this key. */
export function decodeRow(key: Buffer, bytes: Buffer): TreeRow {
  const end = bytes.length - CRC_SIZE;
  const payload = bytes.subarray(0, Math.max(end, 0));
  if (end < 1 || bytes.readUInt32BE(end) !== crc32(payload, crc32(key)))
    throw new CatalogDamagedError(`the catalog's row ${JSON.stringify(key.toString('latin1'))} is damaged`);
  switch (payload.readUInt8()) {
    case TAG.directory:
      return { id: payload.readUInt32BE(1) };
    case TAG.packed:
      return unpack(payload);
    default:
      return fromJson(payload.toString('utf8', 1));
  }
}

function encodePayload(row: TreeRow): Buffer {
  if (!isDirectoryRow(row)) return pack(row) ?? Buffer.concat([Buffer.of(TAG.json), toJson(row)]);
  const bytes = Buffer.allocUnsafe(5);
  bytes.writeUInt8(TAG.directory);
  bytes.writeUInt32BE(row.id, 1);
  return bytes;
}

/** Undefined for a record that has more to it than the packed form has room for. */
function pack(record: FileRecord): Buffer | undefined {
  if (record.kind !== 'object') return undefined;
  const { size, storedSize, lastModified, etag, header } = record;
  const isPlainMd5 = etag === '' || MD5.test(etag);
  const isWholeSecond = lastModified >= 0 && lastModified % 1000 === 0;
  const hasMore = Object.keys(record).some((name) => !PACKED_FIELDS.includes(name));
  if (hasMore || !isPlainMd5 || !isWholeSecond) return undefined;
  if (header && !isPackable(header, size)) return undefined;
  const fixed = Buffer.allocUnsafe(FIXED);
  fixed.writeUInt8(TAG.packed);
  fixed.writeUInt8((etag === '' ? 0 : FLAG.etag) | (header ? FLAG.header : 0), 1);
  fixed.writeUIntBE(size, 2, 6);
  fixed.writeUIntBE(storedSize, 8, 6);
  fixed.writeUIntBE(lastModified / 1000, 14, 5);
  return Buffer.concat([fixed, Buffer.from(etag, 'hex'), header ? packHeader(header) : Buffer.alloc(0)]);
}

function isPackable(header: Buffer, size: number): boolean {
  return (
    header.length === HEADER_SIZE &&
    looksSealed(header) &&
    unpackHeader(packHeader(header), size).equals(header)
  );
}

function unpack(payload: Buffer): ObjectRecord {
  const flags = payload.readUInt8(1);
  const size = payload.readUIntBE(2, 6);
  const headerAt = FIXED + (flags & FLAG.etag ? 16 : 0);
  const packed = flags & FLAG.header ? payload.subarray(headerAt, headerAt + PACKED_HEADER_SIZE) : undefined;
  return {
    kind: 'object',
    size,
    storedSize: payload.readUIntBE(8, 6),
    lastModified: payload.readUIntBE(14, 5) * 1000,
    etag: payload.toString('hex', FIXED, headerAt),
    ...(packed && { header: unpackHeader(packed, size) }),
  };
}

function toJson(record: FileRecord): Buffer {
  const header = record.kind === 'object' ? record.header?.toString('base64') : undefined;
  return Buffer.from(JSON.stringify({ ...record, header }), 'utf8');
}

function fromJson(text: string): FileRecord {
  const record = JSON.parse(text) as FileRecord & { header?: string };
  if (record.header === undefined || record.kind !== 'object') return record;
  return { ...record, header: Buffer.from(record.header, 'base64') };
}
