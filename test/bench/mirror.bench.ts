/** What a mirror costs a PUT, how far it is behind after a backup, and how fast one that was away is caught up with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { availableServers, startServer, type FtpServer, type ServerKind } from '../support/ftp-servers';
import { GatewayProcess } from '../support/gateway-process';
import type { Bench, BenchOptions, BenchTable, Cell } from './bench';
import { blocks, LonghornLoad } from './longhorn-load';
import { gatewayCommand } from './program';
import { secondsOf } from './stage';

const ENCRYPTION_KEY = '42'.repeat(32);
const SIZE = 64 * 1024;
const THREADS = 4;
const POLL_MS = 200;

export const bench: Bench = {
  name: 'mirror',
  async run(options) {
    const rows: Cell[][] = [];
    for (const kind of availableServers()) {
      if (!kind.includes(options.only ?? '') || (options.quick && rows.length > 0)) continue;
      options.progress(kind);
      rows.push([kind, ...(await measure(kind, options))]);
    }
    return [tableOf(rows, options)];
  },
};

function objects({ quick }: BenchOptions): number {
  return quick ? 2_000 : 10_000;
}

async function measure(kind: ServerKind, options: BenchOptions): Promise<Cell[]> {
  const count = objects(options);
  const alone = await withGateway([await startServer(kind)], ({ backUp }) => backUp(count, 'pvc-1'));
  const servers = [await startServer(kind), await startServer(kind)];
  const mirrored = await withGateway(servers, async ({ backUp, pending }) => {
    const seconds = await backUp(count, 'pvc-1');
    const behind = await pending();
    const lag = await secondsOf(() => untilCaughtUp(pending));
    const mirror = servers[1]!;
    await mirror.kill();
    const awaySeconds = await backUp(count, 'pvc-2');
    const missed = await pending();
    await mirror.start();
    const catchUp = await secondsOf(() => untilCaughtUp(pending));
    return { seconds, behind, lag, awaySeconds, missed, catchUp };
  });
  const { seconds, behind, lag, awaySeconds, missed, catchUp } = mirrored;
  return [
    count / alone,
    count / seconds,
    behind,
    lag,
    count / awaySeconds,
    missed,
    catchUp,
    missed / catchUp,
  ];
}

interface Play {
  /** Returns the seconds that it took. */
  readonly backUp: (count: number, volume: string) => Promise<number>;
  /** Changes that are still to be carried over. */
  readonly pending: () => Promise<number>;
}

async function withGateway<T>(servers: readonly FtpServer[], play: (play: Play) => Promise<T>): Promise<T> {
  const [first, second] = servers;
  if (!first) throw new Error('there is no server');
  const { host, port, user, password, path } = first;
  const mirror: Record<string, string> = second
    ? {
        ...{ MIRROR_FTP_HOST: second.host, MIRROR_FTP_PORT: String(second.port), MIRROR_FTP_TLS: 'off' },
        ...{ MIRROR_FTP_USER: second.user, MIRROR_FTP_PASSWORD: second.password },
        ...{ MIRROR_FTP_ROOT_PATH: second.path, MIRROR_FTP_RETRY_SECONDS: '1' },
      }
    : {};
  const gateway = await GatewayProcess.start({
    ftp: { host, port, user, password, path, tls: 'off' },
    encryptionKey: ENCRYPTION_KEY,
    env: mirror,
    command: () => gatewayCommand(),
  });
  const load = new LonghornLoad(gateway);
  try {
    await gateway.ready();
    return await play({
      backUp: (count, volume) => secondsOf(() => load.backUp(blocks(count, SIZE, volume), THREADS)),
      pending: async () => {
        const text = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)).text();
        return Number(/^longhaul_mirror_pending_changes (\d+)$/m.exec(text)?.[1] ?? NaN);
      },
    });
  } finally {
    load.close();
    await gateway.stop();
    for (const server of servers) await server.stop();
  }
}

async function untilCaughtUp(pending: Play['pending']): Promise<void> {
  while ((await pending()) > 0) await sleep(POLL_MS);
}

function tableOf(rows: Cell[][], options: BenchOptions): BenchTable {
  return {
    title: 'A mirror, both servers on this machine',
    notes: [
      `Blocks of ${SIZE / 1024} KiB, ${objects(options)} each time, by ${THREADS} threads that ask for each before they store it. Objects a second: without a mirror, with one, and with one that is away.`,
      'Behind: objects that the mirror lacked when the last was stored, and the seconds until it had them. Then how many it lacked when it came back, and how fast it got them.',
    ],
    columns: [
      'server',
      'alone',
      'mirrored',
      'behind',
      'for s',
      'mirror away',
      'missed',
      'got in s',
      'objects/s',
    ],
    rows,
  };
}
