/** ListObjects, ListObjectsV2, ListObjectVersions. */
import { decodeContinuationToken, encodeContinuationToken } from '../s3/continuation-token';
import { commonPrefixes, listedObject } from '../s3/documents';
import { keyEncoding } from '../s3/encoding-type';
import { invalidArgument, NULL_VERSION, pageSize } from '../s3/query-parameters';
import type { Query } from '../s3/request-target';
import type { Elements } from '../s3/xml-write';
import type { ListQuery, ObjectStore } from '../store/object-store';
import { xmlResponse, type Handlers } from './handler';

type ListHandlers = Pick<Handlers, 'ListObjects' | 'ListObjectsV2' | 'ListObjectVersions'>;

export function listRoutes(store: ObjectStore): ListHandlers {
  return {
    async ListObjects(c, { bucket, query }) {
      const encoding = keyEncoding(query);
      const asked = listQuery(query, query.get('marker') ?? '');
      const page = await store.list(bucket, asked);
      // Without a delimiter a client goes on from the last key by itself: S3 then names no next marker.
      const next = asked.delimiter === '' ? undefined : page.next;
      return xmlResponse(c, 'ListBucketResult', {
        Name: bucket,
        // In version 1 clients do not decode the prefix.
        Prefix: asked.prefix,
        Marker: encoding.encode(asked.after),
        NextMarker: next && encoding.encode(next),
        ...echoes(asked, encoding),
        IsTruncated: page.next !== undefined,
        Contents: page.objects.map((info) => listedObject(info, encoding, true)),
        CommonPrefixes: commonPrefixes(page, encoding),
      });
    },

    async ListObjectsV2(c, { bucket, query }) {
      const encoding = keyEncoding(query);
      const token = query.get('continuation-token');
      const startAfter = query.get('start-after');
      const withOwner = query.get('fetch-owner') === 'true';
      const asked = listQuery(query, token ? decodeContinuationToken(token) : (startAfter ?? ''));
      const page = await store.list(bucket, asked);
      return xmlResponse(c, 'ListBucketResult', {
        Name: bucket,
        Prefix: encoding.encode(asked.prefix),
        ContinuationToken: token,
        NextContinuationToken: page.next && encodeContinuationToken(page.next),
        StartAfter: startAfter && encoding.encode(startAfter),
        KeyCount: page.objects.length + page.commonPrefixes.length,
        ...echoes(asked, encoding),
        IsTruncated: page.next !== undefined,
        Contents: page.objects.map((info) => listedObject(info, encoding, withOwner)),
        CommonPrefixes: commonPrefixes(page, encoding),
      });
    },

    /** Every object is its own one version: buckets have no versioning. */
    async ListObjectVersions(c, { bucket, query }) {
      const encoding = keyEncoding(query);
      const versionIdMarker = query.get('version-id-marker') ?? '';
      const asked = listQuery(query, query.get('key-marker') ?? '');
      if (versionIdMarker !== '' && asked.after === '') {
        const message = 'A version-id marker cannot be specified without a key marker.';
        throw invalidArgument('version-id-marker', versionIdMarker, message);
      }
      const page = await store.list(bucket, asked);
      return xmlResponse(c, 'ListVersionsResult', {
        Name: bucket,
        Prefix: encoding.encode(asked.prefix),
        KeyMarker: encoding.encode(asked.after),
        VersionIdMarker: versionIdMarker,
        NextKeyMarker: page.next && encoding.encode(page.next),
        NextVersionIdMarker: page.next && NULL_VERSION,
        ...echoes(asked, encoding),
        IsTruncated: page.next !== undefined,
        Version: page.objects.map((info) => ({
          ...listedObject(info, encoding, true),
          VersionId: NULL_VERSION,
          IsLatest: true,
        })),
        CommonPrefixes: commonPrefixes(page, encoding),
      });
    },
  };
}

function listQuery(query: Query, after: string): ListQuery {
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    after,
    maxKeys: pageSize(query, 'max-keys'),
  };
}

function echoes({ delimiter, maxKeys }: ListQuery, encoding: ReturnType<typeof keyEncoding>): Elements {
  return {
    MaxKeys: maxKeys,
    Delimiter: delimiter === '' ? undefined : encoding.encode(delimiter),
    EncodingType: encoding.name,
  };
}
