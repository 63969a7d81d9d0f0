/** Damage of every kind, planted in a tree as it lies on an FTP server, and what verify and restore make of it. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlockMaps } from '../../../gateway/backupstore/block-maps';
import { volumeSet } from '../../../gateway/backupstore/layout';
import { isFault } from '../../../gateway/backups/fault';
import { readBackup } from '../../../gateway/backups/inventory';
import { restoreBackup } from '../../../gateway/backups/restore/restore';
import { RestoreTarget } from '../../../gateway/backups/restore/target';
import type { BackupSource } from '../../../gateway/backups/source';
import { countVerdicts, isClean } from '../../../gateway/backups/verify/report';
import { openFtpSource, verifyAll } from '../../support/backup-reader';
import { BackupTree, BLOCK_SIZE } from '../../support/backup-tree';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { compressibleBlock, randomBlock } from '../../support/longhorn/block-content';
import { compress } from '../../support/longhorn/compression';

const KEY = randomBytes(32);
const VOLUME = 'pvc-1';
const OTHER = 'pvc-2';
const SIZE = 8 * BLOCK_SIZE;

const block = (seed: number): Buffer => (seed % 2 === 0 ? compressibleBlock : randomBlock)(seed, BLOCK_SIZE);
/** Two backups of one volume that share all blocks but one, with a hole at 2 and the same block twice. */
const FIRST = new Map([0, 1, 3, 4, 7].map((place) => [place, block(place === 4 ? 1 : place)]));
const SECOND = new Map([...FIRST, [3, block(33)]]);
const SHARED = block(0);
const ONLY_SECOND = block(33);

interface Expected {
  readonly first: string;
  readonly second: string;
  /** Offsets of the second backup, in blocks. */
  readonly at?: readonly number[];
  readonly reason?: RegExp;
}

interface Case extends Expected {
  readonly kind: string;
  readonly plant: (tree: BackupTree) => void | Promise<void>;
  readonly keys?: readonly Buffer[];
}

const flip = (bytes: Buffer): Buffer => {
  const at = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
  return bytes;
};
const swap = (tree: BackupTree, a: string, b: string): void => {
  renameSync(tree.file(a), `${tree.file(a)}.x`);
  renameSync(tree.file(b), tree.file(a));
  renameSync(`${tree.file(a)}.x`, tree.file(b));
};

const CASES: readonly Case[] = [
  { kind: 'nothing', plant: () => undefined, first: 'restorable', second: 'restorable' },
  {
    kind: 'a missing block',
    plant: (tree) => tree.remove(tree.blockKey(VOLUME, ONLY_SECOND)),
    first: 'restorable',
    second: 'damaged',
    at: [3],
    reason: /missing/,
  },
  {
    kind: 'a file cut short',
    plant: (tree) =>
      tree.damage(tree.blockKey(VOLUME, SHARED), (bytes) => bytes.subarray(0, bytes.length - 1000)),
    first: 'damaged',
    second: 'damaged',
    at: [0],
  },
  {
    kind: 'two files swapped',
    plant: (tree) => swap(tree, tree.blockKey(VOLUME, SHARED), tree.blockKey(VOLUME, ONLY_SECOND)),
    first: 'damaged',
    second: 'damaged',
    at: [0, 3],
  },
  {
    kind: 'a flipped bit',
    plant: (tree) => tree.damage(tree.blockKey(VOLUME, block(1)), flip),
    first: 'damaged',
    second: 'damaged',
    at: [1, 4],
  },
  {
    kind: 'an old version of a document put back',
    plant: async (tree) => {
      await tree.putDocument({ volume: VOLUME, name: 'second', blocks: new Map(), createdAt: '' });
    },
    first: 'restorable',
    second: 'unknown',
    reason: /given up/,
  },
  {
    kind: 'a missing document',
    plant: (tree) => tree.remove(tree.backupKey(VOLUME, 'second')),
    first: 'restorable',
    second: 'unknown',
    reason: /volume.cfg names it as the last backup/,
  },
  {
    kind: 'a document that names a block that never was',
    plant: (tree) =>
      tree.putDocument({
        volume: VOLUME,
        name: 'second',
        blocks: new Map([...SECOND, [5, block(55)]]),
        createdAt: '2026-11-21T10:00:00Z',
      }),
    first: 'restorable',
    second: 'damaged',
    at: [5],
    reason: /missing/,
  },
  {
    kind: 'a block of another volume',
    plant: (tree) => tree.copy(tree.blockKey(OTHER, block(99)), tree.blockKey(VOLUME, ONLY_SECOND)),
    first: 'restorable',
    second: 'damaged',
    at: [3],
  },
  {
    kind: 'a block beyond the end of the volume',
    plant: (tree) =>
      tree.putDocument({
        volume: VOLUME,
        name: 'second',
        blocks: new Map([...SECOND, [8, block(0)]]),
        createdAt: '2026-11-21T10:00:00Z',
      }),
    first: 'restorable',
    second: 'damaged',
    reason: /beyond/,
  },
  {
    kind: 'a block that was moved into the trash, and nothing put in its place',
    plant: (tree) => {
      const key = tree.blockKey(VOLUME, ONLY_SECOND);
      tree.copy(key, '../_longhaul/trash/mhx-t6_longhorn.blk');
      tree.remove(key);
    },
    first: 'restorable',
    second: 'damaged',
    at: [3],
    reason: /missing/,
  },
  {
    kind: 'a block that a server without replacing left aside',
    plant: (tree) => {
      const key = tree.blockKey(VOLUME, ONLY_SECOND);
      renameSync(tree.file(key), `${tree.file(key)}%a`);
    },
    first: 'restorable',
    second: 'restorable',
  },
  {
    kind: 'the document of another backup',
    plant: (tree) => tree.copy(tree.backupKey(VOLUME, 'first'), tree.backupKey(VOLUME, 'second')),
    first: 'restorable',
    second: 'damaged',
  },
];

const NEW_KEY = randomBytes(32);

/** Only where files are sealed: without a seal there is nothing to see. */
const SEALED_CASES: readonly Case[] = [
  {
    kind: 'a rotation of keys that stopped half-way, with both keys',
    plant: async (tree) => {
      await tree.put(tree.blockKey(VOLUME, SHARED), await compress('lz4', SHARED), NEW_KEY);
      tree.copy(tree.blockKey(VOLUME, SHARED), '../_longhaul/tmp-7/3');
    },
    keys: [NEW_KEY, KEY],
    first: 'restorable',
    second: 'restorable',
  },
  {
    kind: 'a rotation of keys that stopped half-way, with the old key alone',
    plant: async (tree) => {
      await tree.put(tree.blockKey(VOLUME, ONLY_SECOND), await compress('lz4', ONLY_SECOND), NEW_KEY);
    },
    keys: [KEY],
    first: 'restorable',
    second: 'unknown',
    at: [3],
    reason: /not in the keyring/,
  },
  {
    kind: 'the wrong key',
    plant: () => undefined,
    keys: [randomBytes(32)],
    first: 'unknown',
    second: 'unknown',
    reason: /not in the keyring/,
  },
  {
    kind: 'no key at all',
    plant: () => undefined,
    keys: [],
    first: 'unknown',
    second: 'unknown',
    reason: /no ENCRYPTION_KEY/,
  },
  {
    kind: 'a file without seal among sealed ones',
    plant: (tree) => tree.putFile(tree.blockKey(VOLUME, ONLY_SECOND), ONLY_SECOND),
    first: 'restorable',
    second: 'damaged',
    at: [3],
    reason: /does not begin like a sealed object/,
  },
];

const situations = [
  ...CASES.map((each) => ({ ...each, sealing: 'sealed', key: KEY })),
  ...CASES.map((each) => ({ ...each, sealing: 'plain', key: undefined as Buffer | undefined })),
  ...SEALED_CASES.map((each) => ({ ...each, sealing: 'sealed', key: KEY })),
];

describe.each(situations)('$kind, $sealing', ({ key, plant, keys, first, second, at = [], reason }) => {
  let tree: BackupTree;
  let ftp: EmbeddedFtpServer;
  let source: BackupSource;
  let directory: string;

  beforeAll(async () => {
    tree = new BackupTree(key);
    await tree.putVolume(VOLUME, SIZE, 'second');
    await tree.putBackup({ volume: VOLUME, name: 'first', blocks: FIRST, createdAt: '2026-11-20T10:00:00Z' });
    await tree.putBackup({
      volume: VOLUME,
      name: 'second',
      blocks: SECOND,
      createdAt: '2026-11-21T10:00:00Z',
    });
    await tree.putVolume(OTHER, SIZE, 'other');
    const others = new Map([[0, block(99)]]);
    await tree.putBackup({ volume: OTHER, name: 'other', blocks: others, createdAt: '2026-11-20T10:00:00Z' });
    await plant(tree);
    ftp = await EmbeddedFtpServer.start({ root: tree.root, listMissing: 'empty' });
    source = openFtpSource(ftp, { keys: keys ?? (key ? [key] : []) });
    directory = mkdtempSync(join(tmpdir(), 'longhaul-restore-'));
  });

  afterAll(async () => {
    await source.close();
    await ftp.stop();
    tree.delete();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is judged right', async () => {
    const report = await verifyAll(source);
    const backups = report.sets.find(({ volume }) => volume === VOLUME)?.backups ?? [];
    const verdicts = Object.fromEntries(backups.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toEqual({ first, second });
    const judged = backups.find(({ name }) => name === 'second');
    expect(judged?.faultyOffsets.map((offset) => offset / BLOCK_SIZE)).toEqual(at);
    if (reason) expect(judged?.reason).toMatch(reason);
    const isWell = [first, second].every((verdict) => verdict === 'restorable');
    const isStub = judged?.inProgress === true;
    expect(isClean(report)).toBe(isWell || isStub);
    expect(countVerdicts(report).restorable).toBeGreaterThanOrEqual(isWell ? 2 : 0);
  });

  it('never restores a wrong byte without saying so', async () => {
    const set = volumeSet('', VOLUME);
    const meter = { onBytes: () => undefined };
    for (const [name, blocks] of [['first', FIRST] as const, ['second', SECOND] as const]) {
      const path = join(directory, `${name}.img`);
      const maps = new BlockMaps();
      const backup = await readBackup(source, set, name, { meter, maps, volumeBytes: SIZE });
      if (isFault(backup) || !backup.map) continue;
      const target = await RestoreTarget.open(path, { sizeBytes: SIZE, overwrite: false });
      const { faults } = await restoreBackup({
        source,
        set,
        map: backup.map,
        names: maps.names,
        compressionMethod: backup.config.compressionMethod,
        target,
        concurrency: 3,
        meter,
        onBlock: () => undefined,
      });
      await (faults.length === 0 ? target.commit() : target.abandon());
      expect(existsSync(path)).toBe(faults.length === 0);
      const restored = readFileSync(target.workPath === path || faults.length > 0 ? target.workPath : path);
      const told = new Set(faults.map(({ offset }) => offset / BLOCK_SIZE));
      for (let place = 0; place < SIZE / BLOCK_SIZE; place++) {
        const zeros = Buffer.alloc(BLOCK_SIZE);
        const expected = told.has(place) ? zeros : (blocks.get(place) ?? zeros);
        expect(restored.subarray(place * BLOCK_SIZE, (place + 1) * BLOCK_SIZE).equals(expected)).toBe(true);
      }
      if (name === 'second') expect([...told]).toEqual(at);
    }
  });
});
