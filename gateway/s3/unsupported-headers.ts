/** Request headers that ask for what the gateway has not. Taking them silently would promise it. */
import { S3Error } from '../errors';
import type { Headers } from './conditions';
import { invalidArgument } from './query-parameters';

/** The owner of everything: one gateway, one account. */
export const OWNER = { ID: 'longhaul', DisplayName: 'longhaul' } as const;

const UNSUPPORTED =
  /^x-amz-(server-side-encryption|copy-source-server-side-encryption|object-lock|bucket-object-lock|tagging$|website-redirect|grant-|write-offset|mfa$)/;
const ACLS = ['private', 'bucket-owner-full-control', 'bucket-owner-read'];

/**
 * Throws `NotImplemented` for encryption by the server's keys, tags, object lock, redirects and grants;
 * `InvalidStorageClass`, `AccessControlListNotSupported` for other values than the one there is; `AccessDenied` for another expected owner.
 */
export function checkSupported(headers: Headers): void {
  const unsupported = Object.keys(headers).find((name) => UNSUPPORTED.test(name));
  if (unsupported !== undefined) {
    const message = 'A header that you provided implies functionality that is not implemented.';
    throw new S3Error('NotImplemented', { message, details: { Header: unsupported } });
  }
  if ((headers['x-amz-storage-class'] ?? 'STANDARD') !== 'STANDARD') throw new S3Error('InvalidStorageClass');
  const acl = headers['x-amz-acl'] ?? 'private';
  if (!ACLS.includes(acl)) throw new S3Error('AccessControlListNotSupported');
  if ((headers['x-amz-expected-bucket-owner'] ?? OWNER.ID) !== OWNER.ID) throw new S3Error('AccessDenied');
}

/** One of the values that a header can have. Throws `InvalidArgument`. */
export function headerOneOf<T extends string>(
  headers: Headers,
  name: string,
  values: readonly T[],
): T | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = values.find((each) => each === text);
  if (value === undefined) throw invalidArgument(name, text, `The value of ${name} is not valid.`);
  return value;
}
