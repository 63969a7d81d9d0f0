/** Signs requests that no SDK would make. */
import { createHash } from 'node:crypto';
import { formatAmzDate } from '../../gateway/sigv4/amz-date';
import { canonicalRequest } from '../../gateway/sigv4/canonical-request';
import { formatScope } from '../../gateway/sigv4/credential-scope';
import { parseHead } from '../../gateway/sigv4/request-head';
import { deriveSigningKey, sign } from '../../gateway/sigv4/signing-key';
import { ALGORITHM, chunkStringToSign, stringToSign } from '../../gateway/sigv4/string-to-sign';

export interface UnsignedRequest {
  readonly method: string;
  /** As it goes on the request line. */
  readonly target: string;
  /** Signed, all of them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The `x-amz-content-sha256` header. */
  readonly payloadHash: string;
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface SignedRequest extends UnsignedRequest {
  /** Of chunks in turn, for an aws-chunked body. */
  readonly signChunk: (bytes: Buffer) => string;
}

export const sha256Hex = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex');

export function signRequest(
  request: UnsignedRequest,
  { accessKeyId, secretAccessKey, at }: Signer,
): SignedRequest {
  const timestamp = formatAmzDate(at);
  const scope = { date: timestamp.slice(0, 8), region: 'us-east-1', service: 's3' } as const;
  const headers = {
    ...request.headers,
    'x-amz-date': timestamp,
    'x-amz-content-sha256': request.payloadHash,
  };
  const names = Object.keys(headers).sort();
  const head = parseHead({ ...request, rawHeaders: Object.entries(headers).flat() });
  const key = deriveSigningKey(secretAccessKey, scope);
  const context = { timestamp, scope };
  let previous = sign(key, stringToSign(context, canonicalRequest(head, names, request.payloadHash)));
  const credential = `Credential=${accessKeyId}/${formatScope(scope)}`;
  const authorization = `${ALGORITHM} ${credential}, SignedHeaders=${names.join(';')}, Signature=${previous}`;
  return {
    ...request,
    headers: { ...headers, authorization },
    signChunk(bytes) {
      previous = sign(key, chunkStringToSign(context, previous, sha256Hex(bytes)));
      return previous;
    },
  };
}
