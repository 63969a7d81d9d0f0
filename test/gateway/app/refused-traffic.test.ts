/** What may not come in costs little: no body is read for it, nothing is kept of it, and those who may come in are served beside it. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApp, TEST_BUCKET as bucket, type AppServer } from '../../support/app-server';
import { sendRefused } from '../../support/refused-load';

const GIBIBYTE = 1024 ** 3;
/** What is heard out so that a client gets to read its answer, and what may stand in a socket's buffer beside it. */
const HEARD_OUT_BYTES = 1024 ** 2 + 256 * 1024;

let app: AppServer;
let bytesRead: number;
beforeEach(async () => {
  app = await startApp();
  await app.raw({ method: 'PUT', target: `/${bucket}/good`, body: 'good' });
  app.records.length = 0;
  bytesRead = 0;
  app.server.on('connection', (socket: Socket) => {
    socket.once('close', () => {
      bytesRead += socket.bytesRead;
    });
  });
});
afterEach(() => app.close());

const load = (requests: number, connections: number, sentBytes: number) => {
  const { port, signer } = app;
  const { accessKeyId } = signer;
  return sendRefused({ port, bucket, accessKeyId, requests, connections, bodyBytes: GIBIBYTE, sentBytes });
};
/** A request is logged when its connection has ended. */
const untilLogged = async (requests: number) => {
  while (refusals().length < requests) await sleep(10);
};
const refusals = () => app.records.filter(({ errorCode }) => errorCode === 'SignatureDoesNotMatch');

it('turns 10,000 wrongly signed uploads of a gibibyte away, and serves others meanwhile', async () => {
  const requests = 10_000;
  let done = false;
  const flood = load(requests, 320, 32 * 1024).finally(() => {
    done = true;
  });
  let served = 0;
  while (!done) {
    expect((await app.raw({ target: `/${bucket}/good` })).body).toBe('good');
    served += 1;
  }
  expect((await flood).answers).toEqual({ 403: requests });
  expect(served).toBeGreaterThan(20);
  await untilLogged(requests);
  expect(refusals().every(({ bytesIn }) => bytesIn === 0)).toBe(true);
  expect(await app.store.stat({ bucket, key: 'refused' })).toBeUndefined();
}, 180_000);

it('reads no more of a body than lets its client see the answer, however much it pushes', async () => {
  const requests = 200;
  const { answers } = await load(requests, 100, GIBIBYTE);
  expect((answers[403] ?? 0) + (answers[0] ?? 0)).toBe(requests);
  // A connection that is cut while its client still pushes may lose the answer on the way.
  expect(answers[403] ?? 0).toBeGreaterThan(requests / 2);
  await untilLogged(requests);
  expect(bytesRead).toBeLessThan(requests * HEARD_OUT_BYTES);
}, 180_000);
