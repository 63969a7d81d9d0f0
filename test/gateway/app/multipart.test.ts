import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { md5Hex } from '../../contract/bodies';
import { startApp, TEST_BUCKET as Bucket, type AppServer } from '../../support/app-server';
import { bodyBytes } from '../../support/s3';
import { s3Refusal } from '../../support/s3-refusal';

const MIN_PART = 5 * 1024 * 1024;
const Key = 'folder/object';

let app: AppServer;
let s3: S3Client;
beforeEach(async () => {
  app = await startApp();
  s3 = app.client();
});
afterEach(() => app.close());

const create = async (more = {}) => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }));
  return { Bucket, Key, UploadId };
};
type UploadInput = Awaited<ReturnType<typeof create>>;
const part = async (
  upload: UploadInput,
  PartNumber: number,
  Body: string | Buffer,
  more = {},
): Promise<CompletedPart> => {
  const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber, Body, ...more }));
  return { PartNumber, ETag };
};
const complete = (upload: UploadInput, Parts: CompletedPart[], more = {}) =>
  s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...more }));
const content = async (key = Key) =>
  bodyBytes((await s3.send(new GetObjectCommand({ Bucket, Key: key }))).Body);

describe('a multipart upload over S3', () => {
  it('becomes an object with the attributes it began with', async () => {
    const upload = await create({ ContentType: 'text/plain', Metadata: { a: 'b' } });
    const first = Buffer.alloc(MIN_PART, 'one ');
    const parts = [await part(upload, 1, first), await part(upload, 2, 'two')];
    const reply = await complete(upload, parts);
    const etag = `"${md5Hex(Buffer.from(md5Hex(first) + md5Hex('two'), 'hex'))}-2"`;
    expect(reply).toMatchObject({ Bucket, Key, ETag: etag });
    expect(reply.Location).toContain('/bucket/folder');
    expect((await content()).equals(Buffer.concat([first, Buffer.from('two')]))).toBe(true);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head).toMatchObject({ ETag: etag, ContentType: 'text/plain', Metadata: { a: 'b' } });
    const second = await s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }));
    expect(second).toMatchObject({
      PartsCount: 2,
      ContentRange: `bytes ${MIN_PART}-${MIN_PART + 2}/${MIN_PART + 3}`,
    });
    expect((await bodyBytes(second.Body)).toString()).toBe('two');
    expect(await s3Refusal(s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 3 })))).toBe(
      '400 InvalidPart',
    );
    expect(await complete(upload, parts)).toMatchObject({ ETag: etag });
  });

  it('is what the SDK makes of a large body by itself', async () => {
    const body = Buffer.alloc(2 * MIN_PART + 100, 'large body ');
    const params = { Bucket, Key, Body: body };
    await new Upload({ client: s3, params, partSize: MIN_PART, queueSize: 3 }).done();
    expect((await content()).equals(body)).toBe(true);
    expect(await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))).toMatchObject({
      ChecksumCRC32: expect.stringMatching(/-3$/) as string,
      ChecksumType: 'COMPOSITE',
    });
  });

  it('gets a checksum of all its bytes if it asks for one, and is held to it', async () => {
    const upload = await create({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
    const body = Buffer.alloc(MIN_PART + 5, 'checksum ');
    const parts = [
      await part(upload, 1, body.subarray(0, MIN_PART), { ChecksumAlgorithm: 'CRC32' }),
      await part(upload, 2, body.subarray(MIN_PART), { ChecksumAlgorithm: 'CRC32' }),
    ];
    const { ChecksumCRC32 } = await s3.send(new PutObjectCommand({ Bucket, Key: 'same', Body: body }));
    const wrong = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' };
    expect(await s3Refusal(complete(upload, parts, wrong))).toBe('400 BadDigest');
    const reply = await complete(upload, parts, { ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
    expect(reply).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
    const attributes = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key,
        ObjectAttributes: ['ObjectParts', 'Checksum'],
        MaxParts: 1,
      }),
    );
    expect(attributes).toMatchObject({
      Checksum: { ChecksumCRC32 },
      ObjectParts: {
        TotalPartsCount: 2,
        IsTruncated: true,
        NextPartNumberMarker: '1',
        Parts: [{ PartNumber: 1, Size: MIN_PART }],
      },
    });
  });

  it('refuses a checksum that it did not announce', async () => {
    const upload = await create({ ChecksumAlgorithm: 'SHA256' });
    expect(await s3Refusal(part(upload, 1, 'x', { ChecksumAlgorithm: 'CRC32' }))).toBe('400 InvalidRequest');
    const full = create({ ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' });
    expect(await s3Refusal(full)).toBe('400 InvalidRequest');
  });

  it('refuses what S3 refuses, with its codes', async () => {
    const upload = await create();
    const parts = [await part(upload, 1, 'small'), await part(upload, 2, 'last')];
    expect(await s3Refusal(complete(upload, [...parts].reverse()))).toBe('400 InvalidPartOrder');
    expect(await s3Refusal(complete(upload, [{ PartNumber: 9, ETag: 'x' }]))).toBe('400 InvalidPart');
    expect(await s3Refusal(complete(upload, parts))).toBe('400 EntityTooSmall');
    expect(await s3Refusal(complete(upload, []))).toBe('400 MalformedXML');
    expect(await s3Refusal(complete(upload, [{ PartNumber: 10_001, ETag: 'x' }]))).toBe(
      '400 InvalidArgument',
    );
    expect(await s3Refusal(complete(upload, parts.slice(1), { MpuObjectSize: 5 }))).toBe(
      '400 InvalidRequest',
    );
    expect(await s3Refusal(part(upload, 0, 'x'))).toBe('400 InvalidArgument');
    expect(await s3Refusal(part(upload, 10_001, 'x'))).toBe('400 InvalidArgument');
    const unknown = { ...upload, UploadId: 'unknown' };
    expect(await s3Refusal(complete(unknown, parts))).toBe('404 NoSuchUpload');
    expect(await s3Refusal(part(unknown, 1, 'x'))).toBe('404 NoSuchUpload');
    await complete(upload, parts.slice(1), { MpuObjectSize: 4 });
    expect((await content()).toString()).toBe('last');
  });

  it('is completed under a condition', async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'old' }));
    const upload = await create();
    const parts = [await part(upload, 1, 'new')];
    expect(await s3Refusal(complete(upload, parts, { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect((await content()).toString()).toBe('old');
  });

  it('is gone once aborted', async () => {
    const upload = await create();
    await part(upload, 1, 'x');
    await s3.send(new AbortMultipartUploadCommand(upload));
    expect(await s3Refusal(s3.send(new AbortMultipartUploadCommand(upload)))).toBe('404 NoSuchUpload');
    expect(await s3Refusal(s3.send(new ListPartsCommand(upload)))).toBe('404 NoSuchUpload');
    expect((await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined();
  });

  it('lists its parts in pages', async () => {
    const upload = await create();
    for (const n of [3, 1, 2]) await part(upload, n, 'x'.repeat(n));
    const first = await s3.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
    expect(first).toMatchObject({ Bucket, Key, IsTruncated: true, NextPartNumberMarker: '2', MaxParts: 2 });
    expect(first.Parts).toMatchObject([
      { PartNumber: 1, Size: 1 },
      { PartNumber: 2, Size: 2 },
    ]);
    const rest = await s3.send(new ListPartsCommand({ ...upload, PartNumberMarker: '2' }));
    expect(rest).toMatchObject({
      IsTruncated: false,
      Parts: [{ PartNumber: 3, ETag: `"${md5Hex('xxx')}"` }],
    });
  });

  it('is listed with others by key, prefix and page', async () => {
    const start = (key: string) => s3.send(new CreateMultipartUploadCommand({ Bucket, Key: key }));
    for (const key of ['b', 'a', 'a', 'dir/1', 'dir/2']) await start(key);
    const keys: (string | undefined)[] = [];
    let markers = {};
    for (;;) {
      const page = await s3.send(
        new ListMultipartUploadsCommand({ Bucket, Delimiter: '/', MaxUploads: 1, ...markers }),
      );
      keys.push(...(page.Uploads ?? []).map((upload) => upload.Key));
      keys.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix));
      if (page.IsTruncated !== true) break;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(keys).toEqual(['a', 'a', 'b', 'dir/']);
    const below = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'dir/' }));
    expect(below.Uploads?.map((upload) => upload.Key)).toEqual(['dir/1', 'dir/2']);
  });
});

describe('a copy over S3', () => {
  const copy = (Source: string, to: string, more = {}) =>
    s3.send(new CopyObjectCommand({ Bucket, Key: to, CopySource: Source, ...more }));
  beforeEach(async () => {
    const Metadata = { a: 'b' };
    await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'source/\u00e9 +',
        Body: 'content',
        ContentType: 'text/x',
        Metadata,
      }),
    );
  });
  const source = `${Bucket}/${encodeURIComponent('source/\u00e9 +')}`;

  it('has the bytes and attributes of its source', async () => {
    const { CopyObjectResult } = await copy(source, 'copy');
    expect(CopyObjectResult).toMatchObject({
      ETag: `"${md5Hex('content')}"`,
      LastModified: expect.any(Date) as Date,
    });
    expect((await content('copy')).toString()).toBe('content');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }));
    expect(head).toMatchObject({ ContentType: 'text/x', Metadata: { a: 'b' } });
    await copy(`/${source}?versionId=null`, 'copy-2');
    expect((await content('copy-2')).toString()).toBe('content');
  });

  it('has attributes of its own if it replaces them', async () => {
    await copy(source, 'copy', { MetadataDirective: 'REPLACE', Metadata: { c: 'd' }, ContentType: 'text/y' });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }));
    expect(head).toMatchObject({ ContentType: 'text/y', Metadata: { c: 'd' } });
  });

  it('onto itself must change something', async () => {
    expect(await s3Refusal(copy(source, 'source/\u00e9 +'))).toBe('400 InvalidRequest');
    await copy(source, 'source/\u00e9 +', { MetadataDirective: 'REPLACE', Metadata: { new: '1' } });
    expect((await content('source/\u00e9 +')).toString()).toBe('content');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'source/\u00e9 +' }));
    expect(head.Metadata).toEqual({ new: '1' });
  });

  it('is refused where its source is not, or not as expected', async () => {
    expect(await s3Refusal(copy(`${Bucket}/missing`, 'copy'))).toBe('404 NoSuchKey');
    expect(await s3Refusal(copy('missing-bucket/key', 'copy'))).toBe('404 NoSuchBucket');
    expect(await s3Refusal(copy('nonsense', 'copy'))).toBe('400 InvalidArgument');
    expect(await s3Refusal(copy(`${source}?versionId=abc`, 'copy'))).toBe('400 InvalidArgument');
    expect(await s3Refusal(copy(source, 'copy', { CopySourceIfMatch: '"x"' }))).toBe(
      '412 PreconditionFailed',
    );
    expect(await s3Refusal(copy(source, 'copy', { MetadataDirective: 'BOTH' }))).toBe('400 InvalidArgument');
    expect(await app.store.stat({ bucket: Bucket, key: 'copy' })).toBeUndefined();
  });

  it('can be a part, of a range too', async () => {
    const upload = await create();
    const copyPart = (PartNumber: number, more = {}) =>
      s3.send(new UploadPartCopyCommand({ ...upload, PartNumber, CopySource: source, ...more }));
    const { CopyPartResult } = await copyPart(1, { CopySourceRange: 'bytes=1-3' });
    expect(CopyPartResult?.ETag).toBe(`"${md5Hex('ont')}"`);
    expect(await s3Refusal(copyPart(1, { CopySourceRange: 'bytes=1-99' }))).toBe('416 InvalidRange');
    await complete(upload, [{ PartNumber: 1, ETag: CopyPartResult?.ETag }]);
    expect((await content()).toString()).toBe('ont');
  });
});

describe('deleting many objects', () => {
  const put = (key: string) => s3.send(new PutObjectCommand({ Bucket, Key: key, Body: 'x' }));

  it('deletes each, whether it was there or not', async () => {
    for (let i = 0; i < 20; i++) await put(`key-${i}`);
    const Objects = Array.from({ length: 21 }, (_, i) => ({ Key: `key-${i}`, VersionId: 'null' }));
    const { Deleted, Errors } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Deleted).toEqual(Objects);
    expect(Errors).toBeUndefined();
    expect(
      (await app.store.list(Bucket, { prefix: '', delimiter: '', after: '', maxKeys: 1 })).objects,
    ).toEqual([]);
  });

  it('reports only what failed if it is to be quiet', async () => {
    await put('a');
    await put('b');
    const Objects = [{ Key: 'a' }, { Key: 'b', VersionId: 'abc' }, { Key: 'missing', ETag: '"x"' }];
    const { Deleted, Errors } = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    expect(Deleted).toBeUndefined();
    expect(Errors).toMatchObject([
      { Key: 'b', Code: 'NoSuchVersion' },
      { Key: 'missing', Code: 'NoSuchKey' },
    ]);
    expect(await app.store.stat({ bucket: Bucket, key: 'a' })).toBeUndefined();
    expect(await app.store.stat({ bucket: Bucket, key: 'b' })).toBeDefined();
  });

  it('needs to know that its body arrived as it was sent', async () => {
    const body = '<Delete><Object><Key>a</Key></Object></Delete>';
    const request = { method: 'POST', target: `/${Bucket}?delete`, body };
    expect(await app.raw(request)).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const md5 = Buffer.from(md5Hex(body), 'hex').toString('base64');
    expect(await app.raw({ ...request, headers: { 'content-md5': md5 } })).toMatchObject({ status: 200 });
  });
});
