/**
 * A Longhorn-shaped load while the FTP server does all that FTP servers do wrong. The seed decides what happens in which order; the moments are
 * the machine's. Repeat a run with CHAOS_SEED; CHAOS_FTP_SECONDS=300 makes it the long one, with stalls of 30 s.
 */
import { createHash, randomInt } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pino from 'pino';
import { readConfig } from '../../gateway/config';
import { startGateway, type Gateway } from '../../gateway/gateway';
import { blocks, LonghornLoad, type Block } from '../bench/longhorn-load';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import type { Fault } from '../support/embedded-ftp-server-faults';
import { SeededRandom } from './random';

const SEED = process.env['CHAOS_SEED'] ? Number(process.env['CHAOS_SEED']) : randomInt(2 ** 31);
const SECONDS = Number(process.env['CHAOS_FTP_SECONDS'] ?? 30);
const IS_LONG = SECONDS >= 300;
const STALL_SECONDS = IS_LONG ? 30 : 2;
const MOST_TOLD_TO_RETRY = 10;
const BUCKET = 'longhorn';
const THREADS = 2;
const CONNECTIONS = 4;
const BLOCK_SIZE = 200_000;
const PAUSE_MS = 300;
/** What the run may leave in memory: code that was compiled, and the catalog's pages. */
const MEMORY_SLACK = 32 * 1_048_576;

setFlagsFromString('--expose_gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in use after a collection. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Open sockets and running timers of this process, by kind. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Clients that write blocks and read them back, and note what must not be. */
class Load {
  readonly stored: Block[] = [];
  readonly failures: string[] = [];
  refusedForSpace = 0;
  reads = 0;
  /** When the account was last full. */
  fullUntil = -Infinity;
  isStopping = false;

  constructor(
    private readonly client: LonghornLoad,
    private readonly random: SeededRandom,
  ) {}

  async run(thread: number): Promise<void> {
    while (!this.isStopping) {
      for (const block of blocks(8, BLOCK_SIZE, `pvc-${thread % 2}`)) {
        if (this.isStopping) return;
        await this.back(block);
        if (this.random.chance(0.3)) await this.readBack();
      }
    }
  }

  private async back(block: Block): Promise<void> {
    const began = performance.now();
    try {
      await this.client.head(block.key, 404);
      await this.client.put(block);
      this.stored.push(block);
    } catch (error) {
      const wasFull = String(error).endsWith('507') && began < this.fullUntil;
      if (wasFull) this.refusedForSpace += 1;
      else this.failures.push(`write: ${String(error)}`);
      await sleep(50);
    }
  }

  private async readBack(): Promise<void> {
    const block = this.stored[this.random.integer(0, this.stored.length - 1)];
    if (block) await this.check(block);
    this.reads += 1;
  }

  async check({ key, sha256 }: Block): Promise<void> {
    try {
      const found = createHash('sha256')
        .update(await this.client.read(key))
        .digest('hex');
      if (found !== sha256) this.failures.push(`${key} is not what was stored`);
    } catch (error) {
      this.failures.push(`read: ${String(error)}`);
    }
  }
}

/** `happen` returns, or resolves to, false if nothing happened. */
type Event = readonly [weight: number, name: string, happen: () => unknown];

function events(server: EmbeddedFtpServer, random: SeededRandom, load: Load): Event[] {
  // A server does not owe faults: those of one moment must not pile up for whoever comes when it is over.
  const spoil = (fault: Fault): boolean => {
    if (server.faults.isPending(fault.on)) return false;
    server.inject(fault);
    return true;
  };
  const inject = (fault: Fault) => () => spoil(fault);
  const afterBytes = () => random.integer(0, BLOCK_SIZE);
  const breakTransfer = (on: string, end: 'reset' | 'stall' | `${number} ${string}`) => () =>
    spoil({ on, action: { kind: 'transfer', afterBytes: afterBytes(), end } });
  const command = () => ['SIZE', 'RNFR', 'RNTO', 'EPSV', 'MKD', 'STOR'][random.integer(0, 5)] ?? '';
  return [
    [
      10,
      '421 at login',
      () => {
        spoil({ on: 'PASS', times: 2, action: { kind: 'reply', reply: '421 Too many connections.' } });
        server.dropConnections();
      },
    ],
    [15, '426 in mid upload', breakTransfer('STOR', '426 Broken.')],
    [10, '426 in mid download', breakTransfer('RETR', '426 Broken.')],
    [10, 'reset in mid upload', breakTransfer('STOR', 'reset')],
    [10, 'reset in mid download', breakTransfer('RETR', 'reset')],
    [3, 'stall in mid upload', breakTransfer('STOR', 'stall')],
    [3, 'stall of a command', () => spoil({ on: command(), action: { kind: 'stall' } })],
    [10, 'reset at a command', () => spoil({ on: command(), action: { kind: 'drop' } })],
    [10, 'lost reply', () => spoil({ on: command(), action: { kind: 'lose-reply', with: 'drop' } })],
    [10, 'slow 226', inject({ on: 'STOR', action: { kind: 'late-reply', ms: 1_000 } })],
    [10, 'all connections cut', () => server.dropConnections()],
    [
      5,
      'restart',
      async () => {
        await server.kill();
        await sleep(random.integer(0, 2_000));
        await server.listen();
      },
    ],
    [
      5,
      'full account',
      async () => {
        load.fullUntil = Infinity;
        server.settings = { ...server.settings, quotaBytes: 0 };
        await sleep(random.integer(1_000, 2_000));
        server.settings = { ...server.settings, quotaBytes: Infinity };
        // What was begun before may still be refused.
        load.fullUntil = performance.now() + 1_000;
      },
    ],
  ];
}

async function storm(list: readonly Event[], random: SeededRandom): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const end = performance.now() + SECONDS * 1000; performance.now() < end;) {
    await sleep(random.integer(0, PAUSE_MS));
    const [, name, happen] = random.weighted(list.map((event) => [event[0], event] as const));
    if ((await happen()) !== false) counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** @param onRefusal told why a request was answered 503 */
async function start(
  server: EmbeddedFtpServer,
  catalog: string,
  onRefusal: (reason: string) => void,
): Promise<Gateway> {
  const caFile = join(catalog, 'ca.pem');
  if (server.ca !== undefined) writeFileSync(caFile, server.ca);
  const config = readConfig({
    FTP_HOST: server.host,
    FTP_PORT: String(server.port),
    FTP_USER: server.user,
    FTP_PASSWORD: server.password,
    FTP_TLS: server.tls,
    ...(server.ca !== undefined && { FTP_CA_FILE: caFile }),
    FTP_CONNECTIONS: String(CONNECTIONS),
    FTP_STALL_SECONDS: String(STALL_SECONDS),
    S3_ACCESS_KEY: 'longhorn-access-key',
    S3_SECRET_KEY: 'longhorn-secret-key-of-a-test',
    S3_BIND_ADDRESS: '127.0.0.1',
    S3_PORT: '0',
    S3_BUCKET: BUCKET,
    METRICS_BIND_ADDRESS: '127.0.0.1',
    METRICS_PORT: '0',
    ENCRYPTION_KEY: '42'.repeat(32),
    CATALOG_DIR: catalog,
  });
  const write = (line: string): void => {
    const { status, err } = JSON.parse(line) as { status?: number; err?: { message?: string } };
    if (status === 503) onRefusal(err?.message ?? line);
  };
  return startGateway(config, pino({ level: 'warn' }, { write }));
}

it.each(['off', 'explicit'] as const)(
  `keeps and gives back every block through ${SECONDS} s of FTP faults, TLS %s, and leaks nothing (CHAOS_SEED=${SEED})`,
  async (tls) => {
    process.stderr.write(`chaos: CHAOS_SEED=${SEED}, TLS ${tls}\n`);
    const random = new SeededRandom(SEED);
    const catalog = mkdtempSync(join(tmpdir(), 'longhaul-faults-'));
    const server = await EmbeddedFtpServer.start({ tls });
    const before = resources();
    const refusals: string[] = [];
    const gateway = await start(server, catalog, (reason) => refusals.push(reason));
    const endpoint = `http://127.0.0.1:${gateway.port}`;
    const client = new LonghornLoad({
      ...{ endpoint, bucket: BUCKET },
      ...{ accessKeyId: 'longhorn-access-key', secretAccessKey: 'longhorn-secret-key-of-a-test' },
    });
    let mostConnections = 0;
    const watch = setInterval(() => {
      mostConnections = Math.max(mostConnections, server.connections);
    }, 5);
    try {
      while (!(await fetch(`${endpoint}/ready`)).ok) await sleep(20);
      const load = new Load(client, random);
      const threads = Array.from({ length: THREADS }, (_, thread) => load.run(thread));
      await sleep(2_000);
      const memoryBefore = memoryInUse();
      const counts = await storm(events(server, random, load), random);
      server.faults.clear();
      load.isStopping = true;
      await Promise.all(threads);
      const { stored, reads, refusedForSpace, failures } = load;
      const tally = { stored: stored.length, reads, refusedForSpace, mostConnections };
      process.stderr.write(`chaos: ${JSON.stringify({ ...counts, ...tally })}\n`);
      // The client keeps what it sent, eight bodies a round.
      const kept = new Set(stored.map(({ body }) => body)).size * BLOCK_SIZE;
      expect(memoryInUse() - kept - memoryBefore).toBeLessThan(MEMORY_SLACK);
      for (const block of stored) await load.check(block);
      const told = failures.filter((failure) => failure.endsWith(' got 503'));
      expect(failures.filter((failure) => !told.includes(failure))).toEqual([]);
      // A client retries what was answered 503. The long run, with the time that the retries have, takes none of these; a short one a few.
      if (IS_LONG) expect({ told, refusals }).toEqual({ told: [], refusals: [] });
      expect(told.length).toBeLessThanOrEqual(MOST_TOLD_TO_RETRY);
      expect(stored.length).toBeGreaterThan(SECONDS / 2);
      expect(mostConnections).toBeLessThanOrEqual(CONNECTIONS);
    } finally {
      clearInterval(watch);
      client.close();
      await gateway.stop();
    }
    await sleep(500);
    const after = resources();
    await server.stop();
    rmSync(catalog, { recursive: true, force: true });
    for (const kind of ['TCPSocketWrap', 'TLSWrap', 'TCPServerWrap', 'Timeout'])
      expect({ kind, left: (after[kind] ?? 0) > (before[kind] ?? 0) }).toEqual({ kind, left: false });
  },
  (SECONDS + 120) * 1000,
);
