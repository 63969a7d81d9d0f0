/** Access keys, and what each may do. */
import { S3Error } from '../errors';
import type { Operation } from './operation';
import { IMPLEMENTED, type Method, type OperationType } from './operation-table';

export const RIGHTS = ['read-write', 'write-without-delete', 'read-only'] as const;

/** `write-without-delete` may store, and so replace what is there, but not delete an object or a bucket. */
export type Rights = (typeof RIGHTS)[number];

export interface AccessKey {
  /** How the log calls it. */
  readonly name: string;
  readonly accessKeyId: string;
  /** Secret. */
  readonly secretAccessKey: string;
  readonly rights: Rights;
  /** The only buckets that this key sees; absent: all. */
  readonly buckets?: readonly string[];
}

type Effect = 'read' | 'write' | 'delete';

const ALLOWED: { readonly [R in Rights]: readonly Effect[] } = {
  'read-write': ['read', 'write', 'delete'],
  'write-without-delete': ['read', 'write'],
  'read-only': ['read'],
};

const EFFECTS: { readonly [M in Method]: Effect } = {
  GET: 'read',
  HEAD: 'read',
  PUT: 'write',
  POST: 'write',
  DELETE: 'delete',
};

/** Where the method does not say it. An upload in progress is nobody's object yet: whoever may begin one may give it up. */
const OTHER_EFFECTS: { readonly [T in OperationType]?: Effect } = {
  DeleteObjects: 'delete',
  AbortMultipartUpload: 'write',
};

/** What an operation does to what is stored. */
export function effectOf(type: OperationType): Effect {
  return OTHER_EFFECTS[type] ?? EFFECTS[IMPLEMENTED[type].method];
}

/** Throws `AccessDenied`; `BucketAlreadyExists` for a bucket to be made that this key would not see: the name is not its to have. */
export function checkAccess(key: AccessKey, operation: Operation): void {
  if (operation.type === 'NotImplemented') return;
  if ('bucket' in operation && !seesBucket(key, operation.bucket)) {
    throw operation.type === 'CreateBucket' ? new S3Error('BucketAlreadyExists') : bucketDenied();
  }
  const effect = effectOf(operation.type);
  if (ALLOWED[key.rights].includes(effect)) return;
  throw new S3Error('AccessDenied', { message: `Access denied: this access key may not ${effect}.` });
}

/** The bucket that a copy reads from needs its own look: the operation names the one that it writes to. Throws `AccessDenied`. */
export function checkBucketAccess(key: AccessKey, bucket: string): void {
  if (!seesBucket(key, bucket)) throw bucketDenied();
}

export function seesBucket({ buckets }: AccessKey, bucket: string): boolean {
  return buckets === undefined || buckets.includes(bucket);
}

function bucketDenied(): S3Error {
  return new S3Error('AccessDenied', { message: 'Access denied: this access key is not for this bucket.' });
}
