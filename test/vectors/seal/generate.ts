/** Makes the test vectors of the sealed object format, the same each time: `npx tsx test/vectors/seal/generate.ts`. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SealContext } from '../../../gateway/seal/context';
import { createKeyring } from '../../../gateway/seal/keyring';
import { seal } from '../../../gateway/seal/seal';

export interface Vector {
  readonly description: string;
  /** Hex. */
  readonly masterKey: string;
  /** What the reader asks for. */
  readonly context: Required<SealContext>;
  /** `opens`, or the reason of the refusal. */
  readonly expect: { readonly whole: string; readonly tail: string };
  /** Present if anything opens. Base64 where it is bytes. */
  readonly object?: {
    readonly manifest: boolean;
    readonly segmentLog2: number;
    readonly metadata: string;
    readonly plaintext: string;
  };
  /** Base64. */
  readonly file: string;
}

interface Source {
  readonly name: string;
  readonly size: number;
  readonly metadata?: object;
  readonly context?: Required<SealContext>;
  readonly masterKey?: Buffer;
  readonly manifest?: boolean;
}

const SEGMENT_LOG2 = 12;
const SEGMENT = 2 ** SEGMENT_LOG2;
const STORED_SEGMENT = SEGMENT + 16;
const MASTER_KEY = sha256('master key');
const VOLUME = 'backupstore/volumes/a1/b2/pvc-1/';
const OBJECT = { bucket: 'backups', key: `${VOLUME}volume.cfg`, uploadId: '', partNumber: 0 };
const PART = { bucket: 'backups', key: `${VOLUME}blocks/c3/d4/x.blk`, uploadId: 'upload-1', partNumber: 2 };
const ATTRIBUTES = { lastModified: 1_764_925_200_000, headers: {}, metadata: {} };

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function md5(bytes: Buffer): Buffer {
  return createHash('md5').update(bytes).digest();
}

/** Readable, and different in every segment. */
function plaintextOf(size: number): Buffer {
  const lines = Array.from(
    { length: Math.ceil(size / 16) },
    (_, i) => `byte ${String(i * 16).padStart(10)}\n`,
  );
  return Buffer.from(lines.join('').slice(0, size));
}

function metadataOf({ size, metadata }: Source): Buffer {
  const etag = md5(plaintextOf(size)).toString('hex');
  return Buffer.from(JSON.stringify(metadata ?? { v: 1, size, etag, ...ATTRIBUTES }));
}

async function sealed(source: Source): Promise<Buffer> {
  const { name, size, context = OBJECT, masterKey = MASTER_KEY, manifest = false } = source;
  let drawn = 0;
  const randomBytes = (length: number): Buffer => sha256(`${name} ${drawn++}`).subarray(0, length);
  const options = { size, segmentLog2: SEGMENT_LOG2, manifest, randomBytes };
  const chunks: Buffer[] = [];
  async function* bytes(): AsyncGenerator<Buffer> {
    yield await Promise.resolve(plaintextOf(size));
  }
  const sealing = seal(createKeyring({ writeKey: masterKey }), context, options);
  for await (const chunk of sealing.stream(bytes(), () => metadataOf(source))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const ONE: Source = { name: 'one byte', size: 1 };
const THREE: Source = { name: 'three segments', size: 2 * SEGMENT + 8 };
const PART_FILE: Source = { name: 'part', size: 7, context: PART };

/** A multipart object of one part: that of the vector `part`. */
async function manifestSource(): Promise<Source> {
  const part = await sealed(PART_FILE);
  const stored = {
    file: '2-5f0c9a1b7e3d2468',
    storedSize: part.length,
    header: part.toString('base64', 0, 128),
  };
  const parts = [{ partNumber: PART.partNumber, size: PART_FILE.size, ...stored }];
  const etag = `${md5(md5(plaintextOf(PART_FILE.size))).toString('hex')}-1`;
  const metadata = { v: 1, size: PART_FILE.size, etag, ...ATTRIBUTES, upload: PART.uploadId, parts };
  return {
    name: 'manifest',
    size: 0,
    manifest: true,
    context: { ...PART, uploadId: '', partNumber: 0 },
    metadata,
  };
}

const RIGHT: readonly (readonly [file: string, description: string, source: Source])[] = [
  ['empty', 'An empty object is one empty segment.', { name: 'empty', size: 0 }],
  ['one-byte', 'One byte in one segment.', ONE],
  ['one-segment', 'Exactly one full segment, which is the last.', { name: 'one segment', size: SEGMENT }],
  ['one-segment-and-a-byte', 'A full segment and one byte.', { name: 'segment and byte', size: SEGMENT + 1 }],
  ['three-segments', 'Two full segments and a part of a third.', THREE],
  ['part', 'A part of a multipart upload.', PART_FILE],
  [
    'context-unicode',
    'A key beyond ASCII, counted in UTF-8 bytes.',
    { name: 'unicode', size: 3, context: { ...OBJECT, key: 'ключ/🗝' } },
  ],
];

type Damage = (file: Buffer) => Buffer | Promise<Buffer>;

function flipped(at: number, bits = 1): Damage {
  return (file) => {
    const bytes = Buffer.from(file);
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = (bytes[index] ?? 0) ^ bits;
    return bytes;
  };
}

/** In the header and in its copy, so that both readers meet it. */
function flippedInBothHeaders(at: number, bits: number): Damage {
  return (file) => flipped(at - 140, bits)(flipped(at, bits)(file) as Buffer);
}

const keptUntil =
  (end: number): Damage =>
  (file) =>
    file.subarray(0, end);

function segmentsOf(file: Buffer): { head: Buffer; first: Buffer; second: Buffer; rest: Buffer } {
  const [a, b, c] = [128, 128 + STORED_SEGMENT, 128 + 2 * STORED_SEGMENT];
  return {
    head: file.subarray(0, a),
    first: file.subarray(a, b),
    second: file.subarray(b, c),
    rest: file.subarray(c),
  };
}

function withSegmentsSwapped(file: Buffer): Buffer {
  const { head, first, second, rest } = segmentsOf(file);
  return Buffer.concat([head, second, first, rest]);
}

async function withSegmentOfOtherFile(file: Buffer): Promise<Buffer> {
  const { head, first, rest } = segmentsOf(file);
  const other = segmentsOf(await sealed({ ...THREE, name: 'older version' }));
  return Buffer.concat([head, first, other.second, rest]);
}

function withoutSecondSegment(file: Buffer): Buffer {
  const { head, first, rest } = segmentsOf(file);
  return Buffer.concat([head, first, rest]);
}

async function withMetadataOfOtherFile(file: Buffer): Promise<Buffer> {
  const other = await sealed({ ...ONE, name: 'older version' });
  return Buffer.concat([file.subarray(0, 145), other.subarray(145, -140), file.subarray(-140)]);
}

async function withFooterOfOtherFile(file: Buffer): Promise<Buffer> {
  const other = await sealed({ ...ONE, name: 'older version' });
  return Buffer.concat([file.subarray(0, -140), other.subarray(-140)]);
}

const DAMAGED: readonly (readonly [
  file: string,
  whole: string,
  tail: string,
  source: Source,
  damage: Damage,
])[] = [
  ['not-sealed-empty-file', 'not-sealed', 'not-sealed', ONE, keptUntil(0)],
  ['not-sealed-plain', 'not-sealed', 'not-sealed', ONE, () => plaintextOf(500)],
  ['not-sealed-magic', 'not-sealed', 'not-sealed', ONE, flipped(7)],
  ['unknown-version', 'unknown-version', 'unknown-version', ONE, flippedInBothHeaders(8, 3)],
  ['unknown-suite', 'unknown-suite', 'unknown-suite', ONE, flippedInBothHeaders(9, 3)],
  ['unknown-flags', 'unknown-flags', 'unknown-flags', ONE, flippedInBothHeaders(11, 2)],
  ['segment-size-too-small', 'segment-size', 'segment-size', ONE, flippedInBothHeaders(10, 7)],
  ['segment-size-too-large', 'segment-size', 'segment-size', ONE, flippedInBothHeaders(10, 25)],
  ['size-too-large', 'size', 'size', ONE, flippedInBothHeaders(61, 1)],
  ['reserved-first', 'reserved', 'reserved', ONE, flippedInBothHeaders(75, 1)],
  ['reserved-last', 'reserved', 'reserved', ONE, flippedInBothHeaders(95, 128)],
  ['unknown-key', 'unknown-key', 'unknown-key', { ...ONE, masterKey: sha256('lost key') }, (file) => file],
  ['header-other-key', 'header', 'header', { ...ONE, context: { ...OBJECT, key: 'other' } }, (file) => file],
  ['header-part-for-object', 'header', 'header', { ...ONE, context: PART }, (file) => file],
  ['header-segment-size', 'header', 'header', ONE, flippedInBothHeaders(10, 1)],
  ['header-multipart-flag', 'header', 'header', ONE, flippedInBothHeaders(11, 1)],
  ['header-plaintext-size', 'header', 'header', ONE, flippedInBothHeaders(67, 3)],
  ['header-nonce-prefix', 'header', 'header', ONE, flippedInBothHeaders(68, 1)],
  ['header-mac-of-first-only', 'header', 'opens', ONE, flipped(127)],
  ['segment-bit', 'segment', 'opens', ONE, flipped(128)],
  ['segment-tag', 'segment', 'opens', ONE, flipped(144, 128)],
  ['segment-last-of-three', 'segment', 'opens', THREE, flipped(128 + 2 * STORED_SEGMENT)],
  ['segment-swapped', 'segment', 'opens', THREE, withSegmentsSwapped],
  ['segment-spliced', 'segment', 'opens', THREE, withSegmentOfOtherFile],
  ['truncated-by-a-middle-segment', 'truncated', 'truncated', THREE, withoutSecondSegment],
  ['metadata-bit', 'metadata', 'metadata', ONE, flipped(145)],
  ['metadata-tag', 'metadata', 'metadata', ONE, flipped(-141)],
  ['metadata-spliced', 'metadata', 'metadata', ONE, withMetadataOfOtherFile],
  ['footer-magic', 'footer', 'footer', ONE, flipped(-140)],
  ['footer-copy', 'footer', 'header', ONE, flipped(-100)],
  ['footer-end-magic', 'footer', 'footer', ONE, flipped(-1)],
  ['footer-metadata-size-out-of-bounds', 'footer', 'footer', ONE, flipped(-12, 128)],
  ['footer-metadata-size-raised', 'truncated', 'truncated', ONE, flipped(-11)],
  ['footer-spliced', 'footer', 'metadata', ONE, withFooterOfOtherFile],
  ['truncated-in-header', 'truncated', 'truncated', ONE, keptUntil(127)],
  ['truncated-in-body', 'truncated', 'footer', THREE, keptUntil(128 + STORED_SEGMENT + 100)],
  ['truncated-after-segment', 'truncated', 'footer', THREE, keptUntil(128 + STORED_SEGMENT)],
  ['truncated-after-body', 'truncated', 'footer', THREE, keptUntil(128 + 2 * STORED_SEGMENT + 24)],
  ['truncated-in-metadata', 'truncated', 'truncated', ONE, keptUntil(200)],
  ['truncated-in-footer', 'truncated', 'footer', ONE, keptUntil(-100)],
  ['truncated-by-one-byte', 'truncated', 'footer', ONE, keptUntil(-1)],
  ['extended-by-one-byte', 'extended', 'footer', ONE, (file) => Buffer.concat([file, Buffer.alloc(1)])],
  ['extended-by-itself', 'extended', 'extended', ONE, (file) => Buffer.concat([file, file])],
];

async function damagedVector([name, whole, tail, source, damage]: (typeof DAMAGED)[number]): Promise<Vector> {
  const file = await damage(await sealed(source));
  return {
    description: `Damage: ${name.replaceAll('-', ' ')}.`,
    masterKey: MASTER_KEY.toString('hex'),
    context: OBJECT,
    expect: { whole, tail },
    ...(tail === 'opens' ? { object: objectOf(source) } : {}),
    file: file.toString('base64'),
  };
}

async function rightVector(description: string, source: Source): Promise<Vector> {
  return {
    description,
    masterKey: MASTER_KEY.toString('hex'),
    context: source.context ?? OBJECT,
    expect: { whole: 'opens', tail: 'opens' },
    object: objectOf(source),
    file: (await sealed(source)).toString('base64'),
  };
}

function objectOf(source: Source): NonNullable<Vector['object']> {
  return {
    manifest: source.manifest ?? false,
    segmentLog2: SEGMENT_LOG2,
    metadata: metadataOf(source).toString('base64'),
    plaintext: plaintextOf(source.size).toString('base64'),
  };
}

/** The text of every vector by file name. */
export async function vectorFiles(): Promise<ReadonlyMap<string, string>> {
  const manifest = [
    'manifest',
    'A multipart object of one part, that of part.json.',
    await manifestSource(),
  ] as const;
  const right = [...RIGHT, manifest].map(
    async ([name, ...rest]) => [name, await rightVector(...rest)] as const,
  );
  const damaged = DAMAGED.map(async (row) => [row[0], await damagedVector(row)] as const);
  const vectors = await Promise.all([...right, ...damaged]);
  return new Map(vectors.map(([name, vector]) => [`${name}.json`, `${JSON.stringify(vector, null, 2)}\n`]));
}

async function main(): Promise<void> {
  for (const [name, text] of await vectorFiles()) writeFileSync(join(__dirname, name), text);
}

if (require.main === module) void main();
