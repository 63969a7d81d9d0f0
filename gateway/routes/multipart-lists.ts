/** ListParts, ListMultipartUploads. */
import { commonPrefixes, STORAGE_CLASS } from '../s3/documents';
import { keyEncoding } from '../s3/encoding-type';
import { formatXmlDate } from '../s3/http-date';
import { uploadPage } from '../s3/list-uploads';
import { MAX_PART_NUMBER } from '../s3/multipart';
import { quoted } from '../s3/object-headers';
import { integerIn, pageSize } from '../s3/query-parameters';
import { OWNER } from '../s3/unsupported-headers';
import type { ObjectStore, UploadOptions } from '../store/object-store';
import type { Elements } from '../s3/xml-write';
import { xmlResponse, type Handlers } from './handler';
import { uploadRef } from './multipart';

type MultipartListHandlers = Pick<Handlers, 'ListParts' | 'ListMultipartUploads'>;

export function multipartListRoutes(store: ObjectStore): MultipartListHandlers {
  return {
    async ListParts(c, operation) {
      const { query } = operation;
      const encoding = keyEncoding(query);
      const ref = uploadRef(operation);
      const marker = query.get('part-number-marker')
        ? integerIn(query, 'part-number-marker', 0, MAX_PART_NUMBER)
        : 0;
      const maxParts = pageSize(query, 'max-parts');
      const upload = await store.getUpload(ref);
      const rest = (await store.listParts(ref)).filter((part) => part.partNumber > marker);
      const parts = rest.slice(0, maxParts);
      return xmlResponse(c, 'ListPartsResult', {
        Bucket: ref.bucket,
        Key: encoding.encode(ref.key),
        UploadId: ref.uploadId,
        Initiator: OWNER,
        Owner: OWNER,
        StorageClass: STORAGE_CLASS,
        PartNumberMarker: marker,
        NextPartNumberMarker: parts.at(-1)?.partNumber ?? 0,
        MaxParts: maxParts,
        EncodingType: encoding.name,
        IsTruncated: rest.length > parts.length && maxParts > 0,
        ...checksumKind(upload),
        Part: parts.map((part) => ({
          PartNumber: part.partNumber,
          LastModified: formatXmlDate(part.lastModified),
          ETag: quoted(part.etag),
          Size: part.size,
          ...(part.checksum && { [`Checksum${part.checksum.algorithm}`]: part.checksum.value }),
        })),
      });
    },

    async ListMultipartUploads(c, { bucket, query }) {
      const encoding = keyEncoding(query);
      const asked = {
        prefix: query.get('prefix') ?? '',
        delimiter: query.get('delimiter') ?? '',
        keyMarker: query.get('key-marker') ?? '',
        // Without a key marker it says nothing, as in S3.
        uploadIdMarker: query.get('key-marker') ? (query.get('upload-id-marker') ?? '') : '',
        maxUploads: pageSize(query, 'max-uploads'),
      };
      const page = uploadPage(await store.listUploads(bucket), asked);
      return xmlResponse(c, 'ListMultipartUploadsResult', {
        Bucket: bucket,
        KeyMarker: encoding.encode(asked.keyMarker),
        UploadIdMarker: asked.uploadIdMarker,
        NextKeyMarker: page.next && encoding.encode(page.next.keyMarker),
        NextUploadIdMarker: page.next?.uploadIdMarker,
        Prefix: encoding.encode(asked.prefix),
        Delimiter: asked.delimiter === '' ? undefined : encoding.encode(asked.delimiter),
        MaxUploads: asked.maxUploads,
        EncodingType: encoding.name,
        IsTruncated: page.next !== undefined,
        Upload: page.uploads.map((upload) => ({
          Key: encoding.encode(upload.key),
          UploadId: upload.uploadId,
          Initiator: OWNER,
          Owner: OWNER,
          StorageClass: STORAGE_CLASS,
          Initiated: formatXmlDate(upload.initiatedAt),
          ...checksumKind(upload),
        })),
        CommonPrefixes: commonPrefixes(page, encoding),
      });
    },
  };
}

function checksumKind({ checksumAlgorithm, checksumType }: UploadOptions): Elements {
  return { ChecksumAlgorithm: checksumAlgorithm, ChecksumType: checksumType };
}
