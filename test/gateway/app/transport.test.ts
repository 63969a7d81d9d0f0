/** What happens on the connection: who waits, who is cut off, and what is left behind. */
import { connect, type Socket } from 'node:net';
import { S3Error } from '../../../gateway/errors';
import { MemoryBudget } from '../../../gateway/s3/memory-budget';
import { MemoryStore } from '../../../gateway/store/memory-store';
import type { ObjectInfo, ObjectRef, OpenObject } from '../../../gateway/store/object-store';
import { bodyOf } from '../../contract/bodies';
import { startApp, TEST_BUCKET as Bucket, type AppServer } from '../../support/app-server';
import { sha256Hex, signRequest } from '../../support/sign-request';

const key = 'object';
const target = `/${Bucket}/${key}`;
const ATTRIBUTES = { headers: {}, metadata: {} };

let app: AppServer;
let socket: Socket | undefined;
const start = async (...args: Parameters<typeof startApp>) => {
  app = await startApp(...args);
  return app;
};
afterEach(async () => {
  socket?.destroy();
  socket = undefined;
  await app.close();
});

/** A request's line and headers, signed. */
function requestHead(
  method: string,
  headers: Record<string, string>,
  payloadHash = 'UNSIGNED-PAYLOAD',
  secret?: string,
) {
  const signer = { ...app.signer, at: Date.now(), ...(secret !== undefined && { secretAccessKey: secret }) };
  const signed = signRequest(
    { method, target, headers: { host: '127.0.0.1', ...headers }, payloadHash },
    signer,
  );
  const fields = Object.entries(signed.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${fields.join('')}\r\n`;
}

/** A connection that collects what it gets. */
function open() {
  const pieces: Buffer[] = [];
  const connection = connect(app.port, '127.0.0.1');
  connection.on('data', (piece) => pieces.push(piece));
  connection.on('error', () => undefined);
  socket = connection;
  const text = () => Buffer.concat(pieces).toString('latin1');
  const until = async (pattern: RegExp) => {
    while (!pattern.test(text())) await new Promise((resolve) => connection.once('data', resolve));
  };
  return { connection, text, until, closed: new Promise((resolve) => connection.once('close', resolve)) };
}

const untilRecord = async (): Promise<void> => {
  while (app.records.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('a client that goes away right after its last byte', () => {
  it.each(['end', 'destroy'] as const)(
    'has begun no write that a later one could be overtaken by (%s)',
    async (how) => {
      await start();
      const body = Buffer.alloc(1_000_000, 'given up');
      for (let round = 0; round < 10; round += 1) {
        const { connection, closed } = open();
        await new Promise((resolve) => connection.once('connect', resolve));
        const head = requestHead('PUT', { 'content-length': `${body.length}` });
        await new Promise((resolve) => connection.write(Buffer.concat([Buffer.from(head), body]), resolve));
        connection[how]();
        await closed;
      }
      while (app.records.length < 10) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await app.store.stat({ bucket: Bucket, key })).toBeUndefined();
      expect((await app.raw({ method: 'PUT', target, body: 'sent instead' })).status).toBe(200);
    },
  );
});

describe('Expect: 100-continue', () => {
  const expecting = { expect: '100-continue', 'content-length': '5' };

  it('is answered once the body is wanted', async () => {
    await start();
    const { connection, text, until } = open();
    connection.write(requestHead('PUT', expecting));
    await until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    connection.write('hello');
    await until(/HTTP\/1\.1 200 OK/);
    expect(await app.store.stat({ bucket: Bucket, key })).toMatchObject({ size: 5 });
    expect(text().match(/HTTP/g)).toHaveLength(2);
  });

  it('is never answered to whom is refused, and the connection ends', async () => {
    await start();
    const { connection, text, closed } = open();
    connection.write(requestHead('PUT', expecting, 'UNSIGNED-PAYLOAD', 'wrong secret'));
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 403 /);
    expect(text()).toMatch(/\r\nconnection: close\r\n/i);
    expect(text()).not.toContain('100 Continue');
  });
});

describe('any other expectation', () => {
  it('is ignored, as S3 ignores it', async () => {
    await start();
    const headers = { expect: 'the unexpected' };
    expect((await app.raw({ method: 'PUT', target, body: 'x', headers })).status).toBe(200);
  });
});

describe('an unwanted body', () => {
  it('does not keep a refused client from reading why', async () => {
    await start();
    const { connection, text, closed } = open();
    connection.write(
      requestHead('PUT', { 'content-length': `${1024 ** 3}` }, 'UNSIGNED-PAYLOAD', 'wrong secret'),
    );
    const piece = Buffer.alloc(64 * 1024);
    const pump = () => {
      while (connection.writable && connection.write(piece));
    };
    connection.on('drain', pump);
    pump();
    await closed;
    expect(text()).toContain('<Code>SignatureDoesNotMatch</Code>');
    expect(connection.bytesWritten).toBeLessThan(64 * 1024 ** 2);
  });

  it('leaves the connection open if it arrived all the same', async () => {
    await start();
    const { connection, text, until } = open();
    const refused = requestHead('PUT', { 'content-length': '5' }, sha256Hex('other'));
    connection.write(`${refused}hello`);
    await until(/XAmzContentSHA256Mismatch[^]*<\/Error>/);
    connection.write(requestHead('GET', {}, sha256Hex('')));
    await until(/NoSuchKey/);
    expect(text()).not.toMatch(/connection: close/i);
  });
});

describe('a client that leaves', () => {
  it('in the middle of an upload leaves the old object, and frees its memory', async () => {
    const memoryBudget = new MemoryBudget(1_000_000);
    await start({ memoryBudget });
    await app.store.put({ bucket: Bucket, key }, bodyOf('old'), ATTRIBUTES);
    const { connection } = open();
    connection.write(`${requestHead('PUT', { 'content-length': '500000' })}some`);
    while (memoryBudget.available === 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
    connection.destroy();
    await untilRecord();
    expect(app.records).toMatchObject([{ errorCode: 'IncompleteBody', aborted: true, bytesIn: 4 }]);
    expect(memoryBudget.available).toBe(1_000_000);
    expect(await app.store.stat({ bucket: Bucket, key })).toMatchObject({ size: 3 });
  });

  it('in the middle of a download stops the reading', async () => {
    const source = new EndlessStore();
    await start({ store: source });
    const { connection, until } = open();
    connection.write(requestHead('GET', {}, sha256Hex('')));
    await until(/^HTTP\/1\.1 200 OK[^]{70000}/);
    connection.destroy();
    await source.ended;
    await untilRecord();
    expect(app.records).toMatchObject([{ status: 200, aborted: true, operation: 'GetObject' }]);
    expect(app.records[0]?.errorCode).toBeUndefined();
    expect(app.logLines).toHaveLength(1);
  });

  it('while it waits for memory gives up its place', async () => {
    const memoryBudget = new MemoryBudget(1_000);
    await start({ memoryBudget });
    const release = await memoryBudget.acquire(1_000);
    const { connection } = open();
    connection.write(requestHead('PUT', { 'content-length': '500' }));
    while (memoryBudget.waiting === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    connection.destroy();
    await untilRecord();
    expect(memoryBudget.waiting).toBe(0);
    release();
    expect(memoryBudget.available).toBe(1_000);
  });

  it('and reads slowly does not make the gateway read ahead', async () => {
    const source = new EndlessStore();
    await start({ store: source });
    const { connection, until } = open();
    connection.write(requestHead('GET', {}, sha256Hex('')));
    await until(/^HTTP\/1\.1 200 OK/);
    connection.pause();
    let before = -1;
    while (before !== source.yielded) {
      before = source.yielded;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(source.yielded).toBeLessThan(64 * 1024 ** 2);
  });
});

describe('a download that fails', () => {
  it('before its first byte gets an answer that says so', async () => {
    const store = new FailingStore(0);
    await start({ store });
    store.fail();
    const reply = await app.raw({ target });
    expect(reply).toMatchObject({ status: 503, code: 'SlowDown' });
    expect(Number(reply.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(reply.headers['retry-after'])).toBeLessThanOrEqual(5);
  });

  it('later is cut off, and never looks whole', async () => {
    const store = new FailingStore(2);
    await start({ store });
    const { connection, text, until, closed } = open();
    connection.write(requestHead('GET', {}, sha256Hex('')));
    await until(/xxx/);
    store.fail();
    await closed;
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK[^]*content-length: 1000000/);
    expect(text().length).toBeLessThan(1_000_000);
    await untilRecord();
    expect(app.records).toMatchObject([{ aborted: true, errorCode: 'SlowDown' }]);
  });
});

describe('a failure that nobody foresaw', () => {
  it('is an InternalError to the client, and a stack trace in the log', async () => {
    const store = new MemoryStore();
    await start({ store });
    jest.spyOn(store, 'stat').mockRejectedValue(new TypeError('secret detail'));
    const reply = await app.raw({ method: 'HEAD', target });
    expect(reply.status).toBe(500);
    const get = await app.raw({ target: `${target}?acl` });
    expect(get).toMatchObject({ status: 500, code: 'InternalError' });
    expect(get.body).not.toContain('secret detail');
    expect(app.logLines.join('')).toContain('transport.test.ts');
  });
});

describe('the log', () => {
  it('has one line for each request, and never a signature', async () => {
    await start();
    const headers = { 'amz-sdk-request': 'attempt=2; max=5' };
    await app.raw({ method: 'PUT', target, body: 'hello', headers });
    await app.raw({ target });
    await app.raw({ target: `/${Bucket}/missing?X-Amz-Signature=presigned-secret`, unsigned: true });
    expect(app.records).toMatchObject([
      { operation: 'PutObject', bucket: Bucket, key, status: 200, bytesIn: 5, attempt: 'attempt=2; max=5' },
      { operation: 'GetObject', status: 200, bytesOut: 5 },
      { method: 'GET', status: 400, errorCode: 'AuthorizationQueryParametersError' },
    ]);
    const lines = app.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({
      requestId: app.records[0]?.requestId,
      operation: 'PutObject',
      msg: 'request',
    });
    expect(app.logLines.join('')).not.toMatch(/signature=|credential=|presigned-secret|AWS4-HMAC/i);
  });
});

describe('the probes', () => {
  it('need no signature, and are not logged', async () => {
    let ready = true;
    await start({ ready: () => Promise.resolve(ready ? { ready } : { ready, reason: 'FTP is away' }) });
    const probe = (path: string, method = 'GET') => app.raw({ target: path, method, unsigned: true });
    expect(await probe('/health')).toMatchObject({ status: 200, body: '{"status":"ok","version":"1.2.3"}' });
    expect((await probe('/health', 'HEAD')).status).toBe(200);
    expect((await probe('/ready')).status).toBe(200);
    ready = false;
    expect(await probe('/ready')).toMatchObject({
      status: 503,
      body: '{"ready":false,"reason":"FTP is away"}',
    });
    expect((await probe('/health')).status).toBe(200);
    expect(app.logLines).toEqual([]);
  });

  it.each(['/health/', '/health?x', '/healthy', '/x/../health', '//health', '/bucket/../ready'])(
    'are not found at %s',
    async (path) => {
      await start();
      expect((await app.raw({ target: path, unsigned: true })).status).toBe(403);
    },
  );
});

const INFO: ObjectInfo = { key, size: 1_000_000, etag: 'abc', lastModified: 0, ...ATTRIBUTES };

/** Its objects never end, and tell when they are let go. */
class EndlessStore extends MemoryStore {
  yielded = 0;
  #end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  override open(_ref: ObjectRef): Promise<OpenObject> {
    const info = { ...INFO, size: Number.MAX_SAFE_INTEGER };
    return Promise.resolve({ info, read: () => this.#pieces() });
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const piece = Buffer.alloc(64 * 1024, 'x');
        this.yielded += piece.length;
        yield await Promise.resolve(piece);
      }
    } finally {
      this.#end();
    }
  }
}

/** Its objects break off after some pieces, when told to. */
class FailingStore extends MemoryStore {
  fail: () => void = () => undefined;
  readonly #failing = new Promise<void>((resolve) => {
    this.fail = resolve;
  });

  constructor(private readonly pieces: number) {
    super();
  }

  override open(_ref: ObjectRef): Promise<OpenObject> {
    return Promise.resolve({ info: INFO, read: () => this.#pieces() });
  }

  async *#pieces(): AsyncGenerator<Buffer> {
    for (let i = 0; i < this.pieces; i++) yield await Promise.resolve(Buffer.alloc(1_000, 'x'));
    await this.#failing;
    throw new S3Error('SlowDown');
  }
}
