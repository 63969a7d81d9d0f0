import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { NASTY_KEYS } from '../../contract/keys';
import { bodyBytes } from '../../support/s3';
import { s3Refusal } from '../../support/s3-refusal';
import { startApp, TEST_BUCKET as Bucket, type AppServer } from '../../support/app-server';

let app: AppServer;
let s3: S3Client;
beforeAll(async () => {
  app = await startApp();
  s3 = app.client();
});
afterAll(() => app.close());

const put = (Key: string, Body: string | Buffer, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = (Key: string, more = {}) => s3.send(new GetObjectCommand({ Bucket, Key, ...more }));

describe('an object over S3', () => {
  it('comes back as it was stored, with everything that was said about it', async () => {
    const stored = await put('object', 'hello', {
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      ContentEncoding: 'gzip, aws-chunked',
      ContentLanguage: 'de',
      Metadata: { color: 'blue', size: 'xl' },
    });
    expect(stored).toMatchObject({ ETag: '"5d41402abc4b2a76b9719d911017c592"', ChecksumCRC32: 'NhCmhg==' });
    const reply = await get('object');
    expect((await bodyBytes(reply.Body)).toString()).toBe('hello');
    expect(reply).toMatchObject({
      ETag: stored.ETag,
      ContentLength: 5,
      ContentType: 'text/plain',
      CacheControl: 'no-store',
      ContentDisposition: 'attachment',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Metadata: { color: 'blue', size: 'xl' },
      AcceptRanges: 'bytes',
      ChecksumCRC32: 'NhCmhg==',
      ChecksumType: 'FULL_OBJECT',
    });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'object' }));
    expect(head).toMatchObject({ ContentLength: 5, ETag: stored.ETag, LastModified: reply.LastModified });
    expect(head.ChecksumCRC32).toBeUndefined();
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)('keeps its %s', async (algorithm) => {
    const Body = Buffer.alloc(200_000, 'checksummed ');
    const stored = await put('checksummed', Body, { ChecksumAlgorithm: algorithm });
    const value = stored[`Checksum${algorithm}`];
    expect(value).toMatch(/^[A-Za-z0-9+/]+=*$/);
    const reply = await get('checksummed', { ChecksumMode: 'ENABLED' });
    expect(reply[`Checksum${algorithm}`]).toBe(value);
    expect((await bodyBytes(reply.Body)).equals(Body)).toBe(true);
  });

  it.each([0, 1, 65_536, 3_000_001])('may have %i bytes, from a stream too', async (size) => {
    const content = Buffer.alloc(size, 'stream ');
    await put('stream', content.length > 0 ? (Readable.from([content]) as never) : content, {
      ContentLength: size,
    });
    const reply = await get('stream');
    expect((await bodyBytes(reply.Body)).equals(content)).toBe(true);
    expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'stream' }))).ContentEncoding).toBeUndefined();
  });

  it('may have any key that S3 allows', async () => {
    // The SDK itself drops dot segments, and a leading slash is folded into the path by Node's URL: the raw tests cover those.
    const keys = NASTY_KEYS.filter((key) => !/(^|\/)\.{1,2}(\/|$)/.test(key));
    for (const Key of keys) await put(Key, `content of ${Key}`);
    for (const Key of keys) {
      expect((await bodyBytes((await get(Key)).Body)).toString()).toBe(`content of ${Key}`);
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      expect(await s3Refusal(get(Key))).toBe('404 NoSuchKey');
    }
  });

  it('is read in single ranges', async () => {
    await put('range', '0123456789');
    const part = await get('range', { Range: 'bytes=2-4' });
    expect(part).toMatchObject({
      ContentRange: 'bytes 2-4/10',
      ContentLength: 3,
      $metadata: { httpStatusCode: 206 },
    });
    expect((await bodyBytes(part.Body)).toString()).toBe('234');
    expect((await bodyBytes((await get('range', { Range: 'bytes=-3' })).Body)).toString()).toBe('789');
    expect((await get('range', { Range: 'bytes=1-2,4-5' })).$metadata.httpStatusCode).toBe(200);
    expect(await s3Refusal(get('range', { Range: 'bytes=10-' }))).toBe('416 InvalidRange');
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'range', Range: 'bytes=0-0' }));
    expect(head).toMatchObject({ ContentLength: 1, $metadata: { httpStatusCode: 206 } });
  });

  it('is its own part 1', async () => {
    await put('one', 'whole');
    expect((await bodyBytes((await get('one', { PartNumber: 1 })).Body)).toString()).toBe('whole');
    expect(await s3Refusal(get('one', { PartNumber: 2 }))).toBe('400 InvalidPart');
    expect(await s3Refusal(get('one', { PartNumber: 1, Range: 'bytes=0-1' }))).toBe('400 InvalidRequest');
  });

  it('is read and written under conditions', async () => {
    const { ETag } = await put('conditional', 'one');
    expect(await s3Refusal(get('conditional', { IfNoneMatch: ETag }))).toMatch(/^304 /);
    expect(await s3Refusal(get('conditional', { IfMatch: '"x"' }))).toBe('412 PreconditionFailed');
    expect(await s3Refusal(put('conditional', 'two', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect(await s3Refusal(put('conditional', 'two', { IfMatch: '"x"' }))).toBe('412 PreconditionFailed');
    await put('conditional', 'two', { IfMatch: ETag });
    await put('fresh', 'one', { IfNoneMatch: '*' });
    const del = new DeleteObjectCommand({ Bucket, Key: 'conditional', IfMatch: ETag });
    expect(await s3Refusal(s3.send(del))).toBe('412 PreconditionFailed');
    expect((await bodyBytes((await get('conditional')).Body)).toString()).toBe('two');
  });

  it('shows other headers if the request overrides them', async () => {
    await put('override', 'x', { ContentType: 'text/plain' });
    const reply = await get('override', {
      ResponseContentType: 'text/html',
      ResponseCacheControl: 'private',
    });
    expect(reply).toMatchObject({ ContentType: 'text/html', CacheControl: 'private' });
  });

  it('is deleted once and for all, and a version of it only as null', async () => {
    await put('deleted', 'x');
    const del = (more = {}) => s3.send(new DeleteObjectCommand({ Bucket, Key: 'deleted', ...more }));
    expect(await s3Refusal(del({ VersionId: 'abc' }))).toBe('400 InvalidArgument');
    expect((await del({ VersionId: 'null' })).$metadata.httpStatusCode).toBe(204);
    expect((await del()).$metadata.httpStatusCode).toBe(204);
    expect(await s3Refusal(s3.send(new HeadObjectCommand({ Bucket, Key: 'deleted' })))).toBe('404 NotFound');
  });

  it('tells the attributes that are asked for', async () => {
    const { ETag } = await put('attributes', 'hello');
    const reply = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'attributes',
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
      }),
    );
    expect(reply).toMatchObject({
      ETag: ETag?.replaceAll('"', ''),
      Checksum: { ChecksumCRC32: 'NhCmhg==', ChecksumType: 'FULL_OBJECT' },
      StorageClass: 'STANDARD',
      ObjectSize: 5,
    });
    expect(reply.ObjectParts).toBeUndefined();
  });

  it('keeps metadata of up to 2 KiB, byte for byte', async () => {
    await put('metadata', 'x', { Metadata: { a: 'v'.repeat(2_047) } });
    expect((await get('metadata')).Metadata).toEqual({ a: 'v'.repeat(2_047) });
    expect(await s3Refusal(put('metadata', 'x', { Metadata: { a: 'v'.repeat(2_048) } }))).toBe(
      '400 MetadataTooLarge',
    );
    const headers = { 'x-amz-meta-name': Buffer.from('caf\u00e9').toString('latin1') };
    const target = `/${Bucket}/latin`;
    expect((await app.raw({ method: 'PUT', target, headers, body: 'x' })).status).toBe(200);
    expect((await app.raw({ target })).headers['x-amz-meta-name']).toBe(headers['x-amz-meta-name']);
  });
});

describe('a presigned URL', () => {
  it('reads and writes without further authentication', async () => {
    const options = { expiresIn: 60 };
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'presigned/a b' }), options);
    const plain = app.client({ requestChecksumCalculation: 'WHEN_REQUIRED' });
    const uploadUrl = await getSignedUrl(
      plain,
      new PutObjectCommand({ Bucket, Key: 'presigned/a b' }),
      options,
    );
    expect((await fetch(uploadUrl, { method: 'PUT', body: 'by url' })).status).toBe(200);
    const download = await getSignedUrl(
      s3,
      new GetObjectCommand({ Bucket, Key: 'presigned/a b', ResponseContentType: 'text/x' }),
      options,
    );
    const reply = await fetch(download);
    expect([reply.status, reply.headers.get('content-type'), await reply.text()]).toEqual([
      200,
      'text/x',
      'by url',
    ]);
    expect((await fetch(download, { method: 'PUT', body: 'x' })).status).toBe(403);
    expect((await fetch(url.replace('presigned', 'elsewhere'), { method: 'PUT', body: 'x' })).status).toBe(
      403,
    );
  });

  it('holds its upload to the checksum that it carries', async () => {
    // Without a body at hand the SDK signs the checksum of nothing.
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'signed-checksum' }), {
      expiresIn: 60,
    });
    expect(url).toContain('x-amz-checksum-crc32=AAAAAA');
    const reply = await fetch(url, { method: 'PUT', body: 'something' });
    expect([reply.status, await reply.text()]).toEqual([
      400,
      expect.stringContaining('<Code>BadDigest</Code>'),
    ]);
    expect(await app.store.stat({ bucket: Bucket, key: 'signed-checksum' })).toBeUndefined();
  });

  it('is over when its time is', async () => {
    const signingDate = new Date(Date.now() - 120_000);
    const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'x' }), {
      expiresIn: 60,
      signingDate,
    });
    const reply = await fetch(url);
    expect([reply.status, await reply.text()]).toEqual([403, expect.stringContaining('Request has expired')]);
  });
});
