import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { pino } from 'pino';
import { followCertificate, readCertificate } from '../../gateway/certificate';
import { drain } from '../../gateway/http-server';
import type { SecureServer } from '../../gateway/secure-server';
import { MemoryStore } from '../../gateway/store/memory-store';
import { startApp, TEST_BUCKET as bucket, type AppServer } from '../support/app-server';
import { makeCertificate, serverCertificate } from '../support/ftp-servers/certificate';
import { bodyBytes } from '../support/s3';
import { sha256Hex, signRequest } from '../support/sign-request';

const { ca, cert, key } = serverCertificate();
let app: AppServer;
let session: ClientHttp2Session;

beforeEach(async () => {
  app = await startApp({}, { cert, key });
  session = connect(app.target.endpoint, { ca });
  await new Promise((resolve) => session.once('connect', resolve));
});
afterEach(async () => {
  session.destroy();
  await app.close();
});

interface Request {
  readonly method?: string;
  readonly target: string;
  readonly body?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secretAccessKey?: string;
  /** Declares the body and never sends it. */
  readonly keepsBody?: boolean;
}

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** How the stream ended: NO_ERROR if nothing was wrong. */
  readonly code: number;
  readonly continued: boolean;
}

/** Over HTTP/2, signed for the `:authority`, which takes the place of the Host header. */
function request({ method = 'GET', target, body = Buffer.alloc(0), ...more }: Request): Promise<Reply> {
  const authority = `127.0.0.1:${app.port}`;
  const unsigned = {
    method,
    target,
    headers: {
      host: authority,
      ...(method === 'PUT' && { 'content-length': `${body.length}` }),
      ...more.headers,
    },
    payloadHash: sha256Hex(body),
  };
  const { secretAccessKey = app.signer.secretAccessKey } = more;
  const { host, ...headers } = signRequest(unsigned, { ...app.signer, secretAccessKey }).headers;
  const stream = session.request({ ':method': method, ':path': target, ':authority': host, ...headers });
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let reply: IncomingHttpHeaders & { ':status'?: number } = {};
    let continued = false;
    stream.on('response', (got) => {
      reply = got;
    });
    stream.on('continue', () => {
      continued = true;
      stream.end(body);
    });
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({
        status: reply[':status'] ?? 0,
        headers: reply,
        body: Buffer.concat(pieces),
        code: stream.rstCode,
        continued,
      }),
    );
    const waits = more.headers?.['expect'] !== undefined || more.keepsBody === true;
    if (method === 'PUT' && !waits) stream.end(body);
  });
}

describe('the S3 port over TLS', () => {
  it('serves a client that speaks HTTP/1.1', async () => {
    const requestHandler = new NodeHttpHandler({ httpsAgent: new Agent({ ca }) });
    const s3 = app.client({ requestHandler });
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'hello' }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'a' }));
    expect((await bodyBytes(Body)).toString()).toBe('hello');
  });

  it('offers HTTP/2 first, and speaks nothing older than TLS 1.2', async () => {
    const protocolOf = (ALPNProtocols: string[]) =>
      new Promise((resolve) => {
        const socket = connectTls({ port: app.port, host: '127.0.0.1', ca, ALPNProtocols }, () => {
          resolve(socket.alpnProtocol);
          socket.destroy();
        });
      });
    expect(await protocolOf(['http/1.1', 'h2'])).toBe('h2');
    expect(await protocolOf(['http/1.1'])).toBe('http/1.1');
    const old = connectTls({
      port: app.port,
      host: '127.0.0.1',
      ca,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    await expect(new Promise((_resolve, reject) => old.once('error', reject))).rejects.toThrow(
      /protocol|alert/i,
    );
  });
});

describe('HTTP/2', () => {
  it('carries every kind of request and answer', async () => {
    const body = Buffer.alloc(3_000_000, 'abc');
    const put = await request({ method: 'PUT', target: `/${bucket}/k%20ey`, body });
    expect(put).toMatchObject({ status: 200, code: constants.NGHTTP2_NO_ERROR });
    const got = await request({ target: `/${bucket}/k%20ey` });
    expect(got.body.equals(body)).toBe(true);
    expect(got.headers).toMatchObject({
      etag: put.headers.etag,
      'content-length': '3000000',
      server: 'Longhaul',
    });
    const range = await request({ target: `/${bucket}/k%20ey`, headers: { range: 'bytes=1-3' } });
    expect([range.status, range.body.toString()]).toEqual([206, 'bca']);
    expect((await request({ method: 'HEAD', target: `/${bucket}/k%20ey` })).status).toBe(200);
    const missing = await request({ target: `/${bucket}/missing` });
    expect(missing.status).toBe(404);
    expect(missing.body.toString()).toContain('<Code>NoSuchKey</Code>');
    expect((await request({ target: `/${bucket}` })).body.toString()).toContain('<Key>k ey</Key>');
    expect((await request({ method: 'DELETE', target: `/${bucket}/k%20ey` })).status).toBe(204);
    expect(app.records.map(({ aborted }) => aborted)).toEqual(Array(7).fill(undefined));
  });

  it('serves many requests of one connection at a time', async () => {
    const keys = Array.from({ length: 60 }, (_, i) => `key-${i}`);
    await Promise.all(
      keys.map((name) => request({ method: 'PUT', target: `/${bucket}/${name}`, body: Buffer.from(name) })),
    );
    const replies = await Promise.all(keys.map((name) => request({ target: `/${bucket}/${name}` })));
    expect(replies.map(({ body }) => body.toString())).toEqual(keys);
  });

  it('refuses a wrong signature without the body, and keeps the connection', async () => {
    const target = `/${bucket}/refused`;
    const headers = { 'content-length': `${1024 ** 3}` };
    const wrong = { method: 'PUT', target, headers, secretAccessKey: 'wrong', keepsBody: true };
    const refused = await request(wrong);
    expect(refused).toMatchObject({ status: 403, code: constants.NGHTTP2_NO_ERROR });
    expect(refused.body.toString()).toContain('SignatureDoesNotMatch');
    expect((await request({ target: `/${bucket}` })).status).toBe(200);
    expect(session.closed).toBe(false);
  });

  it('says 100 only to a request that may come in', async () => {
    const target = `/${bucket}/expected`;
    const expecting = {
      method: 'PUT',
      target,
      body: Buffer.from('hello'),
      headers: { expect: '100-continue' },
    };
    const refused = await request({ ...expecting, secretAccessKey: 'wrong' });
    expect(refused).toMatchObject({ status: 403, continued: false });
    expect(await request(expecting)).toMatchObject({ status: 200, continued: true });
  });

  it('stores nothing of a body that its client gave up', async () => {
    const target = `/${bucket}/given-up`;
    const { promise, cancel } = cancellable(target);
    await sleep(100);
    cancel();
    await promise;
    while (app.records.length === 0) await sleep(5);
    expect(app.records[0]).toMatchObject({ aborted: true, errorCode: 'IncompleteBody' });
    expect(await app.store.stat({ bucket, key: 'given-up' })).toBeUndefined();
  });

  it('needs no length of a body that fits into memory', async () => {
    const body = Buffer.from('hello');
    const unsigned = {
      method: 'PUT',
      target: `/${bucket}/unsized`,
      headers: { host: `127.0.0.1:${app.port}` },
      payloadHash: sha256Hex(body),
    };
    const { host, ...headers } = signRequest(unsigned, app.signer).headers;
    const stream = session.request({
      ':method': 'PUT',
      ':path': unsigned.target,
      ':authority': host,
      ...headers,
    });
    stream.end(body);
    await new Promise((resolve) => stream.resume().once('close', resolve));
    expect(await app.store.stat({ bucket, key: 'unsized' })).toMatchObject({ size: 5 });
  });

  function cancellable(target: string) {
    const unsigned = {
      method: 'PUT',
      target,
      headers: { host: `127.0.0.1:${app.port}`, 'content-length': '1000000' },
      payloadHash: 'UNSIGNED-PAYLOAD',
    };
    const { host, ...headers } = signRequest(unsigned, app.signer).headers;
    const stream = session.request({ ':method': 'PUT', ':path': target, ':authority': host, ...headers });
    stream.on('error', () => undefined);
    stream.write(Buffer.alloc(1_000));
    const promise = new Promise((resolve) => stream.once('close', resolve));
    return { promise, cancel: () => stream.close(constants.NGHTTP2_CANCEL) };
  }
});

describe('draining the TLS server', () => {
  it('lets HTTP/2 requests in flight end, and waits for no idle connection', async () => {
    const store = new MemoryStore();
    let proceed = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const stat = store.stat.bind(store);
    store.stat = async (ref) => {
      await held;
      return stat(ref);
    };
    session.destroy();
    await app.close();
    app = await startApp({ store }, { cert, key });
    session = connect(app.target.endpoint, { ca });
    const idle = connect(app.target.endpoint, { ca });
    const silent = connectTls({ port: app.port, host: '127.0.0.1', ca });
    await Promise.all([
      new Promise((resolve) => idle.once('remoteSettings', resolve)),
      new Promise((resolve) => silent.once('secureConnect', resolve)),
    ]);
    const inFlight = request({ method: 'HEAD', target: `/${bucket}/missing` });
    await sleep(200);
    const drained = drain(app.server, 10_000);
    await sleep(50);
    proceed();
    expect((await inFlight).status).toBe(404);
    expect(await drained).toBe(true);
  });

  it('cuts HTTP/2 requests that take too long', async () => {
    const stream = session.request({
      ':method': 'PUT',
      ':path': '/',
      ':authority': 'h',
      'content-length': '9',
    });
    stream.on('error', () => undefined);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    await sleep(100);
    expect(await drain(app.server, 50)).toBe(false);
    await closed;
  });
});

describe('the certificate', () => {
  let directory: string;
  const files = () => ({ certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') });
  const write = (pair: { cert: string; key: string }) => {
    writeFileSync(files().certFile, pair.cert);
    writeFileSync(files().keyFile, pair.key);
  };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'longhaul-certificate-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const fingerprint = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({ port: app.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      });
      socket.once('error', reject);
    });

  it('is taken anew when its files change, and kept when they are no good', async () => {
    write({ cert, key });
    const lines: string[] = [];
    const log = pino({}, { write: (line: string) => void lines.push(line) });
    const server = app.server as SecureServer;
    const forget = followCertificate(server, files(), await readCertificate(files()), log, 20);
    try {
      const before = await fingerprint();
      writeFileSync(files().keyFile, makeCertificate().key);
      while (lines.length === 0) await sleep(10);
      await sleep(100);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('the old one stays');
      expect(await fingerprint()).toBe(before);
      write(makeCertificate());
      while (lines.length < 2) await sleep(10);
      expect(lines[1]).toContain('has a new certificate');
      expect(await fingerprint()).not.toBe(before);
      expect(lines.join()).not.toContain('PRIVATE KEY');
    } finally {
      forget();
    }
  });
});
