import fc from 'fast-check';
import { thrownBy } from '../../contract/refusal';
import { parseOperation } from '../../../gateway/s3/operation';

const parse = (method: string, target: string, headers = {}, domain?: string) =>
  parseOperation({ method, target, headers }, domain);

describe('an operation', () => {
  it.each([
    ['GET', '/', 'ListBuckets'],
    ['GET', '/?x-id=ListBuckets', 'ListBuckets'],
    ['PUT', '/bucket', 'CreateBucket'],
    ['PUT', '/bucket/', 'CreateBucket'],
    ['HEAD', '/bucket', 'HeadBucket'],
    ['DELETE', '/bucket', 'DeleteBucket'],
    ['GET', '/bucket?location', 'GetBucketLocation'],
    ['GET', '/bucket?location=', 'GetBucketLocation'],
    ['GET', '/bucket', 'ListObjects'],
    ['GET', '/bucket?delimiter=%2F&prefix=%2F&marker=a', 'ListObjects'],
    ['GET', '/bucket?delimiter=%2F&list-type=2&prefix=%2F', 'ListObjectsV2'],
    ['GET', '/bucket/?list-type=2', 'ListObjectsV2'],
    ['GET', '/bucket?versions', 'ListObjectVersions'],
    ['GET', '/bucket?uploads=', 'ListMultipartUploads'],
    ['POST', '/bucket?delete', 'DeleteObjects'],
    ['GET', '/bucket?versioning', 'GetBucketVersioning'],
    ['GET', '/bucket?object-lock', 'GetObjectLockConfiguration'],
    ['PUT', '/bucket/key?x-id=PutObject', 'PutObject'],
    ['GET', '/bucket/key?x-id=GetObject&response-content-type=a', 'GetObject'],
    ['GET', '/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0', 'GetObject'],
    ['HEAD', '/bucket/key', 'HeadObject'],
    ['DELETE', '/bucket/key?versionId=null', 'DeleteObject'],
    ['GET', '/bucket/key?attributes', 'GetObjectAttributes'],
    ['POST', '/bucket/key?uploads=', 'CreateMultipartUpload'],
    ['PUT', '/bucket/key?partNumber=1&uploadId=u', 'UploadPart'],
    ['POST', '/bucket/key?uploadId=u', 'CompleteMultipartUpload'],
    ['DELETE', '/bucket/key?uploadId=u&x-id=AbortMultipartUpload', 'AbortMultipartUpload'],
    ['GET', '/bucket/key?uploadId=u&max-parts=2', 'ListParts'],
  ])('%s %s is %s', (method, target, type) => {
    expect(parse(method, target)).toMatchObject({ type });
  });

  it('is a copy where the header says so', () => {
    const headers = { 'x-amz-copy-source': 'bucket/other' };
    expect(parse('PUT', '/bucket/key', headers)).toMatchObject({ type: 'CopyObject' });
    expect(parse('PUT', '/bucket/key?partNumber=1&uploadId=u', headers)).toMatchObject({
      type: 'UploadPartCopy',
    });
  });

  it.each([
    ['GET', '/bucket/key?torrent'],
    ['GET', '/bucket/key?unheard-of'],
    ['GET', '/bucket/key?tagging&unheard-of'],
    ['PUT', '/bucket/key?tagging'],
    ['PUT', '/bucket/key?partNumber=1'],
    ['DELETE', '/bucket/key?tagging'],
    ['POST', '/bucket/key?restore'],
    ['GET', '/bucket?logging'],
    ['DELETE', '/bucket?policy'],
    ['POST', '/bucket'],
    ['OPTIONS', '/bucket/key'],
    ['GET', '/bucket?list-type=3'],
  ])('%s %s is not implemented, and not the plain bucket or object', (method, target) => {
    expect(parse(method, target)).toMatchObject({ type: 'NotImplemented' });
  });

  it.each([
    ['PUT', '/'],
    ['DELETE', '/'],
    ['POST', '/bucket/key'],
    ['PATCH', '/bucket/key'],
    ['TRACE', '/'],
  ])('%s %s is not allowed', (method, target) => {
    expect(thrownBy(() => parse(method, target))).toBe('MethodNotAllowed');
  });
});

describe('the key of a request', () => {
  it.each([
    ['/bucket/a//b', 'a//b'],
    ['/bucket//a', '/a'],
    ['/bucket/./x', './x'],
    ['/bucket/../x', '../x'],
    ['/bucket/a%2Fb', 'a/b'],
    ['/bucket/a%252Fb', 'a%2Fb'],
    ['/bucket/a/', 'a/'],
    ['/bucket/a+b', 'a+b'],
    ['/bucket/a%20b', 'a b'],
    ['/bucket/%00', '\u0000'],
    ['/bucket/%F0%9F%98%80', '\u{1f600}'],
    ['/bucket/health', 'health'],
    ['http://gateway:9000/bucket/key', 'key'],
  ])('of %s is %j', (target, key) => {
    expect(parse('GET', target)).toMatchObject({ bucket: 'bucket', key });
  });

  it('is any Unicode, percent-encoded in any way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }), (key) => {
        const hex = [...Buffer.from(key)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
        expect(parse('GET', `/bucket/${encodeURIComponent(key)}`)).toMatchObject({ key });
        expect(parse('GET', `/bucket/${hex}`)).toMatchObject({ key });
      }),
    );
  });

  it.each([
    '/bucket/%',
    '/bucket/%zz',
    '/bucket/%C3',
    '/bucket/%ED%A0%80',
    '/bucket/\u00e9',
    '/bucket?prefix=%FF',
  ])('refuses %s as no URI', (target) => {
    expect(thrownBy(() => parse('GET', target))).toBe('InvalidURI');
  });

  it('has at most 1,024 bytes', () => {
    expect(parse('GET', `/bucket/${'%C3%A9'.repeat(512)}`)).toMatchObject({ type: 'GetObject' });
    expect(thrownBy(() => parse('GET', `/bucket/${'%C3%A9'.repeat(512)}a`))).toBe('KeyTooLongError');
  });
});

describe('the bucket of a request', () => {
  it.each([
    'ab',
    'A',
    'Bucket',
    'a_b',
    '-ab',
    'ab-',
    'a..b',
    '192.168.0.1',
    'x'.repeat(64),
    '_longhaul',
    '%2e%2e',
    '%20',
  ])('cannot be called %s', (bucket) => {
    expect(thrownBy(() => parse('GET', `/${bucket}`))).toBe('InvalidBucketName');
    expect(thrownBy(() => parse('PUT', `/${bucket}/key`))).toBe('InvalidBucketName');
  });

  it('comes from the host below the domain, and the whole path is then the key', () => {
    const headers = { host: 'my-bucket.s3.example:9000' };
    expect(parse('GET', '/a/b', headers, 's3.example')).toMatchObject({ bucket: 'my-bucket', key: 'a/b' });
    expect(parse('GET', '/', headers, 's3.example')).toMatchObject({
      type: 'ListObjects',
      bucket: 'my-bucket',
    });
  });

  it('comes from the path for any other host', () => {
    for (const host of ['s3.example', 'evils3.example', '10.0.0.1:9000', 'bucket.other']) {
      expect(parse('GET', '/bucket/key', { host }, 's3.example')).toMatchObject({
        bucket: 'bucket',
        key: 'key',
      });
    }
    expect(parse('GET', '/bucket/key', { host: 'x.s3.example' })).toMatchObject({ bucket: 'bucket' });
  });
});
