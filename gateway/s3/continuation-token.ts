/** Continuation tokens: where the next page starts, opaque to the client. */
import { S3Error } from '../errors';

const VERSION = '1';

export function encodeContinuationToken(after: string): string {
  return Buffer.from(VERSION + after).toString('base64url');
}

/** Throws `InvalidArgument` for what `encodeContinuationToken` did not write. */
export function decodeContinuationToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  const after = text.slice(VERSION.length);
  if (!text.startsWith(VERSION) || after === '' || encodeContinuationToken(after) !== token) {
    throw new S3Error('InvalidArgument', {
      message: 'The continuation token provided is incorrect.',
      details: { ArgumentName: 'continuation-token' },
    });
  }
  return after;
}
