/** CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload. */
import { S3Error } from '../errors';
import { checksumElements } from '../s3/documents';
import { writeCondition } from '../s3/conditions';
import { readCompleteRequest } from '../s3/complete-request';
import { MAX_PART_NUMBER } from '../s3/multipart';
import { attributesOf, checksumHeaders, quoted } from '../s3/object-headers';
import type { ObjectOperation } from '../s3/operation';
import { integerIn } from '../s3/query-parameters';
import { checkSupported } from '../s3/unsupported-headers';
import { declaredChecksum, uploadChecksum } from '../s3/upload-checksum';
import type { CompletedPart, ObjectStore, UploadRef } from '../store/object-store';
import { emptyResponse, existingBucket, xmlResponse, type Handlers } from './handler';
import { putOptions } from './objects';
import type { Receive, ReceiveText } from './receive';

type MultipartHandlers = Pick<
  Handlers,
  'CreateMultipartUpload' | 'UploadPart' | 'CompleteMultipartUpload' | 'AbortMultipartUpload'
>;

export function multipartRoutes(
  store: ObjectStore,
  receive: Receive,
  receiveText: ReceiveText,
): MultipartHandlers {
  return {
    async CreateMultipartUpload(c, { bucket, key }) {
      const { headers } = c.var;
      checkSupported(headers);
      const options = uploadChecksum(headers);
      await existingBucket(store, bucket);
      const uploadId = await store.createUpload({ bucket, key }, attributesOf(headers), options);
      return xmlResponse(
        c,
        'InitiateMultipartUploadResult',
        { Bucket: bucket, Key: key, UploadId: uploadId },
        {
          ...(options.checksumAlgorithm && { 'x-amz-checksum-algorithm': options.checksumAlgorithm }),
          ...(options.checksumType && { 'x-amz-checksum-type': options.checksumType }),
        },
      );
    },

    async UploadPart(c, operation) {
      const partNumber = integerIn(operation.query, 'partNumber', 1, MAX_PART_NUMBER);
      const ref = uploadRef(operation);
      const { checksumAlgorithm } = await store.getUpload(ref);
      const part = await receive(c, (body) => store.putPart(ref, partNumber, body), {
        ...(checksumAlgorithm && { checksumAlgorithm }),
      });
      return emptyResponse(c, 200, { etag: quoted(part.etag), ...checksumHeaders(part) });
    },

    async CompleteMultipartUpload(c, operation) {
      const { headers } = c.var;
      const ref = uploadRef(operation);
      const condition = writeCondition(headers);
      const parts = readCompleteRequest(await receiveText(c, { ignoreChecksumHeaders: true }));
      await checkDeclaredSize(store, ref, parts, headers['x-amz-mp-object-size']);
      const checksum = declaredChecksum(headers);
      const info = await store.completeUpload(ref, parts, {
        ...putOptions(condition),
        ...(checksum && { checksum }),
      });
      return xmlResponse(c, 'CompleteMultipartUploadResult', {
        Location: `${new URL(c.req.url).protocol}//${headers.host ?? ''}/${ref.bucket}/${encodeURIComponent(ref.key)}`,
        Bucket: ref.bucket,
        Key: ref.key,
        ETag: quoted(info.etag),
        ...checksumElements(info.checksum),
      });
    },

    async AbortMultipartUpload(c, operation) {
      await store.abortUpload(uploadRef(operation));
      return emptyResponse(c, 204);
    },
  };
}

export function uploadRef({ bucket, key, query }: ObjectOperation): UploadRef {
  return { bucket, key, uploadId: query.get('uploadId') ?? '' };
}

/** Throws `InvalidRequest` where the named parts do not add up to the size that the client declared. */
async function checkDeclaredSize(
  store: ObjectStore,
  ref: UploadRef,
  named: readonly CompletedPart[],
  declared: string | undefined,
): Promise<void> {
  if (declared === undefined) return;
  const sizes = new Map((await store.listParts(ref)).map((part) => [part.partNumber, part.size]));
  const size = named.reduce((sum, { partNumber }) => sum + (sizes.get(partNumber) ?? 0), 0);
  if (declared === `${size}`) return;
  const message = 'The provided x-amz-mp-object-size header does not match what was computed.';
  throw new S3Error('InvalidRequest', { message });
}
