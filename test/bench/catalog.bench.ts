/** What the catalog answers, how fast, and how that grows: through HTTP with signatures, as Longhorn asks. */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signRequest } from '../../gateway/sigv4/sign-request';
import { sha256Hex } from '../support/sign-request';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { layout } from '../support/longhorn/layout';
import type { Bench, BenchOptions, BenchTable, Cell } from './bench';
import { BLOCKS_PER_VOLUME, prepareCatalog } from './prepared-catalog';

const MIB = 1_048_576;
const EMPTY = sha256Hex('');
/** What keeps the lease and the connection. */
const UPKEEP = ['RNFR', 'RNTO', 'NOOP', 'QUIT', 'USER', 'PASS', 'TYPE', 'OPTS', 'FEAT', 'PBSZ', 'PROT'];

export const bench: Bench = {
  name: 'catalog',
  async run(options) {
    const [small, large] = options.quick ? [10_000, 100_000] : [10_000, 1_000_000];
    return [await measureGarbageCollection(options), await measureGrowth([small, large], options)];
  },
};

/** A gateway over an embedded FTP server and a prepared catalog, asked on one connection. */
class Asked {
  private constructor(
    readonly ftp: EmbeddedFtpServer,
    readonly keys: readonly string[],
    private readonly directory: string,
    private readonly encryptionKey: string,
    private gateway: GatewayProcess,
    readonly localStartSeconds: number,
  ) {}

  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  static async over(objects: number): Promise<Asked> {
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-bench-'));
    const ftp = await EmbeddedFtpServer.start();
    const { keys, encryptionKey } = await prepareCatalog(join(directory, 'catalog'), ftp.root, objects);
    const { gateway, seconds } = await start(ftp, directory, encryptionKey, keys[0] ?? '');
    return new Asked(ftp, keys, directory, encryptionKey, gateway, seconds);
  }

  /** Stops it in order, takes its disk away, and starts it anew: seconds to the first answer. */
  async startFromCheckpoint(): Promise<number> {
    await this.gateway.stop();
    rmSync(join(this.directory, 'catalog'), { recursive: true, force: true });
    const { gateway, seconds } = await start(
      this.ftp,
      this.directory,
      this.encryptionKey,
      this.keys[0] ?? '',
    );
    this.gateway = gateway;
    return seconds;
  }

  get peakRssMib(): number {
    return this.gateway.peakRssBytes() / MIB;
  }

  /** Commands other than those that keep the lease and the connection. */
  get ftpCommands(): number {
    return [...this.ftp.commands].reduce(
      (sum, [verb, count]) => sum + (UPKEEP.includes(verb) ? 0 : count),
      0,
    );
  }

  ask(method: string, target: string): Promise<string> {
    return ask(this.gateway, this.agent, method, target);
  }

  list(prefix: string, more = ''): Promise<string> {
    return this.ask(
      'GET',
      `/longhorn?delimiter=%2F&max-keys=1000&prefix=${encodeURIComponent(prefix)}${more}`,
    );
  }

  async stop(): Promise<void> {
    this.agent.destroy();
    await this.gateway.kill();
    await this.ftp.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function start(
  { host, port, user, password }: EmbeddedFtpServer,
  directory: string,
  encryptionKey: string,
  key: string,
): Promise<{ gateway: GatewayProcess; seconds: number }> {
  const startedAt = performance.now();
  const gateway = await GatewayProcess.start({
    ftp: { host, port, user, password, tls: 'off' },
    encryptionKey,
    catalogDirectory: join(directory, 'catalog'),
  });
  const agent = new Agent();
  while ((await ask(gateway, agent, 'HEAD', `/longhorn/${key}`).catch(() => undefined)) === undefined)
    continue;
  agent.destroy();
  return { gateway, seconds: (performance.now() - startedAt) / 1000 };
}

function ask(gateway: GatewayProcess, agent: Agent, method: string, target: string): Promise<string> {
  const host = `127.0.0.1:${gateway.port}`;
  const unsigned = { method, target, headers: { host, 'x-amz-content-sha256': EMPTY }, payloadHash: EMPTY };
  const { headers } = signRequest(unsigned, { ...gateway, at: Date.now() });
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: gateway.port,
      method,
      path: target,
      headers: { ...headers },
      agent,
    });
    outgoing.once('response', (reply) => {
      let text = '';
      reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      reply.once('end', () =>
        reply.statusCode === 200
          ? resolve(text)
          : reject(new Error(`${reply.statusCode} to ${method} ${target}: ${text}`)),
      );
    });
    outgoing.once('error', reject).end();
  });
}

const prefixesIn = (text: string): string[] =>
  [...text.matchAll(/<CommonPrefixes><Prefix>([^<]+)</g)].map(([, prefix = '']) => prefix);
const keysIn = (text: string): string[] => [...text.matchAll(/<Key>([^<]+)</g)].map(([, key = '']) => key);

async function measureGarbageCollection({ quick, progress }: BenchOptions): Promise<BenchTable> {
  const objects = quick ? 5_000 : BLOCKS_PER_VOLUME;
  progress(`the lists of a garbage collection of ${objects} blocks`);
  const asked = await Asked.over(objects);
  try {
    const commandsBefore = asked.ftpCommands;
    const startedAt = performance.now();
    let [lists, found] = [1, 0];
    for (const first of prefixesIn(await asked.list(layout.blocks('pvc-0')))) {
      lists += 1;
      for (const second of prefixesIn(await asked.list(first))) {
        lists += 1;
        found += keysIn(await asked.list(second)).length;
      }
    }
    const seconds = (performance.now() - startedAt) / 1000;
    if (found !== objects) throw new Error(`the lists show ${found} of ${objects} blocks`);
    return {
      title: 'LISTs of a garbage collection, one after another on one connection',
      notes: [
        'Signed requests over HTTP. FTP commands: all but those that keep the lease and the connection.',
      ],
      columns: ['blocks', 'LISTs', 'seconds', 'ms each', 'FTP commands'],
      rows: [[objects, lists, seconds, (1000 * seconds) / lists, asked.ftpCommands - commandsBefore]],
    };
  } finally {
    await asked.stop();
  }
}

async function measureGrowth(
  sizes: readonly number[],
  { quick, progress }: BenchOptions,
): Promise<BenchTable> {
  const rows: Cell[][] = [];
  for (const objects of sizes) {
    progress(`${objects} objects`);
    const asked = await Asked.over(objects);
    try {
      const heads = await timesOf(quick ? 3_000 : 10_000, () =>
        asked.ask('HEAD', `/longhorn/${anyOf(asked.keys)}`),
      );
      const pages = await timesOf(quick ? 50 : 200, async () => {
        const marker = encodeURIComponent(anyOf(asked.keys.slice(0, asked.keys.length >> 1)));
        await asked.ask('GET', `/longhorn?list-type=2&max-keys=1000&start-after=${marker}`);
      });
      const [rss, local] = [asked.peakRssMib, asked.localStartSeconds];
      const fromCheckpoint = await asked.startFromCheckpoint();
      rows.push([
        objects,
        quantile(heads, 0.5),
        quantile(heads, 0.99),
        quantile(pages, 0.5),
        quantile(pages, 0.99),
        rss,
        local,
        fromCheckpoint,
      ]);
    } finally {
      await asked.stop();
    }
  }
  return {
    title: 'HEAD and LIST as the number of objects grows',
    notes: [
      'Milliseconds, through HTTP with signatures on one connection, at random keys; a page has 1,000 keys in hundreds of directories.',
      'Peak resident memory of the gateway; seconds from the start of its process to its first right answer, with its local catalog and from a checkpoint. The gateway runs from its TypeScript sources.',
    ],
    columns: [
      'objects',
      'HEAD p50',
      'HEAD p99',
      'page p50',
      'page p99',
      'RSS MiB',
      'start, local',
      'start, checkpoint',
    ],
    rows,
  };
}

const anyOf = (keys: readonly string[]): string => keys[randomInt(keys.length)] ?? '';

async function timesOf(count: number, task: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await task();
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
