/** Backup and restore in Longhorn's shape, as a share of what bare basic-ftp reaches with the same bytes. */
import { availableServers } from '../support/ftp-servers';
import { median, type Bench, type BenchOptions, type BenchTable, type Cell } from './bench';
import { blocks } from './longhorn-load';
import { secondsOf, Stage, type Line } from './stage';

const MIB = 1_048_576;
/** Longhorn's default, and so many connections the floor has at work. */
const THREADS = 2;
/** Milliseconds of round trip from which on two rounds have to do: a round takes minutes. */
const FAR_MS = 50;

const LINES: readonly (Line & { readonly quick: boolean })[] = [
  { name: '0 ms', roundTripMs: 0, quick: false },
  { name: '1 ms, 1 Gbit/s', roundTripMs: 1, megabits: 1000, quick: true },
  { name: '20 ms, 100 Mbit/s', roundTripMs: 20, megabits: 100, quick: false },
  { name: '20 ms', roundTripMs: 20, quick: true },
  { name: '50 ms', roundTripMs: 50, quick: false },
];

export const bench: Bench = {
  name: 'backup',
  async run(options) {
    const rows: Cell[][] = [];
    for (const tls of [false, true]) {
      for (const kind of availableServers()) {
        for (const line of LINES) {
          const name = `${kind}, ${tls ? 'TLS' : 'plain'}, ${line.name}`;
          if ((options.quick && !line.quick) || !name.includes(options.only ?? '')) continue;
          options.progress(name);
          const stage = await Stage.set({ kind, tls, line });
          try {
            const cells = await measure(stage, line, options);
            options.progress(`${name}: ${figures(cells)}`);
            rows.push([`${kind}${tls ? ', TLS' : ''}`, line.name, ...cells]);
          } finally {
            await stage.clear();
          }
        }
      }
    }
    return [tableOf(rows, options)];
  },
};

/** For whoever waits for the whole table, or breaks off before it is there. */
function figures(cells: readonly Cell[]): string {
  return cells.map((cell) => Number(cell).toFixed(2)).join(' ');
}

interface Round {
  readonly floor: number;
  readonly gateway: number;
}

/** Floor and gateway take turns, so that what else the machine does falls on both. */
async function measure(stage: Stage, { roundTripMs }: Line, { quick }: BenchOptions): Promise<Cell[]> {
  const [rounds, files, warmUp] = quick ? [3, 20, 20] : [roundTripMs < FAR_MS ? 4 : 2, 100, 200];
  const shape = { connections: THREADS, files, size: MIB };
  // A gateway runs for months; what its first seconds take to be compiled is not what is measured.
  const warm = blocks(warmUp, MIB, 'warm');
  await stage.load.backUp(warm, THREADS);
  await stage.load.restore(warm, THREADS);
  const up: Round[] = [];
  const down: Round[] = [];
  let cpuSeconds = 0;
  for (let round = 0; round < rounds; round += 1) {
    const work = blocks(files, MIB, `volume-${round}`);
    const bareUp = await stage.bare({ ...shape, direction: 'up' });
    const cpuBefore = stage.gateway.cpuSeconds();
    up.push({ floor: bareUp.seconds, gateway: await secondsOf(() => stage.load.backUp(work, THREADS)) });
    cpuSeconds += stage.gateway.cpuSeconds() - cpuBefore;
    const bareDown = await stage.bare({ ...shape, direction: 'down' });
    down.push({ floor: bareDown.seconds, gateway: await secondsOf(() => stage.load.restore(work, THREADS)) });
  }
  const rate = (seconds: number[]) => files / median(seconds);
  const share = (each: Round[]) => median(each.map(({ floor, gateway }) => floor / gateway));
  return [
    ...[rate(up.map(({ floor }) => floor)), rate(up.map(({ gateway }) => gateway)), share(up)],
    ...[rate(down.map(({ floor }) => floor)), rate(down.map(({ gateway }) => gateway)), share(down)],
    (cpuSeconds / (rounds * files)) * 1024,
  ];
}

function tableOf(rows: Cell[][], { quick }: BenchOptions): BenchTable {
  return {
    title: 'Backup and restore of 1 MiB blocks, 2 threads',
    notes: [
      `MiB/s; medians of ${quick ? '3 rounds of 20' : '4 rounds of 100'} blocks${quick ? '' : ' (2 at 50 ms)'}, floor and gateway by turns. The floor is bare basic-ftp on 2 connections, which stores the bytes and nothing more;`,
      'the gateway does HEAD, PUT, sealing, size check, rename, new directories and catalog, on at most 4 connections. CPU: seconds of the gateway for each GiB backed up.',
    ],
    columns: [
      ...['server', 'line', 'floor up', 'gateway up', 'share up'],
      ...['floor down', 'gateway down', 'share down', 'CPU s/GiB'],
    ],
    rows,
  };
}
