/** What the client is told of a trouble with the FTP server. */

import { S3Error } from '../errors';
import { RemoteFull, RemoteRefused, RemoteUnavailable } from '../ftp/remote-tree';
import { FormatError, IntegrityError } from '../seal/errors';
import { CatalogError } from './catalog-error';

/** Runs an operation of the store, and turns what the layers below throw into S3 errors; others pass unchanged. */
export async function withS3Errors<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw toS3Error(error);
  }
}

export function toS3Error(error: unknown): unknown {
  if (error instanceof RemoteUnavailable) return new S3Error('SlowDown', { cause: error });
  if (error instanceof CatalogError) return new S3Error('ServiceUnavailable', { cause: error });
  if (error instanceof RemoteFull) return new S3Error('QuotaExceeded', { cause: error });
  if (error instanceof RemoteRefused) {
    const message = 'The FTP server refused to store or read the object; the gateway log has its reply.';
    return new S3Error('InternalError', { message, cause: error });
  }
  if (error instanceof FormatError || error instanceof IntegrityError) {
    const message = 'The stored object is damaged; the gateway log has the details.';
    return new S3Error('InternalError', { message, cause: error });
  }
  return error;
}
