/** DeleteObjects: each key stands alone, and its error with it. */
import type { GatewayContext } from '../env';
import { S3Error, toS3Error } from '../errors';
import { writeCondition } from '../s3/conditions';
import { readDeleteRequest, type DeleteEntry } from '../s3/delete-request';
import { NULL_VERSION } from '../s3/query-parameters';
import type { Elements } from '../s3/xml-write';
import type { ObjectStore } from '../store/object-store';
import { existingBucket, xmlResponse, type Handlers } from './handler';
import { putOptions } from './objects';
import type { ReceiveText } from './receive';

/** Deletes under way at a time. */
const PARALLEL = 8;

export function deleteObjectsRoutes(
  store: ObjectStore,
  receiveText: ReceiveText,
): Pick<Handlers, 'DeleteObjects'> {
  return {
    async DeleteObjects(c, { bucket }) {
      requireDigest(c);
      const request = readDeleteRequest(await receiveText(c));
      await existingBucket(store, bucket);
      const outcomes: Outcome[] = [];
      for (let at = 0; at < request.objects.length; at += PARALLEL) {
        const batch = request.objects.slice(at, at + PARALLEL);
        outcomes.push(...(await Promise.all(batch.map((entry) => deleteOne(c, store, bucket, entry)))));
      }
      return xmlResponse(c, 'DeleteResult', {
        Deleted: request.quiet ? [] : outcomes.map(({ deleted }) => deleted),
        Error: outcomes.map(({ error }) => error),
      });
    },
  };
}

interface Outcome {
  readonly deleted?: Elements;
  readonly error?: Elements;
}

async function deleteOne(
  c: GatewayContext,
  store: ObjectStore,
  bucket: string,
  { key, versionId, etag }: DeleteEntry,
): Promise<Outcome> {
  const named = { Key: key, VersionId: versionId };
  try {
    if (versionId !== undefined && versionId !== NULL_VERSION) throw new S3Error('NoSuchVersion');
    await store.delete({ bucket, key }, putOptions(writeCondition({ 'if-match': etag })));
    return { deleted: named };
  } catch (thrown) {
    const error = toS3Error(thrown);
    if (error.status >= 500) c.var.log.warn({ err: error.cause ?? error, key }, 'delete failed');
    return { error: { ...named, Code: error.code, Message: error.message } };
  }
}

/** So many deletes on the word of one body: S3 wants to know that it arrived as it was sent. */
function requireDigest({ var: { headers } }: GatewayContext): void {
  const digests = Object.keys(headers).filter(
    (name) => name === 'content-md5' || /^x-amz-(checksum-(crc|sha)|trailer$)/.test(name),
  );
  if (digests.length > 0) return;
  const message = 'Missing required header for this request: Content-MD5 OR x-amz-checksum-*';
  throw new S3Error('InvalidRequest', { message });
}
