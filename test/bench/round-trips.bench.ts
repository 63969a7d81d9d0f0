/** FTP commands and round trips of each S3 operation. */
import { setTimeout as sleep } from 'node:timers/promises';
import { availableServers } from '../support/ftp-servers';
import { median, type Bench, type Cell } from './bench';
import { blocks, type LonghornLoad, type Block } from './longhorn-load';
import { secondsOf, Stage } from './stage';

/** Long enough that a request's time tells its round trips, whatever the processor does meanwhile. */
const ROUND_TRIP_MS = 200;
/** Between two requests, for what is prepared ahead. */
const PAUSE_MS = 6 * ROUND_TRIP_MS;
const SIZE = 65_536;

export const bench: Bench = {
  name: 'round-trips',
  async run({ quick, only, progress }) {
    const rows: Cell[][] = [];
    for (const kind of availableServers()) {
      for (const tls of [false, true]) {
        const name = `${kind}, ${tls ? 'TLS' : 'plain'}`;
        if ((quick && tls) || !name.includes(only ?? '')) continue;
        progress(name);
        const line = { name: `${ROUND_TRIP_MS} ms`, roundTripMs: ROUND_TRIP_MS };
        const stage = await Stage.set({ kind, tls, line });
        try {
          rows.push(...(await measure(stage, quick ? 5 : 15, `${kind}${tls ? ', TLS' : ''}`, tls)));
        } finally {
          await stage.clear();
        }
      }
    }
    return [
      {
        title: 'Round trips of each operation',
        notes: [
          `The time of a request in round trips of ${ROUND_TRIP_MS} ms, on an idle line, median; and the FTP commands on the way for each, preparing the next included. Commands cannot be seen where TLS hides them.`,
        ],
        columns: ['server', 'operation', 'round trips', 'commands', 'which'],
        rows,
      },
    ];
  },
};

async function measure(stage: Stage, count: number, server: string, tls: boolean): Promise<Cell[][]> {
  const { load } = stage;
  const [first, ...inOneDirectory] = blocks(count + 1, SIZE, 'known').map((block, index) => ({
    ...block,
    key: `backupstore/volumes/ab/cd/known/backups/${index}.cfg`,
  }));
  await load.put(first!);
  const operations: [name: string, act: (load: LonghornLoad, block: Block) => Promise<unknown>, Block[]][] = [
    ['PUT, known directory', (to, block) => to.put(block), inOneDirectory],
    ['PUT, new directories', (to, block) => to.put(block), blocks(count, SIZE, 'new')],
    ['GET', (to, { key }) => to.get(key), inOneDirectory],
    ['HEAD', (to, { key }) => to.head(key), inOneDirectory],
    ['LIST', (to) => to.list('backupstore/volumes/ab/cd/known/backups/'), inOneDirectory],
    ['DELETE', (to, { key }) => to.remove(key), inOneDirectory],
  ];
  const rows: Cell[][] = [];
  for (const [name, act, work] of operations) {
    const before = (await stage.line.counts()).commands;
    const seconds: number[] = [];
    for (const block of work) {
      await sleep(PAUSE_MS);
      seconds.push(await secondsOf(async () => void (await act(load, block))));
    }
    await sleep(PAUSE_MS);
    const after = (await stage.line.counts()).commands;
    const perOperation = [...after]
      .map(([verb, total]) => [verb, (total - (before.get(verb) ?? 0)) / work.length] as const)
      .filter(([, times]) => times >= 0.2);
    const commands = perOperation.reduce((sum, [, times]) => sum + times, 0);
    const which = perOperation.map(([verb, times]) => `${verb} ${times.toFixed(1)}`).join(', ');
    const roundTrips = Math.round((median(seconds) / ROUND_TRIP_MS) * 1000);
    rows.push([server, name, roundTrips, tls ? '?' : commands, tls ? '?' : which]);
  }
  return rows;
}
