/** How a verification goes on after a stop, what it reads of a share, and how it keeps within its limit. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RateLimit } from '../../../gateway/backups/rate-limit';
import type { BackupSource, FoundObject } from '../../../gateway/backups/source';
import { openFtpSource, verifyAll } from '../../support/backup-reader';
import { BackupTree, BLOCK_SIZE } from '../../support/backup-tree';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { randomBlock } from '../../support/longhorn/block-content';

const KEY = randomBytes(32);
const BLOCKS = new Map(Array.from({ length: 40 }, (_, place) => [place, randomBlock(place + 1, BLOCK_SIZE)]));
const DAY_MS = 86_400_000;

class Stopped extends Error {}

/** Counts the objects that are really read. */
function counting(source: BackupSource): BackupSource & { readonly read: Set<string> } {
  const read = new Set<string>();
  return {
    read,
    description: source.description,
    list: (prefix) => source.list(prefix),
    async find(key): Promise<FoundObject | undefined> {
      const found = await source.find(key);
      if (!found) return undefined;
      return {
        storedSize: found.storedSize,
        read: () => {
          if (key.endsWith('.blk')) read.add(key);
          return found.read();
        },
      };
    },
    close: () => source.close(),
  };
}

describe('a verification', () => {
  let tree: BackupTree;
  let ftp: EmbeddedFtpServer;
  let source: ReturnType<typeof counting>;
  let directory: string;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'longhaul-verify-'));
    tree = new BackupTree(KEY);
    await tree.putVolume('pvc-1', 40 * BLOCK_SIZE, 'backup-1');
    await tree.putBackup({
      volume: 'pvc-1',
      name: 'backup-1',
      blocks: BLOCKS,
      createdAt: '2026-11-20T10:00:00Z',
    });
    ftp = await EmbeddedFtpServer.start({ root: tree.root });
    source = counting(openFtpSource(ftp, { keys: [KEY] }));
  });

  afterEach(async () => {
    await source.close();
    await ftp.stop();
    tree.delete();
    rmSync(directory, { recursive: true, force: true });
  });

  /** A clock that makes every block worth a note in the state file. */
  const slowClock = () => {
    let time = Date.parse('2026-11-25T10:00:00Z');
    return () => (time += 10_000);
  };

  const stopAfter = (stateFile: string, blocks: number) =>
    verifyAll(source, {
      stateFile,
      now: slowClock(),
      concurrency: 2,
      onProgress: ({ doneBlocks }) => {
        if (doneBlocks === blocks) throw new Stopped();
      },
    });

  it('goes on where it was stopped, and remembers what it had found', async () => {
    const stateFile = join(directory, 'state.json');
    // The block whose name comes first is read before the stop.
    const names = [...BLOCKS.values()].map((block) => tree.blockKey('pvc-1', block)).sort();
    tree.damage(names[0] ?? '', (bytes) => bytes.subarray(1));
    await expect(stopAfter(stateFile, 30)).rejects.toThrow(Stopped);
    const before = source.read.size;
    source.read.clear();
    const report = await verifyAll(source, { stateFile, now: slowClock() });
    expect(before).toBeGreaterThanOrEqual(30);
    // What was on its way, and another look at what was wrong.
    expect(source.read.size).toBeLessThanOrEqual(40 - 30 + 4);
    expect(report).toMatchObject({ checkedBlocks: 40, blocks: 40 });
    expect(report.sets[0]?.backups[0]).toMatchObject({
      verdict: 'damaged',
      checkedBlocks: 40,
      faultyBlocks: 1,
    });
  });

  it('starts over when the backups are other ones than before', async () => {
    const stateFile = join(directory, 'state.json');
    await expect(stopAfter(stateFile, 30)).rejects.toThrow(Stopped);
    const more = new Map([[0, randomBlock(99, BLOCK_SIZE)]]);
    await tree.putBackup({ volume: 'pvc-1', name: 'new', blocks: more, createdAt: '2026-11-21T10:00:00Z' });
    source.read.clear();
    await verifyAll(source, { stateFile });
    expect(source.read.size).toBe(41);
  });

  it('refuses a state file that is none', async () => {
    const stateFile = join(directory, 'state.json');
    writeFileSync(stateFile, '{"version":9}');
    await expect(verifyAll(source, { stateFile })).rejects.toMatchObject({ name: 'ProgressFileError' });
  });

  it('reads every block once within a rotation, and looks for the others', async () => {
    const read: string[] = [];
    for (let day = 0; day < 5; day++) {
      source.read.clear();
      const report = await verifyAll(source, {
        share: { part: 1, of: 5 },
        now: () => (20_000 + day) * DAY_MS,
      });
      expect(report.checkedBlocks).toBe(source.read.size);
      expect(report.sets[0]?.backups[0]).toMatchObject({ verdict: 'restorable', blocks: 40 });
      read.push(...source.read);
    }
    expect(read).toHaveLength(40);
    expect(new Set(read).size).toBe(40);
  });

  it('finds a block missing that is not in its share', async () => {
    const share = { part: 1, of: 1000 };
    tree.remove(tree.blockKey('pvc-1', BLOCKS.get(7) ?? Buffer.alloc(0)));
    const report = await verifyAll(source, { share });
    expect(report.sets[0]?.backups[0]).toMatchObject({ verdict: 'damaged', faultyOffsets: [7 * BLOCK_SIZE] });
  });

  it('reads no block at level 1, and sees one that is empty', async () => {
    tree.putFile(tree.blockKey('pvc-1', BLOCKS.get(7) ?? Buffer.alloc(0)), Buffer.alloc(0));
    const report = await verifyAll(source, { level: 1 });
    expect(source.read.size).toBe(0);
    expect(report.sets[0]?.backups[0]).toMatchObject({ verdict: 'damaged', faultyBlocks: 1 });
  });

  it('opens every segment at level 2', async () => {
    tree.damage(tree.blockKey('pvc-1', BLOCKS.get(7) ?? Buffer.alloc(0)), (bytes) => {
      bytes.writeUInt8(bytes.readUInt8(9000) ^ 1, 9000);
      return bytes;
    });
    const report = await verifyAll(source, { level: 2 });
    expect(report.sets[0]?.backups[0]).toMatchObject({ verdict: 'damaged', faultyOffsets: [7 * BLOCK_SIZE] });
  });
});

describe('a rate limit', () => {
  it('lets through what it was told, over all its readers', async () => {
    let time = 0;
    const wait = (ms: number): Promise<void> => {
      time = Math.max(time, ms + time);
      return Promise.resolve();
    };
    const limit = new RateLimit(1000, () => time, wait);
    for (let i = 0; i < 10; i++) await limit.take(500);
    expect(time).toBeGreaterThanOrEqual(4500);
    expect(time).toBeLessThanOrEqual(5000);
  });
});
