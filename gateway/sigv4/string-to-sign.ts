/** SigV4's second stage, for a request, for one aws-chunked chunk, and for its trailers. */
import { createHash } from 'node:crypto';
import { formatScope, type CredentialScope } from './credential-scope';

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/** When, and for what, something was signed. */
export interface SigningContext {
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  readonly scope: CredentialScope;
}

export function stringToSign(context: SigningContext, canonicalRequest: string): string {
  return lines(ALGORITHM, context, sha256Hex(canonicalRequest));
}

/** `chunkHash` is the hex SHA-256 of the chunk's bytes, without its framing. */
export function chunkStringToSign(
  context: SigningContext,
  previousSignature: string,
  chunkHash: string,
): string {
  return lines(`${ALGORITHM}-PAYLOAD`, context, previousSignature, EMPTY_SHA256, chunkHash);
}

/** `trailers` has one line `name:value` for each, with a line feed after it. */
export function trailerStringToSign(
  context: SigningContext,
  previousSignature: string,
  trailers: string,
): string {
  return lines(`${ALGORITHM}-TRAILER`, context, previousSignature, sha256Hex(trailers));
}

function lines(algorithm: string, { timestamp, scope }: SigningContext, ...rest: string[]): string {
  return [algorithm, timestamp, formatScope(scope), ...rest].join('\n');
}

/** Header values have one character per byte, and those bytes are what is signed. */
function sha256Hex(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

const EMPTY_SHA256 = sha256Hex('');
