/** What every route is made of. */
import type { ContentfulStatusCode, StatusCode } from 'hono/utils/http-status';
import type { GatewayContext } from '../env';
import { S3Error } from '../errors';
import type { OperationOf } from '../s3/operation';
import type { OperationType } from '../s3/operation-table';
import { document, type Elements } from '../s3/xml-write';
import type { BucketInfo, ObjectInfo, ObjectRef, ObjectStore } from '../store/object-store';

export type Handler<T extends OperationType> = (
  c: GatewayContext,
  operation: OperationOf<T>,
) => Promise<Response>;

/** A handler for each operation: the compiler names the one that is missing. */
export type Handlers = { readonly [T in OperationType]: Handler<T> };

/** Answers with a document in S3's namespace. */
export function xmlResponse(
  c: GatewayContext,
  root: string,
  children: Elements,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body = document(root, children);
  c.var.traffic.bytesOut += Buffer.byteLength(body);
  return c.body(body, 200 satisfies ContentfulStatusCode, { 'content-type': 'application/xml', ...headers });
}

/** Answers without a body. */
export function emptyResponse(
  c: GatewayContext,
  status: StatusCode,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return c.body(null, status, { ...headers });
}

/** Throws `NoSuchBucket`. */
export async function existingBucket(store: ObjectStore, bucket: string): Promise<BucketInfo> {
  const info = await store.headBucket(bucket);
  if (!info) throw new S3Error('NoSuchBucket', { details: { BucketName: bucket } });
  return info;
}

/** Throws `NoSuchKey`, `NoSuchBucket`. */
export async function existingObject(store: ObjectStore, { bucket, key }: ObjectRef): Promise<ObjectInfo> {
  const info = await store.stat({ bucket, key });
  if (!info) throw new S3Error('NoSuchKey', { details: { Key: key } });
  return info;
}
