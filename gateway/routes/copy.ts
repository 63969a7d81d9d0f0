/** CopyObject, UploadPartCopy: the gateway reads the source and writes it anew. */
import { S3Error } from '../errors';
import type { GatewayContext } from '../env';
import { checkBucketAccess } from '../s3/access-key';
import { checkCopySource, writeCondition, type Headers } from '../s3/conditions';
import { copiedBody } from '../s3/copied-body';
import { parseCopySource } from '../s3/copy-source';
import { checksumElements } from '../s3/documents';
import { formatXmlDate } from '../s3/http-date';
import { MAX_PART_NUMBER } from '../s3/multipart';
import { attributesOf, quoted } from '../s3/object-headers';
import { integerIn } from '../s3/query-parameters';
import { parseCopyRange } from '../s3/range';
import { checkSupported, headerOneOf } from '../s3/unsupported-headers';
import { announcedChecksum } from '../s3/upload-checksum';
import type {
  Attributes,
  ByteRange,
  ObjectInfo,
  ObjectRef,
  ObjectStore,
  OpenObject,
} from '../store/object-store';
import { existingBucket, xmlResponse, type Handlers } from './handler';
import { uploadRef } from './multipart';
import { putOptions } from './objects';
import type { Hold } from './receive';

/** S3's limit on what one copy may move. */
const MAX_COPY_SIZE = 5 * 1024 ** 3;

type CopyHandlers = Pick<Handlers, 'CopyObject' | 'UploadPartCopy'>;

/** `hold` keeps a small copy from reading and writing at the same time, which takes two FTP connections, and lets it be sent again. */
export function copyRoutes(store: ObjectStore, hold: Hold): CopyHandlers {
  return {
    async CopyObject(c, { bucket, key }) {
      const { headers } = c.var;
      checkSupported(headers);
      const target = { bucket, key };
      await existingBucket(store, bucket);
      const { ref, object } = await openSource(store, c);
      const attributes = attributesOfCopy(headers, object.info, isSame(ref, target));
      const algorithm = announcedChecksum(headers) ?? object.info.checksum?.algorithm;
      const body = copiedBody(object, wholeOf(object.info), algorithm);
      const options = putOptions(writeCondition(headers));
      const info = await hold(c, body, (held) => store.put(target, held, attributes, options));
      return copyResult(c, 'CopyObjectResult', info);
    },

    async UploadPartCopy(c, operation) {
      const { headers } = c.var;
      const partNumber = integerIn(operation.query, 'partNumber', 1, MAX_PART_NUMBER);
      const upload = uploadRef(operation);
      const { checksumAlgorithm } = await store.getUpload(upload);
      const { object } = await openSource(store, c);
      const header = headers['x-amz-copy-source-range'];
      const range = header === undefined ? wholeOf(object.info) : parseCopyRange(header, object.info.size);
      const body = copiedBody(object, range, checksumAlgorithm);
      const part = await hold(c, body, (held) => store.putPart(upload, partNumber, held));
      return copyResult(c, 'CopyPartResult', part);
    },
  };
}

async function openSource(
  store: ObjectStore,
  { var: { headers, accessKey } }: GatewayContext,
): Promise<{ readonly ref: ObjectRef; readonly object: OpenObject }> {
  const ref = parseCopySource(headers['x-amz-copy-source'] ?? '');
  checkBucketAccess(accessKey, ref.bucket);
  const object = await store.open(ref);
  checkCopySource(headers, object.info);
  return { ref, object };
}

function wholeOf({ size }: ObjectInfo): ByteRange {
  if (size <= MAX_COPY_SIZE) return { start: 0, end: size };
  const message =
    'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120.';
  throw new S3Error('InvalidRequest', { message });
}

/** The source's own, or with `x-amz-metadata-directive: REPLACE` the request's. Throws `InvalidRequest` for a copy that would change nothing. */
function attributesOfCopy(headers: Headers, source: ObjectInfo, ontoItself: boolean): Attributes {
  const directive = headerOneOf(headers, 'x-amz-metadata-directive', ['COPY', 'REPLACE']);
  if (directive === 'REPLACE') return attributesOf(headers);
  if (ontoItself) {
    const message =
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.";
    throw new S3Error('InvalidRequest', { message });
  }
  return { headers: source.headers, metadata: source.metadata };
}

function isSame(a: ObjectRef, b: ObjectRef): boolean {
  return a.bucket === b.bucket && a.key === b.key;
}

function copyResult(
  c: GatewayContext,
  root: string,
  info: Pick<ObjectInfo, 'etag' | 'lastModified' | 'checksum'>,
): Response {
  return xmlResponse(c, root, {
    ETag: quoted(info.etag),
    LastModified: formatXmlDate(info.lastModified),
    ...checksumElements(info.checksum),
  });
}
