/** What a request says about its body's hash: `x-amz-content-sha256`, or a presigned URL's `X-Amz-Content-Sha256`. */
import { S3Error } from '../errors';

interface Stated {
  /** As the client wrote it: a line of the canonical request. */
  readonly text: string;
}

/** The body's SHA-256. */
export interface Sha256Payload extends Stated {
  readonly kind: 'sha256';
  /** Lower-case hex. */
  readonly hex: string;
}

/** The body is not hashed. */
export interface UnsignedPayload extends Stated {
  readonly kind: 'unsigned';
}

/** The body is aws-chunked; each chunk may be signed, and trailers may follow. */
export interface StreamingPayload extends Stated {
  readonly kind: 'streaming';
  readonly signed: boolean;
  readonly trailer: boolean;
}

export type PayloadHash = Sha256Payload | UnsignedPayload | StreamingPayload;

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** Throws `InvalidArgument` for anything that S3 does not define, `NotImplemented` for SigV4A's variants. */
export function parsePayloadHash(text: string): PayloadHash {
  if (/^[0-9a-f]{64}$/i.test(text)) return { kind: 'sha256', text, hex: text.toLowerCase() };
  switch (text) {
    case UNSIGNED_PAYLOAD:
      return { kind: 'unsigned', text };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'streaming', text, signed: true, trailer: false };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'streaming', text, signed: true, trailer: true };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'streaming', text, signed: false, trailer: true };
    default:
      throw refusal(text);
  }
}

function refusal(text: string): S3Error {
  if (text.startsWith('STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD')) {
    return new S3Error('NotImplemented', { message: 'Signature Version 4A is not implemented.' });
  }
  return new S3Error('InvalidArgument', {
    message:
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    details: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: text },
  });
}
