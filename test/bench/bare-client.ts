/** The floor: bare basic-ftp, as a process of its own. Takes its orders as JSON in BARE_CLIENT and prints `BareResult` as JSON. */
import { randomBytes } from 'node:crypto';
import { Readable, Writable } from 'node:stream';
import type { Client } from 'basic-ftp';
import { logIn, orders, type BareAccount } from './bare-session';

export interface BareOrder extends BareAccount {
  readonly directory: string;
  readonly direction: 'up' | 'down';
  readonly connections: number;
  readonly files: number;
  /** Bytes of each file. */
  readonly size: number;
}

export interface BareResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

const CHUNK = 262_144;
/** Files of each connection that are not counted. */
const WARM_UP = 20;
/** Bytes of each: as many as of a file that is counted would take a slow line too long. */
const WARM_UP_SIZE = 65_536;

async function main(): Promise<void> {
  const order = orders<BareOrder>();
  const clients = await Promise.all(Array.from({ length: order.connections }, () => logIn(order)));
  const chunk = randomBytes(CHUNK);
  // The first transfer of a client finds out how to make data connections, and those after it warm the code.
  const warmUp = async (client: Client, index: number): Promise<void> => {
    for (let count = 0; count < WARM_UP; count += 1)
      await move(client, { ...order, size: WARM_UP_SIZE }, -1 - index, chunk);
  };
  await Promise.all(clients.map(warmUp));
  const cpu = process.cpuUsage();
  const start = performance.now();
  let next = 0;
  const work = async (client: Client): Promise<void> => {
    while (next < order.files) await move(client, order, next++, chunk);
  };
  await Promise.all(clients.map(work));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const client of clients) client.close();
  const result: BareResult = { seconds, cpuSeconds: (user + system) / 1e6 };
  process.stdout.write(JSON.stringify(result));
}

async function move(client: Client, order: BareOrder, index: number, chunk: Buffer): Promise<void> {
  const path = `${order.directory}/${index}`;
  if (order.direction === 'up') {
    const chunks = function* () {
      for (let left = order.size; left > 0; left -= CHUNK) yield chunk.subarray(0, left);
    };
    await client.uploadFrom(Readable.from(chunks()), path);
    return;
  }
  let received = 0;
  const sink = new Writable({
    write(piece: Buffer, _encoding, done) {
      received += piece.length;
      done();
    },
  });
  await client.downloadTo(sink, path);
  if (received !== order.size) throw new Error(`${path} has ${received} of ${order.size} bytes`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
