/** Each refusal has S3's own code and status, and leaves nothing behind. */
import { connect } from 'node:net';
import { md5Hex } from '../../contract/bodies';
import { startApp, TEST_BUCKET as Bucket, type AppServer, type RawRequest } from '../../support/app-server';
import { sha256Hex, signRequest, type UnsignedRequest } from '../../support/sign-request';

let app: AppServer;
beforeAll(async () => {
  app = await startApp({ domain: 's3.test' });
});
afterAll(() => app.close());

const target = `/${Bucket}/object`;
const put = (more: Partial<RawRequest> = {}) => app.raw({ method: 'PUT', target, body: 'hello', ...more });
const answer = async (reply: ReturnType<AppServer['raw']>) => {
  const { status, code } = await reply;
  return `${status} ${code ?? ''}`;
};
const stored = () => app.store.stat({ bucket: Bucket, key: 'object' });

describe('a request that may not come in', () => {
  it.each<[string, Partial<RawRequest>, string]>([
    ['without a signature', { unsigned: true }, '403 AccessDenied'],
    ['with an unknown key', { signer: { accessKeyId: 'nobody' } }, '403 InvalidAccessKeyId'],
    ['signed with the wrong secret', { signer: { secretAccessKey: 'wrong' } }, '403 SignatureDoesNotMatch'],
    ['signed 16 minutes ago', { signer: { at: Date.now() - 16 * 60_000 } }, '403 RequestTimeTooSkewed'],
    ['signed in 16 minutes', { signer: { at: Date.now() + 16 * 60_000 } }, '403 RequestTimeTooSkewed'],
    [
      'with an Authorization of another kind',
      { unsigned: true, headers: { authorization: 'Basic eA==' } },
      '400 InvalidArgument',
    ],
    [
      'with an old signature',
      { unsigned: true, headers: { authorization: 'AWS access:sig' } },
      '400 InvalidRequest',
    ],
    ['with an unknown payload hash', { payloadHash: 'whatever' }, '400 InvalidArgument'],
  ])('%s is refused with %s', async (_name, more, refusal) => {
    expect(await answer(put(more))).toBe(refusal);
    expect(await stored()).toBeUndefined();
  });

  it('is refused with 400 or 403 if it is a browser asking for leave', async () => {
    const options = { method: 'OPTIONS', target, unsigned: true };
    const headers = { origin: 'https://example.com', 'access-control-request-method': 'PUT' };
    expect(await answer(app.raw({ ...options, headers }))).toBe('403 AccessForbidden');
    expect(await answer(app.raw(options))).toBe('400 BadRequest');
  });

  it('is refused if its query was changed on the way', async () => {
    const request = {
      method: 'GET',
      target: `/${Bucket}?prefix=a`,
      headers: { host: 'h' },
      payloadHash: sha256Hex(''),
    };
    const { headers } = signRequest(request, { ...app.signer, at: Date.now() });
    const changed = app.raw({ target: `/${Bucket}?prefix=b`, headers, unsigned: true });
    expect(await answer(changed)).toBe('403 SignatureDoesNotMatch');
    expect(await answer(app.raw({ target: `/${Bucket}?prefix=a`, headers, unsigned: true }))).toBe('200 ');
  });

  it('is refused if a header was added that S3 acts on', async () => {
    const request = { method: 'GET', target, headers: { host: 'h' }, payloadHash: sha256Hex('') };
    const { headers } = signRequest(request, { ...app.signer, at: Date.now() });
    const changed = app.raw({ target, headers: { ...headers, 'x-amz-acl': 'private' }, unsigned: true });
    expect(await answer(changed)).toBe('403 AccessDenied');
  });

  it('learns nothing of what is there', async () => {
    const replies = await Promise.all(
      [target, `/${Bucket}`, '/missing-bucket', '/'].map((each) => app.raw({ target: each, unsigned: true })),
    );
    expect(replies.map(({ status, code }) => `${status} ${code}`)).toEqual(Array(4).fill('403 AccessDenied'));
  });
});

describe('a body that is not what was declared', () => {
  it.each<[string, Partial<RawRequest>, string]>([
    ['another payload hash', { payloadHash: sha256Hex('other') }, '400 XAmzContentSHA256Mismatch'],
    [
      'another MD5',
      { headers: { 'content-md5': Buffer.from(md5Hex('other'), 'hex').toString('base64') } },
      '400 BadDigest',
    ],
    ['no MD5 at all', { headers: { 'content-md5': 'nonsense' } }, '400 InvalidDigest'],
    ['another checksum', { headers: { 'x-amz-checksum-crc32': 'AAAAAA==' } }, '400 BadDigest'],
    ['no checksum at all', { headers: { 'x-amz-checksum-crc32': 'nonsense' } }, '400 BadDigest'],
    [
      'two checksums',
      { headers: { 'x-amz-checksum-crc32': 'NhCmhg==', 'x-amz-checksum-crc32c': 'AAAAAA==' } },
      '400 InvalidRequest',
    ],
  ])('%s is refused with %s', async (_name, more, refusal) => {
    expect(await answer(put(more))).toBe(refusal);
    expect(await stored()).toBeUndefined();
  });

  it('needs a length, or to be chunked and to fit into memory', async () => {
    expect(await rawPut({}, '', sha256Hex(''))).toContain('<Code>MissingContentLength</Code>');
    const chunk = 'x'.repeat(1024 ** 2);
    const framed = `100000\r\n${chunk}\r\n`.repeat(17);
    const large = rawPut({ 'transfer-encoding': 'chunked' }, `${framed}0\r\n\r\n`, 'UNSIGNED-PAYLOAD');
    expect(await large).toContain('<Code>MissingContentLength</Code>');
    expect(await large).toMatch(/^HTTP\/1\.1 411 /);
    expect(await stored()).toBeUndefined();
    const chunked = { 'transfer-encoding': 'chunked' };
    const other = rawPut(chunked, '5\r\nhallo\r\n0\r\n\r\n', sha256Hex('hello'));
    expect(await other).toContain('<Code>XAmzContentSHA256Mismatch</Code>');
    expect(await stored()).toBeUndefined();
    expect(await rawPut(chunked, '3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n', sha256Hex('hello'))).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    expect(await stored()).toMatchObject({ size: 5, etag: md5Hex('hello') });
    await app.store.delete({ bucket: Bucket, key: 'object' });
  });

  it('has at most 5 GiB', async () => {
    const request = rawPut({ 'content-length': `${5 * 1024 ** 3 + 1}` }, '', 'UNSIGNED-PAYLOAD');
    expect(await request).toContain('<Code>EntityTooLarge</Code>');
  });

  it('is not stored if it is too short', async () => {
    const signed = head(signedPut({ 'content-length': '10' }, 'UNSIGNED-PAYLOAD'));
    await exchange(`${signed}hello`, true);
    expect(await stored()).toBeUndefined();
    const refused = () => app.records.find((record) => record.errorCode === 'IncompleteBody');
    while (!refused()) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(refused()).toMatchObject({ operation: 'PutObject', status: 400, aborted: true });
  });

  it('is not stored if the framed bytes are fewer or more than declared', async () => {
    for (const [declared, code] of [
      ['6', 'IncompleteBody'],
      ['4', 'IncompleteBody'],
    ] as const) {
      const headers = { 'x-amz-decoded-content-length': declared, 'content-encoding': 'aws-chunked' };
      const reply = await rawChunked(headers, (sign) => chunk('hello', sign) + chunk('', sign));
      expect(reply).toContain(`<Code>${code}</Code>`);
    }
    expect(await stored()).toBeUndefined();
  });

  it('is not stored if a chunk signature is wrong', async () => {
    const headers = { 'x-amz-decoded-content-length': '5', 'content-encoding': 'aws-chunked' };
    const wrong = await rawChunked(
      headers,
      (sign) => chunk('hello', () => sign(Buffer.from('jello'))) + chunk('', sign),
    );
    expect(wrong).toMatch(/^HTTP\/1\.1 403 /);
    expect(wrong).toContain('<Code>SignatureDoesNotMatch</Code>');
    expect(await stored()).toBeUndefined();
    const right = await rawChunked(headers, (sign) => chunk('hello', sign) + chunk('', sign));
    expect(right).toMatch(/^HTTP\/1\.1 200 /);
    expect(await stored()).toMatchObject({
      size: 5,
      etag: md5Hex('hello'),
      headers: { 'content-type': 'binary/octet-stream' },
    });
    await app.store.delete({ bucket: Bucket, key: 'object' });
  });
});

describe('a request that makes no sense', () => {
  it.each<[string, RawRequest, string]>([
    ['a bucket that cannot be', { target: '/Bad_Bucket' }, '400 InvalidBucketName'],
    ['a key of 1,025 bytes', { target: `/${Bucket}/${'x'.repeat(1_025)}` }, '400 KeyTooLongError'],
    ['a path that is not UTF-8', { target: `/${Bucket}/%FF` }, '400 InvalidURI'],
    ['a method that S3 does not have', { target, method: 'PATCH' }, '405 MethodNotAllowed'],
    ['a sub-resource that S3 does not have', { target: `${target}?unheard-of` }, '501 NotImplemented'],
    ['a negative page', { target: `/${Bucket}?max-keys=-1` }, '400 InvalidArgument'],
    [
      'XML that is none',
      { method: 'POST', target: `${target}?uploadId=u`, body: '<Complete' },
      '400 MalformedXML',
    ],
    [
      'XML in the wrong place',
      { method: 'POST', target: `${target}?uploadId=u`, body: '<Delete/>' },
      '400 MalformedXML',
    ],
    [
      'a document that never ends',
      { method: 'POST', target: `${target}?uploadId=u`, body: 'x'.repeat(5 * 1024 ** 2) },
      '400 MaxMessageLengthExceeded',
    ],
    [
      'an upload that is not there',
      { method: 'PUT', target: `${target}?uploadId=u&partNumber=1`, body: 'x' },
      '404 NoSuchUpload',
    ],
  ])('with %s is refused', async (_name, request, refusal) => {
    expect(await answer(app.raw(request))).toBe(refusal);
  });

  it('gets the error as a document, with what it needs to be found in the log', async () => {
    const { status, headers, body } = await app.raw({ target: `/${Bucket}/a%20%3Cb%3E?versionId=x` });
    expect(status).toBe(400);
    expect(headers['content-type']).toBe('application/xml');
    expect(body).toContain('<Resource>/bucket/a%20%3Cb%3E</Resource>');
    expect(body).toContain(`<RequestId>${headers['x-amz-request-id'] as string}</RequestId>`);
    expect(body).toContain('<ArgumentName>versionId</ArgumentName>');
    expect(headers.server).toBe('Longhaul');
    expect(Date.parse(headers.date ?? '')).toBeGreaterThan(0);
  });

  it('gets no body in answer to HEAD', async () => {
    const { status, headers, body } = await app.raw({ method: 'HEAD', target: `/${Bucket}/missing` });
    expect([status, body]).toEqual([404, '']);
    expect(headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/);
  });

  it('is answered also if no URL can be made of it', async () => {
    const reply = await exchange('GET /bucket HTTP/1.1\r\nHost: a b c\r\n\r\n');
    expect(reply).toMatch(/^HTTP\/1\.1 400 /);
    expect(reply).toContain('<Code>InvalidURI</Code>');
  });
});

describe('keys on the request line', () => {
  it.each(['./x', '../x', 'a/../b', 'a//b', '/a', 'a%2Fb', '%00', 'a+b', 'health'])(
    '%s is taken as it is',
    async (key) => {
      const line = `/${Bucket}/${key}`;
      expect((await app.raw({ method: 'PUT', target: line, body: key })).status).toBe(200);
      const info = await app.store.stat({ bucket: Bucket, key: decodeURIComponent(key) });
      expect(info).toMatchObject({ etag: md5Hex(key) });
      expect((await app.raw({ target: line })).body).toBe(key);
    },
  );

  it('may name the bucket in the host', async () => {
    const headers = { host: `${Bucket}.s3.test` };
    expect((await app.raw({ method: 'PUT', target: '/by-host', headers, body: 'x' })).status).toBe(200);
    expect(await app.store.stat({ bucket: Bucket, key: 'by-host' })).toBeDefined();
    expect((await app.raw({ target: '/?list-type=2&prefix=by-', headers })).body).toContain(
      '<Key>by-host</Key>',
    );
  });
});

/** Sends bytes as they are, and collects the answer; the request asks for the connection to be closed after it, unless these are the last bytes of the client. */
function exchange(bytes: string, isLast = false): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const socket = connect(app.port, '127.0.0.1', () => {
      if (isLast) socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on('data', (piece) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(pieces).toString()));
  });
}

function head({ method, target: line, headers }: UnsignedRequest): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${line} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

function signedPut(headers: Record<string, string>, payloadHash: string) {
  const request = {
    method: 'PUT',
    target,
    headers: { host: '127.0.0.1', connection: 'close', ...headers },
    payloadHash,
  };
  return signRequest(request, { ...app.signer, at: Date.now() });
}

function rawPut(headers: Record<string, string>, body: string, payloadHash: string): Promise<string> {
  return exchange(head(signedPut(headers, payloadHash)) + body);
}

type SignChunk = (bytes: Buffer) => string;

function chunk(content: string, sign: SignChunk): string {
  const signature = sign(Buffer.from(content));
  return `${content.length.toString(16)};chunk-signature=${signature}\r\n${content}\r\n`;
}

/** The length of the body does not depend on its signatures, and has to be signed itself. */
function rawChunked(headers: Record<string, string>, body: (sign: SignChunk) => string): Promise<string> {
  const length = body(() => '0'.repeat(64)).length;
  const signed = signedPut(
    { ...headers, 'content-length': `${length}` },
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  );
  return exchange(head(signed) + body(signed.signChunk));
}
