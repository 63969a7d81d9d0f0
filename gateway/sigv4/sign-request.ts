/** The client's side of SigV4: signs a request in its headers. */
import { formatAmzDate } from './amz-date';
import { canonicalRequest } from './canonical-request';
import { formatScope } from './credential-scope';
import { parseHead } from './request-head';
import { deriveSigningKey, sign } from './signing-key';
import { ALGORITHM, stringToSign, type SigningContext } from './string-to-sign';

export interface UnsignedRequest {
  readonly method: string;
  /** As it goes on the request line. */
  readonly target: string;
  /** By lower-case name; signed, all of them. `host` must be among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** The `x-amz-content-sha256` header. */
  readonly payloadHash: string;
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** @default 'us-east-1' */
  readonly region?: string;
}

export interface Signature {
  /** All headers of the signed request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hex; chunks of an aws-chunked body go on from it. */
  readonly signature: string;
  readonly signingKey: Buffer;
  readonly context: SigningContext;
}

export function signRequest(request: UnsignedRequest, signer: Signer): Signature {
  const { accessKeyId, secretAccessKey, at, region = 'us-east-1' } = signer;
  const timestamp = formatAmzDate(at);
  const scope = { date: timestamp.slice(0, 8), region, service: 's3' } as const;
  const { payloadHash } = request;
  const headers = { ...request.headers, 'x-amz-date': timestamp, 'x-amz-content-sha256': payloadHash };
  const names = Object.keys(headers).sort();
  const head = parseHead({ ...request, rawHeaders: Object.entries(headers).flat() });
  const signingKey = deriveSigningKey(secretAccessKey, scope);
  const context = { timestamp, scope };
  const signature = sign(signingKey, stringToSign(context, canonicalRequest(head, names, payloadHash)));
  const credential = `Credential=${accessKeyId}/${formatScope(scope)}`;
  const authorization = `${ALGORITHM} ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers: { ...headers, authorization }, signature, signingKey, context };
}
