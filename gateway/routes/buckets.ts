/** ListBuckets, CreateBucket, HeadBucket, DeleteBucket, GetBucketLocation. */
import { S3Error } from '../errors';
import { seesBucket } from '../s3/access-key';
import { isReservedBucketName } from '../s3/bucket-name';
import { decodeContinuationToken, encodeContinuationToken } from '../s3/continuation-token';
import { formatXmlDate } from '../s3/http-date';
import { compareKeys } from '../s3/key-order';
import { integerIn } from '../s3/query-parameters';
import type { Query } from '../s3/request-target';
import { checkSupported, OWNER } from '../s3/unsupported-headers';
import type { BucketInfo, ObjectStore } from '../store/object-store';
import { emptyResponse, existingBucket, xmlResponse, type Handlers } from './handler';

type BucketHandlers = Pick<
  Handlers,
  'ListBuckets' | 'CreateBucket' | 'HeadBucket' | 'DeleteBucket' | 'GetBucketLocation'
>;

const MAX_BUCKETS = 10_000;

export function bucketRoutes(store: ObjectStore): BucketHandlers {
  return {
    async ListBuckets(c, { query }) {
      const seen = (await store.listBuckets()).filter(({ name }) => seesBucket(c.var.accessKey, name));
      const page = bucketPage(seen, query);
      return xmlResponse(c, 'ListAllMyBucketsResult', {
        Owner: OWNER,
        Buckets: {
          Bucket: page.buckets.map(({ name, createdAt }) => ({
            Name: name,
            CreationDate: formatXmlDate(createdAt),
          })),
        },
        ContinuationToken: page.next && encodeContinuationToken(page.next),
        Prefix: query.get('prefix'),
      });
    },

    /** Answers 200 for a bucket that is there, as S3 does in us-east-1. A body could only name a region: it is not read. */
    async CreateBucket(c, { bucket }) {
      if (isReservedBucketName(bucket))
        throw new S3Error('InvalidBucketName', { details: { BucketName: bucket } });
      checkSupported(c.var.headers);
      await store.createBucket(bucket);
      return emptyResponse(c, 200, { location: `/${bucket}` });
    },

    async HeadBucket(c, { bucket }) {
      await existingBucket(store, bucket);
      return emptyResponse(c, 200);
    },

    /** Uploads in progress do not keep a bucket, as in S3: they are aborted. Objects do. */
    async DeleteBucket(c, { bucket }) {
      const page = await store.list(bucket, { prefix: '', delimiter: '', after: '', maxKeys: 1 });
      if (page.objects.length > 0) throw new S3Error('BucketNotEmpty', { details: { BucketName: bucket } });
      for (const upload of await store.listUploads(bucket)) await store.abortUpload(upload);
      await store.deleteBucket(bucket);
      return emptyResponse(c, 204);
    },

    /** Empty, which stands for us-east-1: any region in a credential scope is taken. */
    async GetBucketLocation(c, { bucket }) {
      await existingBucket(store, bucket);
      return xmlResponse(c, 'LocationConstraint', {});
    },
  };
}

function bucketPage(
  buckets: readonly BucketInfo[],
  query: Query,
): { readonly buckets: readonly BucketInfo[]; readonly next?: string } {
  const limit = query.has('max-buckets') ? integerIn(query, 'max-buckets', 1, MAX_BUCKETS) : MAX_BUCKETS;
  const token = query.get('continuation-token') ?? '';
  const after = token === '' ? '' : decodeContinuationToken(token);
  const rest = buckets
    .filter(({ name }) => name.startsWith(query.get('prefix') ?? '') && compareKeys(name, after) > 0)
    .sort((a, b) => compareKeys(a.name, b.name));
  const last = rest[limit - 1];
  return { buckets: rest.slice(0, limit), ...(last && rest.length > limit && { next: last.name }) };
}
