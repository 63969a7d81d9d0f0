/** Makes the checked Body that a store takes out of the bytes of an HTTP request. */
import { createHash } from 'node:crypto';
import { S3Error, type S3ErrorCode } from '../errors';
import { decodeAwsChunked } from '../sigv4/aws-chunked';
import { ChunkSignatures, type ChunkSigner } from '../sigv4/chunk-signatures';
import type { PayloadHash } from '../sigv4/payload-hash';
import type { Body, ChecksumAlgorithm, Digests } from '../store/object-store';
import { checksumHeader, createChecksum, isChecksumValue } from './checksum';
import { invalidChecksumValue, parseDeclaredChecksum, parseTrailerNames } from './checksum-headers';
import type { Headers } from './conditions';
import type { MemoryBudget } from './memory-budget';

/** 5 GiB: S3's limit on one PUT or part. */
const MAX_BODY_SIZE = 5 * 1024 ** 3;
/** 16 MiB: a body up to this size is held in memory, and can then be sent again. Longhorn's largest block fits. */
export const MAX_HELD_BODY_SIZE = 16 * 1024 ** 2;

export interface IncomingBody {
  readonly headers: Headers;
  /** What the request's signature says about its body. */
  readonly authentication: ChunkSigner & { readonly payloadHash: PayloadHash };
  /** The bytes as the client sends them, framing included. Read once, and not before the Body is opened. */
  readonly bytes: AsyncIterable<Buffer>;
}

export interface BodyOptions {
  /** Bytes, without framing. @default MAX_BODY_SIZE */
  readonly maxSize?: number;
  /** What a larger body is answered with. @default EntityTooLarge */
  readonly tooLarge?: S3ErrorCode;
  /** Computed also if the client sends none; sending another one is an `InvalidRequest`. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /** The checksum headers are not about this body: those of CompleteMultipartUpload are about the object. @default false */
  readonly ignoreChecksumHeaders?: boolean;
}

/** A body on its way in. */
export interface ArrivingBody extends Body {
  /** Reads all of it into memory, in the pieces it comes in. It can be opened any number of times then. */
  hold(): Promise<Body>;
}

/** Throws at once for what the headers tell: `MissingContentLength`, `EntityTooLarge`, `InvalidDigest`, `InvalidRequest`, `MalformedTrailerError`. */
export function requestBody(request: IncomingBody, options: BodyOptions = {}): ArrivingBody {
  const declaration = readDeclaration(request, options);
  const { size } = declaration;
  const { payloadHash } = request.authentication;
  const claim: Claim = { ...declaration, payloadHash };
  let opened = false;
  let digests: Digests | undefined;
  const take = (): AsyncIterable<Buffer> => {
    if (opened) throw new Error('a request body can be read only once');
    opened = true;
    return wholeBytes(request, declaration, (checksum) => {
      claim.checksum = checksum;
    });
  };
  const comparing = (bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> =>
    comparedBytes(bytes, claim, (result) => {
      digests = result;
    });
  const known = (): Digests => {
    if (!digests) throw new Error('the request body has not been read to its end');
    return digests;
  };
  return {
    size,
    replayable: false,
    open: () => comparing(take()),
    digests: known,
    async hold() {
      const pieces = await piecesOf(take());
      // Compared as it is read, so that it can be on its way meanwhile.
      const open = (): AsyncIterable<Buffer> => (digests ? replay(pieces) : comparing(replay(pieces)));
      return { size, replayable: true, open, digests: known };
    },
  };
}

/** What the bytes have to agree with. */
interface Claim extends Pick<Declaration, 'contentMd5' | 'checksumAlgorithm'> {
  readonly payloadHash: PayloadHash;
  /** Base64. That of a trailer is there when the bytes are. */
  checksum?: string;
}

/** What the client says about the body in its headers. */
interface Declaration {
  /** Bytes, without framing. */
  readonly size: number;
  readonly contentMd5?: Buffer;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /** Base64; absent if it comes in a trailer, or not at all. */
  readonly checksum?: string;
  readonly trailers: readonly string[];
}

function readDeclaration({ headers, authentication }: IncomingBody, options: BodyOptions): Declaration {
  const { payloadHash } = authentication;
  const { checksumAlgorithm: wanted, ignoreChecksumHeaders = false } = options;
  const size = declaredSize(headers, payloadHash, options);
  const contentMd5 = parseContentMd5(headers['content-md5']);
  const declared = ignoreChecksumHeaders ? undefined : parseDeclaredChecksum(headers, payloadHash);
  if (wanted && declared && wanted !== declared.algorithm) {
    throw new S3Error('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${wanted.toLowerCase()}, actual checksum Type: ${declared.algorithm.toLowerCase()}`,
    });
  }
  const checksumAlgorithm = declared?.algorithm ?? wanted;
  return {
    size,
    ...(contentMd5 && { contentMd5 }),
    ...(checksumAlgorithm && { checksumAlgorithm }),
    ...(declared?.value !== undefined && { checksum: declared.value }),
    trailers: parseTrailerNames(headers),
  };
}

function declaredSize(headers: Headers, payloadHash: PayloadHash, options: BodyOptions): number {
  const name = payloadHash.kind === 'streaming' ? 'x-amz-decoded-content-length' : 'content-length';
  const text = headers[name]?.trim() ?? '';
  if (!/^\d{1,15}$/.test(text)) throw new S3Error('MissingContentLength');
  const size = Number(text);
  const { maxSize = MAX_BODY_SIZE, tooLarge = 'EntityTooLarge' } = options;
  if (size <= maxSize) return size;
  throw new S3Error(tooLarge, { details: { ProposedSize: text, MaxSizeAllowed: `${maxSize}` } });
}

const MD5_SIZE = 16;

function parseContentMd5(text: string | undefined): Buffer | undefined {
  if (text === undefined) return undefined;
  const md5 = Buffer.from(text, 'base64');
  if (md5.length === MD5_SIZE && md5.toString('base64') === text.trim()) return md5;
  throw new S3Error('InvalidDigest', { details: { 'Content-MD5': text } });
}

/** Unframes and counts. Ends only if all is there. */
async function* wholeBytes(
  request: IncomingBody,
  declaration: Declaration,
  onChecksum: (base64: string) => void,
): AsyncGenerator<Buffer> {
  const { size, checksumAlgorithm: algorithm } = declaration;
  let received = 0;
  const plain = unframed(request, declaration, (name, value) => {
    if (algorithm && name === checksumHeader(algorithm)) onChecksum(value);
  });
  for await (const piece of plain) {
    received += piece.length;
    if (received > size)
      throw new S3Error('IncompleteBody', { message: 'The body is longer than declared.' });
    yield piece;
  }
  if (received < size) throw new S3Error('IncompleteBody');
}

/** Hashes what passes, then compares. Ends only if all is as the client says. */
async function* comparedBytes(
  bytes: AsyncIterable<Buffer>,
  claim: Claim,
  onDigests: (digests: Digests) => void,
): AsyncGenerator<Buffer> {
  const { payloadHash, checksumAlgorithm: algorithm } = claim;
  const sha256 = payloadHash.kind === 'sha256' ? createHash('sha256') : undefined;
  const md5 = createHash('md5');
  const hasher = algorithm && createChecksum(algorithm);
  for await (const piece of bytes) {
    sha256?.update(piece);
    md5.update(piece);
    hasher?.update(piece);
    yield piece;
  }
  if (payloadHash.kind === 'sha256' && sha256) checkSha256(payloadHash.hex, sha256.digest('hex'));
  const digest = md5.digest();
  if (claim.contentMd5) checkMd5(claim.contentMd5, digest);
  if (!algorithm || !hasher) return onDigests({ md5: digest });
  const value = (await hasher.digest()).toString('base64');
  if (claim.checksum !== undefined) checkChecksum(algorithm, claim.checksum, value);
  onDigests({ md5: digest, checksum: { algorithm, type: 'FULL_OBJECT', value } });
}

/** The body's own bytes. */
function unframed(
  { authentication, bytes }: IncomingBody,
  { size, trailers }: Declaration,
  onTrailer: (name: string, value: string) => void,
): AsyncIterable<Buffer> {
  const { payloadHash } = authentication;
  if (payloadHash.kind !== 'streaming') return whileConnected(bytes);
  return decodeAwsChunked(whileConnected(bytes), {
    decodedLength: size,
    onTrailer,
    ...(payloadHash.signed && { signatures: new ChunkSignatures(authentication) }),
    ...(payloadHash.trailer && { trailers }),
  });
}

/** Whatever the connection dies of becomes an `IncompleteBody`. */
async function* whileConnected(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* bytes;
  } catch (cause) {
    throw cause instanceof S3Error ? cause : new S3Error('IncompleteBody', { cause });
  }
}

function checkSha256(expected: string, actual: string): void {
  if (expected === actual) return;
  throw new S3Error('XAmzContentSHA256Mismatch', {
    details: { ClientComputedContentSHA256: expected, S3ComputedContentSHA256: actual },
  });
}

function checkMd5(expected: Buffer, actual: Buffer): void {
  if (expected.equals(actual)) return;
  throw new S3Error('BadDigest', {
    message: 'The Content-MD5 you specified did not match what we received.',
    details: { ExpectedDigest: expected.toString('base64'), CalculatedDigest: actual.toString('base64') },
  });
}

function checkChecksum(algorithm: ChecksumAlgorithm, expected: string, actual: string): void {
  if (!isChecksumValue(algorithm, expected)) throw invalidChecksumValue(algorithm);
  if (expected === actual) return;
  throw new S3Error('BadDigest', {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}

/** All that comes. */
export async function piecesOf(bytes: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  for await (const piece of bytes) pieces.push(piece);
  return pieces;
}

/** The pieces as a body's bytes, any number of times. */
export function replay(pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = pieces.values();
      return { next: () => Promise.resolve(iterator.next()) };
    },
  };
}

/**
 * Calls `use` with the body: held in memory if it has at most `MAX_HELD_BODY_SIZE` bytes, for which it waits until `budget`
 * has that much; else as it streams in. What `use` was given is gone when it ends.
 */
export async function withBody<T>(
  body: ArrivingBody,
  budget: MemoryBudget,
  signal: AbortSignal | undefined,
  use: (body: Body) => Promise<T>,
): Promise<T> {
  if (body.size > Math.min(MAX_HELD_BODY_SIZE, budget.capacity)) return use(body);
  const release = await budget.acquire(body.size, signal);
  try {
    return await use(await body.hold());
  } finally {
    release();
  }
}
