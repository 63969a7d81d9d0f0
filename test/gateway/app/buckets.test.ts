import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketReplicationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectAclCommand,
  GetObjectLockConfigurationCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type ObjectCannedACL,
  type S3Client,
} from '@aws-sdk/client-s3';
import { startApp, TEST_BUCKET as Bucket, type AppServer } from '../../support/app-server';
import { s3Refusal } from '../../support/s3-refusal';

let app: AppServer;
let s3: S3Client;
beforeEach(async () => {
  app = await startApp();
  s3 = app.client();
});
afterEach(() => app.close());

describe('buckets over S3', () => {
  it('are made, found, listed and deleted', async () => {
    expect(await s3.send(new CreateBucketCommand({ Bucket: 'second' }))).toMatchObject({
      Location: '/second',
    });
    await s3.send(new CreateBucketCommand({ Bucket: 'second' }));
    await s3.send(new HeadBucketCommand({ Bucket: 'second' }));
    const { Buckets, Owner } = await s3.send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual([Bucket, 'second']);
    expect(Buckets?.[0]?.CreationDate).toBeInstanceOf(Date);
    expect(Owner).toEqual({ ID: 'longhaul', DisplayName: 'longhaul' });
    await s3.send(new DeleteBucketCommand({ Bucket: 'second' }));
    expect(await s3Refusal(s3.send(new HeadBucketCommand({ Bucket: 'second' })))).toBe('404 NotFound');
    expect(await s3Refusal(s3.send(new DeleteBucketCommand({ Bucket: 'second' })))).toBe('404 NoSuchBucket');
  });

  it('are kept while they hold something', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'x' }));
    expect(await s3Refusal(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('409 BucketNotEmpty');
  });

  it('take their unfinished uploads with them, unless they hold an object', async () => {
    const upload = { Bucket, Key: 'upload' };
    await s3.send(new CreateMultipartUploadCommand(upload));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'x' }));
    expect(await s3Refusal(s3.send(new DeleteBucketCommand({ Bucket })))).toBe('409 BucketNotEmpty');
    expect(await app.store.listUploads(Bucket)).toHaveLength(1);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'object' }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await app.store.headBucket(Bucket)).toBeUndefined();
  });

  it('are listed in pages and by prefix', async () => {
    for (const name of ['aaa-1', 'aaa-2', 'aaa-3']) await s3.send(new CreateBucketCommand({ Bucket: name }));
    const names: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await s3.send(new ListBucketsCommand({ Prefix: 'aaa', MaxBuckets: 2, ContinuationToken }));
      expect(page.Prefix).toBe('aaa');
      names.push(...(page.Buckets ?? []).map(({ Name }) => Name));
      ContinuationToken = page.ContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(names).toEqual(['aaa-1', 'aaa-2', 'aaa-3']);
    expect(await s3Refusal(s3.send(new ListBucketsCommand({ ContinuationToken: 'x' })))).toBe(
      '400 InvalidArgument',
    );
  });

  it.each(['health', 'ready'])('cannot be called %s, where a probe is answered', async (name) => {
    expect(await s3Refusal(s3.send(new CreateBucketCommand({ Bucket: name })))).toBe('400 InvalidBucketName');
  });

  it('have no configuration, and say so as S3 does', async () => {
    const input = { Bucket };
    expect((await s3.send(new GetBucketLocationCommand(input))).LocationConstraint).toBeUndefined();
    expect((await s3.send(new GetBucketVersioningCommand(input))).Status).toBeUndefined();
    expect((await s3.send(new GetBucketRequestPaymentCommand(input))).Payer).toBe('BucketOwner');
    const answers = await Promise.all(
      [
        s3.send(new GetBucketCorsCommand(input)),
        s3.send(new GetBucketEncryptionCommand(input)),
        s3.send(new GetBucketLifecycleConfigurationCommand(input)),
        s3.send(new GetBucketOwnershipControlsCommand(input)),
        s3.send(new GetBucketPolicyCommand(input)),
        s3.send(new GetBucketPolicyStatusCommand(input)),
        s3.send(new GetBucketReplicationCommand(input)),
        s3.send(new GetBucketTaggingCommand(input)),
        s3.send(new GetBucketWebsiteCommand(input)),
        s3.send(new GetObjectLockConfigurationCommand(input)),
        s3.send(new GetPublicAccessBlockCommand(input)),
        s3.send(new GetBucketCorsCommand({ Bucket: 'missing' })),
        s3.send(new GetBucketVersioningCommand({ Bucket: 'missing' })),
      ].map(s3Refusal),
    );
    expect(answers).toEqual([
      '404 NoSuchCORSConfiguration',
      '404 ServerSideEncryptionConfigurationNotFoundError',
      '404 NoSuchLifecycleConfiguration',
      '404 OwnershipControlsNotFoundError',
      '404 NoSuchBucketPolicy',
      '404 NoSuchBucketPolicy',
      '404 ReplicationConfigurationNotFoundError',
      '404 NoSuchTagSet',
      '404 NoSuchWebsiteConfiguration',
      '404 ObjectLockConfigurationNotFoundError',
      '404 NoSuchPublicAccessBlockConfiguration',
      '404 NoSuchBucket',
      '404 NoSuchBucket',
    ]);
  });

  it('and their objects are private, without tags', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'x' }));
    const { Grants } = await s3.send(new GetBucketAclCommand({ Bucket }));
    const grant = { Grantee: { ID: 'longhaul', Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' };
    expect(Grants).toMatchObject([grant]);
    expect((await s3.send(new GetObjectAclCommand({ Bucket, Key: 'object' }))).Grants).toMatchObject([grant]);
    expect((await s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'object' }))).TagSet).toEqual([]);
    const missing = { Bucket, Key: 'missing' };
    expect(await s3Refusal(s3.send(new GetObjectAclCommand(missing)))).toBe('404 NoSuchKey');
    expect(await s3Refusal(s3.send(new GetObjectTaggingCommand(missing)))).toBe('404 NoSuchKey');
  });

  it('refuse with 501 what they cannot do, and leave the object alone', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'x' }));
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    const quick = app.client({ maxAttempts: 1 });
    const refused = [
      quick.send(new PutObjectTaggingCommand({ Bucket, Key: 'object', Tagging })),
      quick.send(new PutBucketAclCommand({ Bucket, GrantRead: 'id=somebody' })),
      quick.send(new GetBucketLoggingCommand({ Bucket })),
      quick.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'y', Tagging: 'a=b' })),
      quick.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'y', ServerSideEncryption: 'aws:kms' })),
    ];
    expect(await Promise.all(refused.map(s3Refusal))).toEqual(Array(5).fill('501 NotImplemented'));
    const put = (more: object) =>
      s3.send(new PutObjectCommand({ Bucket, Key: 'object', Body: 'y', ...more }));
    expect(await s3Refusal(put({ StorageClass: 'GLACIER' }))).toBe('400 InvalidStorageClass');
    expect(await s3Refusal(put({ ExpectedBucketOwner: 'somebody' }))).toBe('403 AccessDenied');
    expect(await app.store.stat({ bucket: Bucket, key: 'object' })).toMatchObject({
      size: 1,
      etag: expect.stringMatching(/^9dd4/) as string,
    });
  });

  it('keep everything private, whatever canned ACL comes with a write', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'public', Body: 'x', ACL: 'public-read' }));
    expect((await app.raw({ target: `/${Bucket}/public`, unsigned: true })).code).toBe('AccessDenied');
    const { Grants } = await s3.send(new GetObjectAclCommand({ Bucket, Key: 'public' }));
    expect(Grants).toEqual([expect.objectContaining({ Permission: 'FULL_CONTROL' })]);
    const wrong = app.raw({ method: 'PUT', target: `/${Bucket}/wrong`, headers: { 'x-amz-acl': 'shared' } });
    expect((await wrong).code).toBe('InvalidArgument');
  });

  it('say yes to the ACL that they have, and no to any other', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: 'acl', Body: 'x' }));
    const objectAcl = (ACL: ObjectCannedACL) => new PutObjectAclCommand({ Bucket, Key: 'acl', ACL });
    await s3.send(objectAcl('private'));
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    expect(await s3Refusal(s3.send(objectAcl('public-read')))).toBe('400 AccessControlListNotSupported');
    const bucketAcl = s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }));
    expect(await s3Refusal(bucketAcl)).toBe('400 AccessControlListNotSupported');
    const absent = s3.send(new PutObjectAclCommand({ Bucket, Key: 'absent', ACL: 'private' }));
    expect(await s3Refusal(absent)).toBe('404 NoSuchKey');
  });
});
