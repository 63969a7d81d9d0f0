/**
 * A second reader of sealed objects, written from FORMAT.md alone: it shares no code with the gateway, works on whole Buffers, and
 * spells HKDF out. Where the two readers differ, one of them or the page is wrong.
 */
import { createDecipheriv, createHash, createHmac } from 'node:crypto';

export interface ReaderContext {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId?: string | undefined;
  readonly partNumber?: number | undefined;
}

export interface ReadObject {
  readonly manifest: boolean;
  readonly segmentLog2: number;
  readonly metadata: Buffer;
  readonly plaintext: Buffer;
}

/** A refusal with its reason from section 10. */
class Refusal extends Error {
  constructor(readonly reason: string) {
    super(reason);
  }
}

interface Opened {
  readonly header: Buffer;
  readonly dataKey: Buffer;
  readonly metadataKey: Buffer;
  readonly plaintextSize: number;
  readonly segmentSize: number;
  readonly segments: number;
}

const hmac = (key: Buffer, ...message: Buffer[]): Buffer =>
  createHmac('sha256', key).update(Buffer.concat(message)).digest();

function refuseIf(condition: boolean, reason: string): void {
  if (condition) throw new Refusal(reason);
}

function uint32(value: number): Buffer {
  return Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]);
}

/** Section 3. */
function deriveKeys(masterKey: Buffer, salt: Buffer, context: ReaderContext): Buffer[] {
  const texts = [context.bucket, context.key, context.uploadId ?? ''].map((text) => Buffer.from(text));
  const encoded = Buffer.concat([
    ...texts.flatMap((text) => [uint32(text.length), text]),
    uint32(context.partNumber ?? 0),
  ]);
  const info = Buffer.concat([
    Buffer.from('longhaul v1 object keys'),
    createHash('sha256').update(encoded).digest(),
  ]);
  const pseudorandomKey = hmac(salt, masterKey);
  const first = hmac(pseudorandomKey, info, Buffer.from([1]));
  const second = hmac(pseudorandomKey, first, info, Buffer.from([2]));
  return [first, second, hmac(pseudorandomKey, second, info, Buffer.from([3]))];
}

/** AES-256-GCM; `sealed` ends in its tag. */
function decrypt(key: Buffer, nonce: Buffer, associated: Buffer, sealed: Buffer, reason: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  const plaintext = decipher.update(sealed.subarray(0, sealed.length - 16));
  try {
    decipher.final();
  } catch {
    throw new Refusal(reason);
  }
  return plaintext;
}

/** Sections 4 and 10.1. */
function openHeader(masterKey: Buffer, context: ReaderContext, bytes: Buffer): Opened {
  const header = bytes.subarray(0, 128);
  refuseIf(header.toString('latin1', 0, 8) !== 'LONGHAUL', 'not-sealed');
  refuseIf(header.length < 128, 'truncated');
  const [version = 0, suite = 0, log2 = 0, flags = 0] = header.subarray(8, 12);
  refuseIf(version !== 1, 'unknown-version');
  refuseIf(suite !== 1, 'unknown-suite');
  refuseIf(flags > 1, 'unknown-flags');
  refuseIf(log2 < 12 || log2 > 20, 'segment-size');
  const plaintextSize = header.readUInt32BE(60) * 2 ** 32 + header.readUInt32BE(64);
  const segmentSize = 2 ** log2;
  const segments = Math.max(1, Math.ceil(plaintextSize / segmentSize));
  refuseIf(segments > 2 ** 32, 'size');
  refuseIf(!header.subarray(75, 96).equals(Buffer.alloc(21)), 'reserved');
  const knownKeyId = hmac(masterKey, Buffer.from('longhaul v1 key id')).subarray(0, 16);
  refuseIf(!header.subarray(12, 28).equals(knownKeyId), 'unknown-key');
  const [dataKey, metadataKey, commitKey] = deriveKeys(masterKey, header.subarray(28, 60), context);
  if (dataKey === undefined || metadataKey === undefined || commitKey === undefined)
    throw new Error('no keys');
  refuseIf(!header.subarray(96).equals(hmac(commitKey, header.subarray(0, 96))), 'header');
  return { header, dataKey, metadataKey, plaintextSize, segmentSize, segments };
}

/** Section 6. */
function openMetadata({ header, metadataKey }: Opened, sealed: Buffer): Buffer {
  return decrypt(metadataKey, Buffer.alloc(12), header.subarray(96), sealed, 'metadata');
}

/** What a footer says, or undefined where it does not hold: section 7. */
function sealedMetadataSize(footer: Buffer): number | undefined {
  const size = footer.readUInt32BE(128);
  const inPlace =
    footer.toString('latin1', 0, 8) === 'LONGHAUL' && footer.toString('latin1', 132) === 'LONGHEND';
  return inPlace && size >= 16 && size <= 2 ** 24 + 16 ? size : undefined;
}

function checkLength(length: number, expected: number): void {
  refuseIf(length < expected, 'truncated');
  refuseIf(length > expected, 'extended');
}

/** Section 10.2. */
export function readWholeIndependently(masterKey: Buffer, context: ReaderContext, file: Buffer): ReadObject {
  const opened = openHeader(masterKey, context, file);
  const { header, dataKey, plaintextSize, segmentSize, segments } = opened;
  const plaintext: Buffer[] = [];
  let at = 128;
  for (let i = 0; i < segments; i++) {
    const last = i === segments - 1;
    const length = (last ? plaintextSize - i * segmentSize : segmentSize) + 16;
    refuseIf(file.length < at + length, 'truncated');
    const nonce = Buffer.concat([header.subarray(68, 75), uint32(i), Buffer.from([last ? 1 : 0])]);
    plaintext.push(decrypt(dataKey, nonce, header.subarray(96), file.subarray(at, at + length), 'segment'));
    at += length;
  }
  const trailer = file.subarray(at);
  refuseIf(trailer.length > 2 ** 24 + 16 + 140, 'extended');
  const copyAt = trailer.indexOf(header);
  if (copyAt < 0) throw new Refusal(trailer.toString('latin1').endsWith('LONGHEND') ? 'footer' : 'truncated');
  checkLength(trailer.length, copyAt + 140);
  const metadataSize = sealedMetadataSize(trailer.subarray(copyAt));
  if (metadataSize === undefined) throw new Refusal('footer');
  checkLength(trailer.length, metadataSize + 140);
  return {
    manifest: header[11] === 1,
    segmentLog2: header[10] ?? 0,
    metadata: openMetadata(opened, trailer.subarray(0, metadataSize)),
    plaintext: Buffer.concat(plaintext),
  };
}

/** Section 10.3, with the whole file at hand but only its last 4,096 bytes, and what the footer asks for, looked at. */
export function readTailIndependently(masterKey: Buffer, context: ReaderContext, file: Buffer): Buffer {
  refuseIf(file.length <= 4096 && file.toString('latin1', 0, 8) !== 'LONGHAUL', 'not-sealed');
  refuseIf(file.length < 300, 'truncated');
  const footer = file.subarray(file.length - 140);
  const metadataSize = sealedMetadataSize(footer);
  if (metadataSize === undefined) throw new Refusal('footer');
  const opened = openHeader(masterKey, context, footer);
  checkLength(file.length, 128 + opened.plaintextSize + 16 * opened.segments + metadataSize + 140);
  return openMetadata(opened, file.subarray(file.length - 140 - metadataSize, file.length - 140));
}
