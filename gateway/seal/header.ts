/**
 * The header's fields and their bytes: FORMAT.md section 4. Nothing here is secret, and nothing here is authenticated yet.
 *
 *     magic 8 | version 1 | suite 1 | segment log2 1 | flags 1 | key id 16 | salt 32 | size 8 | nonce prefix 7 | zero 21 | MAC 32
 */
import { FormatError, IntegrityError } from './errors';
import { KEY_ID_SIZE } from './keyring';
import { HEADER_SIZE, isSegmentLog2, maxSize, type BodyShape } from './layout';

export const SALT_SIZE = 32;
export const NONCE_PREFIX_SIZE = 7;
const HEADER_MAC_SIZE = 32;
/** The bytes that the header's MAC covers. */
export const MAC_OFFSET = HEADER_SIZE - HEADER_MAC_SIZE;

const MAGIC = Buffer.from('LONGHAUL', 'latin1');
const VERSION = 1;
/** AES-256-GCM in STREAM, HKDF-SHA-256, HMAC-SHA-256. */
const SUITE = 1;
const MANIFEST_FLAG = 1;

const AT = {
  version: 8,
  suite: 9,
  segmentLog2: 10,
  flags: 11,
  keyId: 12,
  salt: 28,
  size: 60,
  noncePrefix: 68,
} as const;
const RESERVED_OFFSET = AT.noncePrefix + NONCE_PREFIX_SIZE;

export interface Header extends BodyShape {
  /** The object is multipart: its bytes are those of the parts that the metadata names. */
  readonly manifest: boolean;
  /** Which master key: lower-case hex. */
  readonly keyId: string;
  /** Fresh for every file. */
  readonly salt: Buffer;
  /** Fresh for every file. */
  readonly noncePrefix: Buffer;
}

/** Whether a file that begins so is meant to be a sealed object; the first 8 bytes decide. */
export function looksSealed(firstBytes: Buffer): boolean {
  return firstBytes.subarray(0, MAGIC.length).equals(MAGIC);
}

/** The key id that a header of ours names. */
export function headerKeyId(headerBytes: Buffer): string {
  return headerBytes.toString('hex', AT.keyId, AT.keyId + KEY_ID_SIZE);
}

/** The salt that a header names: that of no other file. */
export function headerSalt(headerBytes: Buffer): Buffer {
  return headerBytes.subarray(AT.salt, AT.salt + SALT_SIZE);
}

/** The header's bytes, with zeros where the MAC goes. */
export function encodeHeader(header: Header): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE);
  MAGIC.copy(bytes);
  bytes.writeUInt8(VERSION, AT.version);
  bytes.writeUInt8(SUITE, AT.suite);
  bytes.writeUInt8(header.segmentLog2, AT.segmentLog2);
  bytes.writeUInt8(header.manifest ? MANIFEST_FLAG : 0, AT.flags);
  bytes.write(header.keyId, AT.keyId, KEY_ID_SIZE, 'hex');
  header.salt.copy(bytes, AT.salt, 0, SALT_SIZE);
  header.noncePrefix.copy(bytes, AT.noncePrefix, 0, NONCE_PREFIX_SIZE);
  bytes.writeBigUInt64BE(BigInt(header.size), AT.size);
  return bytes;
}

/**
 * Whether two headers, with their MACs or without, are of one and the same file: salt and nonce prefix are those of no other, and the MAC follows
 * from what it covers and from the key.
 */
export function isSameHeader(a: Buffer, b: Buffer): boolean {
  return a.subarray(0, MAC_OFFSET).equals(b.subarray(0, MAC_OFFSET));
}

/** What `unpackHeader` cannot know by itself, for whoever keeps many headers: the fields that vary. */
export const PACKED_HEADER_SIZE = AT.keyId - AT.segmentLog2 + SALT_SIZE + NONCE_PREFIX_SIZE;

/** @param bytes a header, with or without its MAC */
export function packHeader(bytes: Buffer): Buffer {
  return Buffer.concat([
    bytes.subarray(AT.segmentLog2, AT.keyId),
    bytes.subarray(AT.salt, AT.size),
    bytes.subarray(AT.noncePrefix, RESERVED_OFFSET),
  ]);
}

/** The header again, without its MAC. Key id and size are those that it names. */
export function unpackHeader(packed: Buffer, keyId: string, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(MAC_OFFSET).fill(0);
  MAGIC.copy(bytes);
  bytes.writeUInt8(VERSION, AT.version);
  bytes.writeUInt8(SUITE, AT.suite);
  const flagsEnd = AT.keyId - AT.segmentLog2;
  packed.copy(bytes, AT.segmentLog2, 0, flagsEnd);
  bytes.write(keyId, AT.keyId, KEY_ID_SIZE, 'hex');
  packed.copy(bytes, AT.salt, flagsEnd, flagsEnd + SALT_SIZE);
  bytes.writeBigUInt64BE(BigInt(size), AT.size);
  packed.copy(bytes, AT.noncePrefix, flagsEnd + SALT_SIZE);
  return bytes;
}

/** Throws a FormatError, or an IntegrityError `truncated` if the bytes end before the header does. */
export function decodeHeader(bytes: Buffer): Header {
  if (!looksSealed(bytes)) throw new FormatError('not-sealed');
  if (bytes.length < HEADER_SIZE) throw new IntegrityError('truncated', `${bytes.length} bytes`);
  const [version, suite] = [bytes.readUInt8(AT.version), bytes.readUInt8(AT.suite)];
  if (version !== VERSION) throw new FormatError('unknown-version', `version ${version}`);
  if (suite !== SUITE) throw new FormatError('unknown-suite', `suite ${suite}`);
  const flags = bytes.readUInt8(AT.flags);
  if ((flags & ~MANIFEST_FLAG) !== 0) throw new FormatError('unknown-flags', `flags ${flags}`);
  const segmentLog2 = bytes.readUInt8(AT.segmentLog2);
  if (!isSegmentLog2(segmentLog2)) throw new FormatError('segment-size', `2^${segmentLog2} bytes`);
  const size = bytes.readBigUInt64BE(AT.size);
  if (size > maxSize(segmentLog2)) throw new FormatError('size', `${size} bytes`);
  const reserved = bytes.subarray(RESERVED_OFFSET, MAC_OFFSET);
  if (reserved.some((byte) => byte !== 0)) throw new FormatError('reserved');
  return {
    segmentLog2,
    size: Number(size),
    manifest: (flags & MANIFEST_FLAG) !== 0,
    keyId: headerKeyId(bytes),
    salt: bytes.subarray(AT.salt, AT.salt + SALT_SIZE),
    noncePrefix: bytes.subarray(AT.noncePrefix, AT.noncePrefix + NONCE_PREFIX_SIZE),
  };
}
