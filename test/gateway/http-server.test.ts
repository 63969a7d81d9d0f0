import { connect } from 'node:net';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { drain } from '../../gateway/http-server';
import { MemoryStore } from '../../gateway/store/memory-store';
import type { ObjectInfo, ObjectRef } from '../../gateway/store/object-store';
import { startApp, TEST_BUCKET, type AppServer } from '../support/app-server';

/** Answers when told to. */
class WaitingStore extends MemoryStore {
  asked = 0;
  proceed: () => void = () => undefined;
  readonly #proceeding = new Promise<void>((resolve) => {
    this.proceed = resolve;
  });

  override async stat(ref: ObjectRef): Promise<ObjectInfo | undefined> {
    this.asked++;
    await this.#proceeding;
    return super.stat(ref);
  }
}

let store: WaitingStore;
let app: AppServer;
beforeEach(async () => {
  store = new WaitingStore();
  app = await startApp({ store });
});
afterEach(async () => {
  store.proceed();
  await app.close();
});

const head = () => app.raw({ method: 'HEAD', target: `/${TEST_BUCKET}/missing` });
const untilAsked = async () => {
  while (store.asked === 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('draining the HTTP server', () => {
  it('lets the requests in flight end, and takes no others', async () => {
    const inFlight = head();
    await untilAsked();
    const drained = drain(app.server, 10_000);
    await expect(head()).rejects.toThrow(/ECONNREFUSED/);
    store.proceed();
    expect((await inFlight).status).toBe(404);
    expect(await drained).toBe(true);
  });

  it('does not wait for a connection that a client would keep', async () => {
    const s3 = app.client();
    const inFlight = s3.send(new HeadObjectCommand({ Bucket: TEST_BUCKET, Key: 'missing' }));
    await untilAsked();
    const drained = drain(app.server, 20_000);
    store.proceed();
    await expect(inFlight).rejects.toMatchObject({ name: 'NotFound' });
    expect(await drained).toBe(true);
  });

  it('cuts what takes too long', async () => {
    const inFlight = head().catch((error: unknown) => error);
    await untilAsked();
    expect(await drain(app.server, 50)).toBe(false);
    expect(await inFlight).toBeInstanceOf(Error);
  });

  it('does not wait for connections that ask nothing', async () => {
    const idle = connect(app.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    await app.raw({ target: '/health', unsigned: true });
    const closed = new Promise((resolve) => idle.once('close', resolve));
    expect(await drain(app.server, 5_000)).toBe(true);
    await closed;
  });
});

describe('the HTTP server', () => {
  it('takes as long a body and as long an idle connection as S3 clients need', () => {
    expect(app.server.requestTimeout).toBe(0);
    expect(app.server.headersTimeout).toBe(60_000);
    expect(app.server.keepAliveTimeout).toBeGreaterThan(60_000);
  });

  it('refuses headers without end', async () => {
    const headers = { 'x-amz-meta-a': 'x'.repeat(40_000) };
    expect((await app.raw({ target: '/', headers, unsigned: true })).status).toBe(431);
  });
});
