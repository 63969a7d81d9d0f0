/** What the catalog answers, how fast, and how that grows: through HTTP with signatures, as Longhorn asks. */
import { randomInt } from 'node:crypto';
import { layout } from '../support/longhorn/layout';
import { AskedGateway, total } from './asked-gateway';
import type { Bench, BenchOptions, BenchTable, Cell } from './bench';
import { BLOCKS_PER_VOLUME } from './prepared-catalog';

export const bench: Bench = {
  name: 'catalog',
  async run(options) {
    const sizes = options.quick ? [10_000, 100_000] : [10_000, 1_000_000];
    const parts: [name: string, measure: () => Promise<BenchTable>][] = [
      ['garbage collection', () => measureGarbageCollection(options)],
      ['growth', () => measureGrowth(sizes, options)],
    ];
    const tables: BenchTable[] = [];
    for (const [name, measure] of parts) if (name.includes(options.only ?? '')) tables.push(await measure());
    return tables;
  },
};

/** Pages asked for before those that are measured: a gateway runs for months. */
const WARM_UP_PAGES = 20;

const prefixesIn = (text: string): string[] =>
  [...text.matchAll(/<CommonPrefixes><Prefix>([^<]+)</g)].map(([, prefix = '']) => prefix);
const keysIn = (text: string): string[] => [...text.matchAll(/<Key>([^<]+)</g)].map(([, key = '']) => key);

async function measureGarbageCollection({ quick, progress }: BenchOptions): Promise<BenchTable> {
  const objects = quick ? 5_000 : BLOCKS_PER_VOLUME;
  progress(`the lists of a garbage collection of ${objects} blocks`);
  const asked = await AskedGateway.over(objects);
  try {
    await asked.start();
    await asked.untilQuiet();
    const before = asked.ftpCommands();
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
    const commands = asked.ftpCommands();
    for (const [verb, count] of before) commands.set(verb, (commands.get(verb) ?? 0) - count);
    const named = [...commands].flatMap(([verb, count]) => (count > 0 ? [`${count} ${verb}`] : []));
    return {
      title: 'LISTs of a garbage collection, one after another on one connection',
      notes: [
        'Signed requests over HTTP. FTP commands: all but RNFR and RNTO, which keep the lease, and NOOP, which keeps the connections; counted once the gateway has done what it does after its start.',
        ...(named.length > 0 ? [`These were: ${named.join(', ')}.`] : []),
      ],
      columns: ['blocks', 'LISTs', 'seconds', 'ms each', 'FTP commands'],
      rows: [[objects, lists, seconds, (1000 * seconds) / lists, total(commands)]],
    };
  } finally {
    await asked.clear();
  }
}

async function measureGrowth(
  sizes: readonly number[],
  { quick, progress }: BenchOptions,
): Promise<BenchTable> {
  const rows: Cell[][] = [];
  for (const objects of sizes) {
    progress(`${objects} objects: the catalog is made`);
    const asked = await AskedGateway.over(objects);
    try {
      progress(`${objects} objects`);
      const local = await asked.start();
      const heads = await timesOf(quick ? 3_000 : 10_000, () =>
        asked.ask('HEAD', `/longhorn/${anyOf(asked.keys)}`),
      );
      const askPage = async (): Promise<void> => {
        const marker = encodeURIComponent(asked.keys[randomInt(asked.keys.length >> 1)] ?? '');
        await asked.ask('GET', `/longhorn?list-type=2&max-keys=1000&start-after=${marker}`);
      };
      const first = await timesOf(WARM_UP_PAGES, askPage);
      const pages = await timesOf(quick ? 50 : 200, askPage);
      const rss = asked.peakRss;
      await asked.stop();
      const bringBackRoot = asked.keepRoot();
      await asked.start();
      await asked.kill();
      const killed = await asked.listen();
      const rssKilled = asked.peakRss;
      await asked.kill();
      bringBackRoot();
      const checkpoint = await asked.start();
      rows.push([
        ...[
          objects,
          quantile(heads, 0.5),
          quantile(heads, 0.99),
          quantile(pages, 0.5),
          quantile(pages, 0.99),
          quantile(first, 1),
        ],
        ...[local, killed, checkpoint],
        ...[rss, rssKilled, asked.peakRss],
      ]);
    } finally {
      await asked.clear();
    }
  }
  const [small = [], large = []] = rows;
  const growth = [1, 2, 3, 4, 5].map((column) => Number(large[column]) / Number(small[column]));
  return {
    title: 'HEAD and LIST as the number of objects grows',
    notes: [
      'Milliseconds, through HTTP with signatures on one connection, at random keys; a page has 1,000 keys in hundreds of directories. The first pages, whose code is compiled meanwhile, are told apart: the slowest of 20.',
      'Seconds from the start of the process to its first right answer: from the local disk after a stop in order, and from a checkpoint without a disk. After kill -9, when every row is read first, until it listens: its proofs are void then, and its answers wait for the FTP server. Peak resident memory in MiB after the requests, after the start that read every row, and after that from the checkpoint. The gateway is the bundle that the image holds.',
    ],
    columns: [
      ...['objects', 'HEAD p50', 'HEAD p99', 'page p50', 'page p99', 'first pages'],
      ...['start, local', 'start, killed', 'start, checkpoint', 'RSS', 'RSS, killed', 'RSS, checkpoint'],
    ],
    rows: [...rows, ['growth, times', ...growth, ...Array.from({ length: 6 }, () => '')]],
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
