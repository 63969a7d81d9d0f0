/** The floor of a crawl: bare basic-ftp, which lists each directory of a tree and reads the end of each file, as a process of its own. Prints `BareCrawlResult` as JSON. */
import { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FTPError, type Client } from 'basic-ftp';
import { TAIL_GUESS } from '../../gateway/seal/open';
import { logIn, orders, type BareAccount } from './bare-session';

export interface BareCrawlOrder extends BareAccount {
  /** Directory to begin at. */
  readonly tree: string;
  readonly connections: number;
  /** How long it goes on, if it is not through by then. */
  readonly seconds: number;
}

export interface BareCrawlResult {
  /** Listings and files read. */
  readonly looks: number;
  readonly seconds: number;
}

/** Looks of each connection that are not counted: the first find out how to make data connections, and warm the code. */
const WARM_UP = 20;

interface Look {
  readonly path: string;
  /** Of a file. */
  readonly size?: number;
}

async function main(): Promise<void> {
  const order = orders<BareCrawlOrder>();
  const clients = await Promise.all(Array.from({ length: order.connections }, () => logIn(order)));
  const open: Look[] = [{ path: order.tree }];
  // Those that warm up are counted from below zero.
  let [looks, looking] = [-WARM_UP * order.connections, 0];
  let startedAt = performance.now();
  const isOver = (): boolean =>
    (open.length === 0 && looking === 0) || performance.now() - startedAt > order.seconds * 1000;
  const work = async (client: Client): Promise<void> => {
    while (!isOver()) {
      const next = open.pop();
      if (!next) {
        await nextTurn();
        continue;
      }
      looking += 1;
      open.push(...(await look(client, next).catch(againAfter425(next))));
      looking -= 1;
      looks += 1;
      if (looks === 0) startedAt = performance.now();
    }
  };
  await Promise.all(clients.map(work));
  const result: BareCrawlResult = { looks, seconds: (performance.now() - startedAt) / 1000 };
  for (const client of clients) client.close();
  process.stdout.write(JSON.stringify(result));
}

/** Returns what is to be looked at next. */
async function look(client: Client, { path, size }: Look): Promise<Look[]> {
  if (size === undefined) {
    const entries = await client.list(path);
    return entries.map((entry) => ({
      path: `${path}/${entry.name}`,
      ...(entry.isFile && { size: entry.size }),
    }));
  }
  const start = Math.max(0, size - TAIL_GUESS);
  let received = 0;
  const sink = new Writable({
    write(piece: Buffer, _encoding, done) {
      received += piece.length;
      done();
    },
  });
  await client.downloadTo(sink, path, start);
  if (start + received !== size) throw new Error(`${path} has ${start + received} of ${size} bytes`);
  return [];
}

/** Two sessions of proftpd may choose the same passive port, and then one is told to come again. */
function againAfter425(next: Look): (error: unknown) => Look[] {
  return (error) => {
    if (error instanceof FTPError && error.code === 425) return [next];
    throw error;
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  process.exit(1);
});
