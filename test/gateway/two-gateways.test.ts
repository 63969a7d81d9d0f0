/** Two gateway processes on one FTP root, with the lease's real timing: at most one of them may write, whoever dies or is cut off. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ConnectionRelay } from '../chaos/connection-relay';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { availableServers, startServer } from '../support/ftp-servers';
import { GatewayProcess } from '../support/gateway-process';
import { bodyBytes, s3Client } from '../support/s3';

/** Within which a standby takes over. */
const TAKEOVER_MS = 60_000;
const Key = 'backups/1.cfg';

const isReady = async ({ endpoint }: GatewayProcess): Promise<boolean> =>
  (await fetch(`${endpoint}/ready`).catch(() => undefined))?.ok ?? false;

/** Milliseconds that it took. */
async function until(what: string, isSo: () => Promise<boolean>, limitMs = TAKEOVER_MS): Promise<number> {
  const started = performance.now();
  while (!(await isSo())) {
    if (performance.now() - started > limitMs) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(50);
  }
  return performance.now() - started;
}

async function put(gateway: GatewayProcess, Body: string): Promise<number> {
  const client = s3Client(gateway, { maxAttempts: 1 });
  try {
    await client.send(new PutObjectCommand({ Bucket: gateway.bucket, Key, Body }));
    return 200;
  } catch (error) {
    return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  } finally {
    client.destroy();
  }
}

async function get(gateway: GatewayProcess): Promise<string> {
  const client = s3Client(gateway);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: gateway.bucket, Key }));
  return (await bodyBytes(Body)).toString();
}

it('lets only one of two gateways write, and the other take over within a minute', async () => {
  const [kind] = availableServers();
  const server = kind ? await startServer(kind) : await EmbeddedFtpServer.start();
  const relay = await ConnectionRelay.start(server.host, server.port);
  const { host, user, password, path } = server;
  const start = (port: number): Promise<GatewayProcess> =>
    GatewayProcess.start({
      ftp: { host, port, user, password, path: `${path === '/' ? '' : path}/gateway`, tls: 'off' },
      encryptionKey: '42'.repeat(32),
    });
  const first = await start(relay.port);
  await first.ready();
  const second = await start(server.port);
  let bothReady = 0;
  let watching = true;
  const watch = (async () => {
    for (; watching; await sleep(20))
      if ((await Promise.all([first, second].map(isReady))).every(Boolean)) bothReady += 1;
  })();
  try {
    expect(await put(first, 'of the first')).toBe(200);
    expect(await isReady(second)).toBe(false);
    expect(await put(second, 'of a standby')).toBe(503);

    relay.cut(Infinity);
    const late = put(first, 'late');
    const stoppedAfter = await until('the first stops', async () => !(await isReady(first)));
    const takenAfter = stoppedAfter + (await until('the second takes over', () => isReady(second)));
    expect(takenAfter).toBeLessThan(TAKEOVER_MS);
    expect(await get(second)).toBe('of the first');
    expect(await put(second, 'of the second')).toBe(200);
    relay.calm();
    expect(await late).toBe(503);
    expect(await get(second)).toBe('of the second');
    expect(await put(first, 'of a standby')).toBe(503);

    await second.kill();
    expect(await until('the first takes over again', () => isReady(first))).toBeLessThan(TAKEOVER_MS);
    expect(await get(first)).toBe('of the second');
    expect(await put(first, 'of the first again')).toBe(200);
    expect(bothReady).toBe(0);
  } finally {
    watching = false;
    await watch;
    await first.kill();
    await second.kill();
    await relay.stop();
    await server.stop();
  }
}, 300_000);
