/** Request headers that ask for what the gateway has not. Taking them silently would promise it. */
import { S3Error } from '../errors';
import type { Headers } from './conditions';
import { invalidArgument } from './query-parameters';

/** The owner of everything: one gateway, one account. */
export const OWNER = { ID: 'longhaul', DisplayName: 'longhaul' } as const;

const UNSUPPORTED =
  /^x-amz-(server-side-encryption|copy-source-server-side-encryption|object-lock|bucket-object-lock|tagging$|website-redirect|grant-|write-offset|mfa$)/;
/** Those that say what holds anyway. */
const PRIVATE_ACLS = ['private', 'bucket-owner-full-control', 'bucket-owner-read'];
const PUBLIC_ACLS = [
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'log-delivery-write',
];

/**
 * Throws `NotImplemented` for encryption by the server's keys, tags, object lock, redirects and grants;
 * `InvalidStorageClass` for another than the one there is; `AccessDenied` for another expected owner; `InvalidArgument` for no canned ACL.
 * A canned ACL changes nothing, as many S3 servers have it: clients send one out of habit, and what they write stays private.
 */
export function checkSupported(headers: Headers): void {
  const unsupported = Object.keys(headers).find((name) => UNSUPPORTED.test(name));
  if (unsupported !== undefined) {
    const message = 'A header that you provided implies functionality that is not implemented.';
    throw new S3Error('NotImplemented', { message, details: { Header: unsupported } });
  }
  if ((headers['x-amz-storage-class'] ?? 'STANDARD') !== 'STANDARD') throw new S3Error('InvalidStorageClass');
  headerOneOf(headers, 'x-amz-acl', [...PRIVATE_ACLS, ...PUBLIC_ACLS]);
  if ((headers['x-amz-expected-bucket-owner'] ?? OWNER.ID) !== OWNER.ID) throw new S3Error('AccessDenied');
}

/** For a request about nothing but an ACL. Throws `AccessControlListNotSupported` unless it asks for what holds, `NotImplemented` for grants one by one. */
export function checkPrivateAcl(headers: Headers): void {
  checkSupported(headers);
  const acl = headers['x-amz-acl'];
  if (acl === undefined) throw new S3Error('NotImplemented');
  if (!PRIVATE_ACLS.includes(acl)) throw new S3Error('AccessControlListNotSupported');
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
