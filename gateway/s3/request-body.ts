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
/** 16 MiB: a body up to this size is held in memory, checked, and can then be sent again. Longhorn's largest block fits. */
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

/** Throws at once for what the headers tell: `MissingContentLength`, `EntityTooLarge`, `InvalidDigest`, `InvalidRequest`, `MalformedTrailerError`. */
export function requestBody(request: IncomingBody, options: BodyOptions = {}): Body {
  const declaration = readDeclaration(request, options);
  let opened = false;
  let digests: Digests | undefined;
  return {
    size: declaration.size,
    replayable: false,
    open() {
      if (opened) throw new Error('a request body can be read only once');
      opened = true;
      return checkedBytes(request, declaration, (result) => {
        digests = result;
      });
    },
    digests() {
      if (!digests) throw new Error('the request body has not been read to its end');
      return digests;
    },
  };
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

/** One pass: unframes, counts and hashes, then compares. Ends only if all is as declared. */
async function* checkedBytes(
  request: IncomingBody,
  declaration: Declaration,
  onDigests: (digests: Digests) => void,
): AsyncGenerator<Buffer> {
  const { payloadHash } = request.authentication;
  const { size, checksumAlgorithm: algorithm } = declaration;
  const sha256 = payloadHash.kind === 'sha256' ? createHash('sha256') : undefined;
  const md5 = createHash('md5');
  const hasher = algorithm && createChecksum(algorithm);
  let expectedChecksum = declaration.checksum;
  let received = 0;
  const plain = unframed(request, declaration, (name, value) => {
    if (algorithm && name === checksumHeader(algorithm)) expectedChecksum = value;
  });
  for await (const piece of plain) {
    received += piece.length;
    if (received > size)
      throw new S3Error('IncompleteBody', { message: 'The body is longer than declared.' });
    sha256?.update(piece);
    md5.update(piece);
    hasher?.update(piece);
    yield piece;
  }
  if (received < size) throw new S3Error('IncompleteBody');
  if (payloadHash.kind === 'sha256' && sha256) checkSha256(payloadHash.hex, sha256.digest('hex'));
  const digest = md5.digest();
  if (declaration.contentMd5) checkMd5(declaration.contentMd5, digest);
  if (!algorithm || !hasher) return onDigests({ md5: digest });
  const value = (await hasher.digest()).toString('base64');
  if (expectedChecksum !== undefined) checkChecksum(algorithm, expectedChecksum, value);
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

/** Reads the whole body into memory, in the pieces it came in: checked, and ready to be opened any number of times. */
export async function bufferBody(body: Body): Promise<Body> {
  const pieces: Buffer[] = [];
  for await (const piece of body.open()) pieces.push(piece);
  const digests = body.digests();
  return {
    size: body.size,
    replayable: true,
    open: () => replay(pieces),
    digests: () => digests,
  };
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
 * Calls `use` with the body: held in memory and checked if it has at most `MAX_HELD_BODY_SIZE` bytes, for which it waits until `budget`
 * has that much; else as it streams in. What `use` was given is gone when it ends.
 */
export async function withBody<T>(
  body: Body,
  budget: MemoryBudget,
  signal: AbortSignal | undefined,
  use: (body: Body) => Promise<T>,
): Promise<T> {
  if (body.replayable || body.size > Math.min(MAX_HELD_BODY_SIZE, budget.capacity)) return use(body);
  const release = await budget.acquire(body.size, signal);
  try {
    return await use(await bufferBody(body));
  } finally {
    release();
  }
}
