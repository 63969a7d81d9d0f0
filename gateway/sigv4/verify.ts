/** Decides whether a request may come in. */
import { S3Error } from '../errors';
import { parseAuthorization, type PresignedRequest, type SignedRequest } from './authorization';
import { canonicalRequest } from './canonical-request';
import type { PayloadHash } from './payload-hash';
import { parseHead, type ParsedHead, type RequestHead } from './request-head';
import { isSameSignature, sign, SigningKeys } from './signing-key';
import { stringToSign, type SigningContext } from './string-to-sign';

export interface VerifierOptions {
  /** The secret access key that belongs to an access key id, or undefined if it is not known. */
  readonly secretOf: (accessKeyId: string) => string | undefined;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** What is known of a request whose signature is right, and what checking its body needs. */
export interface Authentication extends SigningContext {
  readonly accessKeyId: string;
  readonly via: SignedRequest['via'];
  /** Where the chain of chunk signatures starts. */
  readonly seedSignature: string;
  /** Secret. */
  readonly signingKey: Buffer;
  readonly payloadHash: PayloadHash;
}

/** Throws an S3Error with S3's own code for a request that may not come in. */
export type Verifier = (head: RequestHead) => Authentication;

/** How far a client's clock may be off, in either direction: S3's limit. */
const MAX_SKEW_MS = 15 * 60 * 1_000;

/**
 * The verifier throws, besides what `parseAuthorization` does: `InvalidAccessKeyId`, `RequestTimeTooSkewed`, `SignatureDoesNotMatch`,
 * and `AccessDenied` for a presigned URL outside its time or a header that should have been signed.
 */
export function createVerifier({ secretOf, now = Date.now }: VerifierOptions): Verifier {
  const signingKeys = new SigningKeys();
  return function verify(rawHead) {
    const head = parseHead(rawHead);
    const request = parseAuthorization(head);
    checkTime(request, now());
    const secret = secretOf(request.accessKeyId);
    if (secret === undefined) {
      throw new S3Error('InvalidAccessKeyId', { details: { AWSAccessKeyId: request.accessKeyId } });
    }
    checkSignedHeaders(head, request.signedHeaders);
    const signingKey = signingKeys.get(secret, request.scope);
    checkSignature(head, request, signingKey);
    const { accessKeyId, scope, timestamp, via, signature, payloadHash } = request;
    return { accessKeyId, scope, timestamp, via, seedSignature: signature, signingKey, payloadHash };
  };
}

function checkTime(request: SignedRequest, nowMs: number): void {
  if (request.via === 'query') return checkPresignedTime(request, nowMs);
  if (Math.abs(nowMs - request.signedAt) <= MAX_SKEW_MS) return;
  throw new S3Error('RequestTimeTooSkewed', {
    details: {
      RequestTime: request.timestamp,
      ServerTime: isoSeconds(nowMs),
      MaxAllowedSkewMilliseconds: `${MAX_SKEW_MS}`,
    },
  });
}

function checkPresignedTime({ signedAt, expiresInS, timestamp }: PresignedRequest, nowMs: number): void {
  const expiresAt = signedAt + expiresInS * 1_000;
  const details = { Expires: isoSeconds(expiresAt), ServerTime: isoSeconds(nowMs) };
  if (signedAt - nowMs > MAX_SKEW_MS) {
    throw new S3Error('AccessDenied', {
      message: 'Request is not valid yet',
      details: { 'X-Amz-Date': timestamp, ...details },
    });
  }
  if (nowMs >= expiresAt) {
    throw new S3Error('AccessDenied', {
      message: 'Request has expired',
      details: { 'X-Amz-Expires': `${expiresInS}`, ...details },
    });
  }
}

/** A header that S3 acts on must not have been added on the way. */
function checkSignedHeaders(head: ParsedHead, signedHeaders: readonly string[]): void {
  const mustBeSigned = [...head.headers.keys()].filter((name) => name.startsWith('x-amz-'));
  const missing = ['host', ...mustBeSigned].filter((name) => !signedHeaders.includes(name));
  if (missing.length === 0) return;
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    details: { HeadersNotSigned: missing.join(', ') },
  });
}

function checkSignature(head: ParsedHead, request: SignedRequest, signingKey: Buffer): void {
  const canonical = canonicalRequest(head, request.signedHeaders, request.payloadHash.text);
  const text = stringToSign(request, canonical);
  if (isSameSignature(sign(signingKey, text), request.signature)) return;
  // As S3 does: whoever compares this with what the client signed sees what a proxy has changed. It holds nothing but the request itself.
  throw new S3Error('SignatureDoesNotMatch', {
    details: { AWSAccessKeyId: request.accessKeyId, StringToSign: text, CanonicalRequest: canonical },
  });
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
