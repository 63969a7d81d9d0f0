/** Signs requests that no SDK would make, and chunks of their bodies. */
import { createHash } from 'node:crypto';
import {
  signRequest as signHeaders,
  type Signer,
  type UnsignedRequest,
} from '../../gateway/sigv4/sign-request';
import { sign } from '../../gateway/sigv4/signing-key';
import { chunkStringToSign } from '../../gateway/sigv4/string-to-sign';

export type { Signer, UnsignedRequest };

export interface SignedRequest extends UnsignedRequest {
  /** Of chunks in turn, for an aws-chunked body. */
  readonly signChunk: (bytes: Buffer) => string;
}

export const sha256Hex = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex');

export function signRequest(request: UnsignedRequest, signer: Signer): SignedRequest {
  const { headers, signature, signingKey, context } = signHeaders(request, signer);
  let previous = signature;
  return {
    ...request,
    headers,
    signChunk(bytes) {
      previous = sign(signingKey, chunkStringToSign(context, previous, sha256Hex(bytes)));
      return previous;
    },
  };
}
