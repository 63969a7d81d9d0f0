/** A crawl from nothing: how fast the gateway reads what a whole tree of sealed files says, as a share of what so many connections allow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerKind } from '../support/ftp-servers';
import { checksumOf, layout } from '../support/longhorn/layout';
import type { Bench, BenchOptions, BenchTable, Cell } from './bench';
import { BLOCKS_PER_VOLUME } from './prepared-catalog';
import { ENCRYPTION_KEY, Stage } from './stage';
import { storeBlocks } from './stored-blocks';

const CONNECTIONS = 8;
const LINE = { name: '20 ms', roundTripMs: 20 };
/** EPSV, connect, and the command that sends the listing or the file. */
const ROUND_TRIPS = 3;
const BARE_SECONDS = 20;
const POLL_MS = 250;

/** Of the directories at the first level of a volume's blocks, the share that is there; what is below is whole. */
const SHARES = { whole: 1, 'a quarter': 1 / 4, 'a sixteenth': 1 / 16 } as const;

interface Case {
  readonly kind: ServerKind;
  readonly share: keyof typeof SHARES;
}

export const bench: Bench = {
  name: 'crawl',
  async run(options) {
    const rows: Cell[][] = [];
    for (const each of casesOf(options)) {
      options.progress(`${each.kind}, ${each.share}`);
      rows.push(await measure(each));
    }
    return [tableOf(rows)];
  },
};

function casesOf({ quick, only }: BenchOptions): Case[] {
  if (only === undefined) return [{ kind: 'proftpd', share: quick ? 'a sixteenth' : 'a quarter' }];
  const kinds = ['proftpd', 'vsftpd', 'pure-ftpd'] as const;
  const shares = Object.keys(SHARES) as (keyof typeof SHARES)[];
  return kinds
    .flatMap((kind) => shares.map((share) => ({ kind, share })))
    .filter(({ kind, share }) => `${kind}, ${share}`.includes(only));
}

async function measure({ kind, share }: Case): Promise<Cell[]> {
  const keys = blockKeys(SHARES[share]);
  const stage = await Stage.set({
    ...{ kind, tls: false, line: LINE, env: { FTP_CONNECTIONS: String(CONNECTIONS) } },
    store: (root) => storeBlocks(root, ENCRYPTION_KEY, 'longhorn', keys),
  });
  try {
    const { gateway } = stage;
    const startedAt = performance.now();
    const directories = await untilProved(gateway.metricsPort, keys.length);
    const seconds = (performance.now() - startedAt) / 1000;
    const rate = (directories + keys.length) / seconds;
    const cpu = gateway.cpuSeconds();
    const rss = gateway.peakRssBytes() / 1_048_576;
    const tree = `longhorn/${layout.blocks('pvc-0').replace(/\/$/, '')}`;
    const bare = await stage.bareCrawl({ tree, connections: CONNECTIONS, seconds: BARE_SECONDS });
    const bareRate = bare.looks / bare.seconds;
    const bound = (CONNECTIONS * 1000) / (ROUND_TRIPS * LINE.roundTripMs);
    return [
      ...[`${kind}, ${share}`, keys.length, directories, seconds, rate],
      ...[bound, rate / bound, bareRate, rate / bareRate, cpu, rss],
    ];
  } finally {
    await stage.clear();
  }
}

function blockKeys(share: number): string[] {
  const checksums = Array.from({ length: BLOCKS_PER_VOLUME }, (_, index) => checksumOf(String(index)));
  return checksums
    .filter((checksum) => parseInt(checksum.slice(0, 2), 16) < 256 * share)
    .map((checksum) => layout.block('pvc-0', checksum));
}

/** Resolves with the number of directories when the gateway answers for all of them without a look at the FTP server. */
async function untilProved(metricsPort: number, objects: number): Promise<number> {
  for (;;) {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const metric = (name: string): number =>
      Number(new RegExp(`^longhaul_catalog_${name} (\\d+)$`, 'm').exec(text)?.[1] ?? NaN);
    const directories = metric('directories');
    if (metric('objects') === objects && metric('proved_directories') === directories) return directories;
    await sleep(POLL_MS);
  }
}

function tableOf(rows: Cell[][]): BenchTable {
  return {
    title: `A crawl from nothing, ${CONNECTIONS} connections, ${LINE.name}`,
    notes: [
      `Sealed blocks in the directories that a volume of 100 GiB has; a quarter is every directory below a quarter of those at the first level. The gateway begins without a catalog and without a checkpoint. A look is a listing, or a read of a file's last 4 KiB.`,
      `The bound is what ${CONNECTIONS} connections can do if each does one look after another and waits for nothing but the line: ${ROUND_TRIPS} round trips, for EPSV, for connecting, and for the command. Bare basic-ftp goes through the same files on as many connections for ${BARE_SECONDS} s in the same run; to read from the middle, it waits for one round trip more. vsftpd and proftpd confirm a transfer only when they have seen the client close its end: that is a fourth. vsftpd has no MLSD: that takes a CWD more.`,
      'Rates are looks a second. CPU seconds and the peak resident memory in MiB are those of the gateway.',
    ],
    columns: [
      ...['case', 'blocks', 'directories', 'seconds', 'rate'],
      ...['bound', 'share', 'bare', 'share', 'CPU', 'memory'],
    ],
    rows,
  };
}
