/**
 * The bytes of the catalog's rows. LMDB has no checksums of its own, so each row ends in the CRC-32 of its key and itself: a row that the
 * disk changed is told from one that was written. What nearly every object is, one sealed file with default attributes, is packed:
 * a million rows are mapped into the gateway's memory. Key ids are numbered for that, and a header's MAC, which follows from the rest, is left out.
 *
 *     directory  0 | id 4 | crc 4
 *     object     1 | key number 1, 0 for none | size 5 | stored size less that 3 | seconds 4 | packed header if sealed | MD5 16 if any | crc 4
 *     other      2 | JSON | crc 4
 *
 * The checksum of a row that names a key covers the key's id, too.
 */

import { crc32 } from 'node:zlib';
import { headerKeyId, isSameHeader, packHeader, PACKED_HEADER_SIZE, unpackHeader } from '../seal/header';
import { CatalogDamagedError } from './catalog-error';
import type { FileRecord, ObjectRecord } from './object-record';

/** A directory's own row, in its parent. */
export interface DirectoryRow {
  readonly id: number;
}

export type TreeRow = DirectoryRow | FileRecord;

const TAG = { directory: 0, packed: 1, json: 2 } as const;
const AT = { keyNumber: 1, size: 2, more: 7, seconds: 10, header: 14 } as const;
/** Above these, a record is not packed. */
const MOST = { size: 2 ** 40, more: 2 ** 24, seconds: 2 ** 32, keys: 255 } as const;
const CRC_SIZE = 4;
const PACKED_FIELDS = ['kind', 'size', 'storedSize', 'lastModified', 'etag', 'header'];
const MD5 = /^[0-9a-f]{32}$/;

export function isDirectoryRow(row: TreeRow): row is DirectoryRow {
  return 'id' in row;
}

export class RowCodec {
  /** What the checksum of a row that names a key begins with, by the key's number less one. */
  readonly #checksums: readonly number[];

  /** @param keyIds in the order of their numbers, from one on; a row may name no other key without its full id */
  constructor(private readonly keyIds: readonly string[]) {
    this.#checksums = keyIds.map((id) => crc32(id));
  }

  /** These key ids with further ones, as far as they can be numbered. */
  static withKeys(known: readonly string[], more: readonly string[]): string[] {
    return [...new Set([...known, ...more])].slice(0, MOST.keys);
  }

  encode(key: Buffer, row: TreeRow): Buffer {
    const payload = this.#encodePayload(row);
    const bytes = Buffer.allocUnsafe(payload.length + CRC_SIZE);
    payload.copy(bytes);
    bytes.writeUInt32BE(this.#checksum(key, payload), payload.length);
    return bytes;
  }

  /** Throws `CatalogDamagedError` for bytes that were never written under this key. */
  decode(key: Buffer, bytes: Buffer): TreeRow {
    const payload = this.#payload(key, bytes);
    switch (payload.readUInt8()) {
      case TAG.directory:
        return { id: payload.readUInt32BE(1) };
      case TAG.packed:
        return this.#unpack(payload);
      default:
        return fromJson(payload.toString('utf8', 1));
    }
  }

  /** Whether a row is of a directory. Throws `CatalogDamagedError`. */
  isDirectory(key: Buffer, bytes: Buffer): boolean {
    return this.#payload(key, bytes).readUInt8() === TAG.directory;
  }

  #payload(key: Buffer, bytes: Buffer): Buffer {
    const end = bytes.length - CRC_SIZE;
    const payload = bytes.subarray(0, Math.max(end, 0));
    if (end < 1 || bytes.readUInt32BE(end) !== this.#checksum(key, payload))
      throw new CatalogDamagedError(`the catalog's row ${JSON.stringify(key.toString('latin1'))} is damaged`);
    return payload;
  }

  #checksum(key: Buffer, payload: Buffer): number {
    const number = payload[0] === TAG.packed ? (payload[AT.keyNumber] ?? 0) : 0;
    return crc32(payload, crc32(key, this.#checksums[number - 1] ?? 0));
  }

  #encodePayload(row: TreeRow): Buffer {
    if (!isDirectoryRow(row)) return this.#pack(row) ?? Buffer.concat([Buffer.of(TAG.json), toJson(row)]);
    const bytes = Buffer.allocUnsafe(5);
    bytes.writeUInt8(TAG.directory);
    bytes.writeUInt32BE(row.id, 1);
    return bytes;
  }

  /** Undefined for a record that has more to it than the packed form has room for. */
  #pack(record: FileRecord): Buffer | undefined {
    if (record.kind !== 'object') return undefined;
    const { size, storedSize, lastModified, etag, header } = record;
    const [more, seconds] = [storedSize - size, lastModified / 1000];
    const number = header ? this.keyIds.indexOf(headerKeyId(header)) + 1 : 0;
    const hasRoom =
      size < MOST.size &&
      isWithin(more, MOST.more) &&
      isWithin(seconds, MOST.seconds) &&
      (etag === '' || MD5.test(etag)) &&
      Object.keys(record).every((name) => PACKED_FIELDS.includes(name));
    const packed = header && packHeader(header);
    if (!hasRoom || (header && packed && !(number && this.#isPackable(header, packed, size))))
      return undefined;
    const fixed = Buffer.allocUnsafe(AT.header);
    fixed.writeUInt8(TAG.packed);
    fixed.writeUInt8(number, AT.keyNumber);
    fixed.writeUIntBE(size, AT.size, 5);
    fixed.writeUIntBE(more, AT.more, 3);
    fixed.writeUInt32BE(seconds, AT.seconds);
    return Buffer.concat([fixed, packed ?? Buffer.alloc(0), Buffer.from(etag, 'hex')]);
  }

  #isPackable(header: Buffer, packed: Buffer, size: number): boolean {
    return isSameHeader(unpackHeader(packed, headerKeyId(header), size), header);
  }

  #unpack(payload: Buffer): ObjectRecord {
    const size = payload.readUIntBE(AT.size, 5);
    const keyId = this.keyIds[payload.readUInt8(AT.keyNumber) - 1];
    const etagAt = AT.header + (keyId === undefined ? 0 : PACKED_HEADER_SIZE);
    return {
      kind: 'object',
      size,
      storedSize: size + payload.readUIntBE(AT.more, 3),
      lastModified: payload.readUInt32BE(AT.seconds) * 1000,
      etag: payload.toString('hex', etagAt),
      ...(keyId !== undefined && { header: unpackHeader(payload.subarray(AT.header, etagAt), keyId, size) }),
    };
  }
}

function isWithin(value: number, end: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < end;
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
