/** Offline restore and verification at level 3, as a share of what bare basic-ftp reaches with the same bytes over the same line. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { availableServers } from '../support/ftp-servers';
import { createBackup } from '../support/longhorn/backup';
import { randomBlock } from '../support/longhorn/block-content';
import { S3Driver } from '../support/longhorn/s3-driver';
import { DEFAULT_BLOCK_SIZE, Volume } from '../support/longhorn/volume';
import { median, type Bench, type BenchOptions, type BenchTable, type Cell } from './bench';
import { longhaulCommand } from './program';
import { secondsOf, Stage } from './stage';

const MIB = 1_048_576;
const LINE = { name: '5 ms, 1 Gbit/s', roundTripMs: 5, megabits: 1000 };
/** FTP_CONNECTIONS by default, and so many connections the floor has. */
const CONNECTIONS = 4;
const VOLUME = 'pvc-bench';
/** What a command does once, such as logging in and listing, takes as long for a large volume. */
const FILES = 250;

export const bench: Bench = {
  name: 'restore',
  async run(options) {
    const rows: Cell[][] = [];
    for (const kind of availableServers()) {
      if (!kind.includes(options.only ?? '') || (options.quick && rows.length > 0)) continue;
      options.progress(kind);
      const stage = await Stage.set({ kind, tls: false, line: LINE });
      try {
        rows.push([kind, ...(await measure(stage, options))]);
      } finally {
        await stage.clear();
      }
    }
    return [tableOf(rows, options)];
  },
};

/** Floor, verification and restore take turns, so that what else the machine does falls on all. */
async function measure(stage: Stage, { quick }: BenchOptions): Promise<Cell[]> {
  const rounds = quick ? 2 : 4;
  await backUp(stage, FILES);
  const shape = { connections: CONNECTIONS, files: FILES, size: DEFAULT_BLOCK_SIZE };
  await stage.bare({ ...shape, direction: 'up' });
  const floors: number[] = [];
  const verified: number[] = [];
  const restored: number[] = [];
  let peakMib = 0;
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-bench-'));
  try {
    for (let round = 0; round < rounds; round += 1) {
      const image = join(directory, `${round}.img`);
      floors.push((await stage.bare({ ...shape, direction: 'down' })).seconds);
      for (const [seconds, args] of [
        [verified, ['verify']],
        [restored, ['restore', VOLUME, '--to', image]],
      ] as const) {
        const idle = await secondsOf(async () => void (await longhaul(stage, ['--version'])));
        const peak = { mib: 0 };
        const all = await secondsOf(async () => void (peak.mib = await longhaul(stage, args)));
        seconds.push(all - idle);
        peakMib = Math.max(peakMib, peak.mib);
      }
      rmSync(image);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  const rate = (seconds: number[]): number => (FILES * DEFAULT_BLOCK_SIZE) / MIB / median(seconds);
  const floor = rate(floors);
  return [floor, rate(verified), rate(verified) / floor, rate(restored), rate(restored) / floor, peakMib];
}

/** A volume of blocks that no compression makes smaller, as the floor's files are. */
async function backUp({ gateway }: Stage, blocks: number): Promise<void> {
  const driver = new S3Driver(gateway);
  const volume = new Volume(VOLUME, blocks * DEFAULT_BLOCK_SIZE);
  for (let index = 0; index < blocks; index++)
    volume.write(index * DEFAULT_BLOCK_SIZE, randomBlock(index + 1, DEFAULT_BLOCK_SIZE));
  const snapshot = volume.snapshot('snapshot-1', Date.now());
  const store = { driver, now: Date.now, sleep: () => Promise.resolve(), threads: 4 };
  await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
  driver.close();
}

/** Runs a command as a process of its own. Returns the most memory that it had resident, in MiB. */
async function longhaul(stage: Stage, args: readonly string[]): Promise<number> {
  const report = join(tmpdir(), `longhaul-bench-rss-${process.pid}`);
  const [node, ...command] = longhaulCommand('support/slow-connect', 'bench/peak-memory');
  await promisify(execFile)(node, [...command, ...args], {
    env: { ...process.env, ...stage.readerEnvironment, LONGHAUL_PEAK_MEMORY: report },
  });
  return Number(readFileSync(report, 'utf8'));
}

function tableOf(rows: Cell[][], { quick }: BenchOptions): BenchTable {
  return {
    title: `Restore without a gateway, and verification at level 3, ${LINE.name}`,
    notes: [
      `MiB/s; medians of ${quick ? 2 : 4} rounds of ${FILES} random blocks of 2 MiB, by turns. The floor is bare basic-ftp on ${CONNECTIONS} connections, which drops what it reads; the commands`,
      `have as many, and open, decompress and hash each block, and restore writes it to disk. The time that the program takes to start is taken off. Memory is the most of both commands, in MiB.`,
    ],
    columns: ['server', 'floor', 'verify', 'share', 'restore', 'share', 'memory'],
    rows,
  };
}
