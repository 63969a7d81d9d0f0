/** A volume's life as the demo plays it: full backup, changes, incremental backup, restore, delete. */
import { openSync, readdirSync, readSync, closeSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createBackup } from '../support/longhorn/backup';
import { deleteBackup } from '../support/longhorn/delete';
import type { Backupstore } from '../support/longhorn/driver';
import { restoreBackup } from '../support/longhorn/restore';
import { S3Driver } from '../support/longhorn/s3-driver';
import { changeSample, sampleVolume } from '../support/longhorn/sample-volume';
import { DEFAULT_BLOCK_SIZE, type Snapshot, type Volume } from '../support/longhorn/volume';
import type { S3Target } from '../support/s3';
import type { Terminal } from './terminal';

const HEXDUMP_BYTES = 64;

export interface LifeStep {
  readonly name: string;
  readonly blocks: number;
  /** Bytes of the volume that the step handled. */
  readonly bytes: number;
  /** Bytes of blocks and documents on the FTP server after it. */
  readonly storedBytes: number;
  readonly milliseconds: number;
}

export interface LifeReport {
  readonly steps: readonly LifeStep[];
  readonly storedFile: { readonly path: string; readonly size: number; readonly start: Buffer };
  readonly identical: boolean;
  readonly volume: Volume;
  /** What the volume held when it was backed up last. */
  readonly last: Snapshot;
}

export async function playLife(target: S3Target, ftpRoot: string, terminal: Terminal): Promise<LifeReport> {
  const driver = new S3Driver(target);
  // Nobody else wants the lock here, so nobody is waited for.
  const store: Backupstore = { driver, now: Date.now, sleep: () => Promise.resolve(), threads: 2 };
  const steps: LifeStep[] = [];

  /** Runs one step and notes what it did; `work` returns how many blocks it handled. */
  const step = async (
    name: string,
    work: (onProgress: (done: number, total: number) => void) => Promise<number>,
  ): Promise<void> => {
    const start = performance.now();
    const blocks = await work((done, total) => terminal.progress(name, done, total));
    const milliseconds = performance.now() - start;
    const storedBytes = storedFiles(ftpRoot).reduce((sum, file) => sum + file.size, 0);
    steps.push({ name, blocks, bytes: blocks * DEFAULT_BLOCK_SIZE, storedBytes, milliseconds });
  };

  const volume = sampleVolume('pvc-demo');
  const first = volume.snapshot('snapshot-1', Date.now() - 1000);
  await step('full backup', async (onProgress) => {
    await createBackup(store, { volume, snapshot: first, backupName: 'backup-1', onProgress });
    return first.blocks.size;
  });

  changeSample(volume);
  const second = volume.snapshot('snapshot-2', Date.now());
  await step('incremental backup', async (onProgress) => {
    let changed = 0;
    await createBackup(store, {
      volume,
      snapshot: second,
      backupName: 'backup-2',
      onProgress: (done, total) => {
        changed = total;
        onProgress(done, total);
      },
    });
    return changed;
  });

  let identical = false;
  await step('restore', async (onProgress) => {
    const restored = await restoreBackup(store, {
      volumeName: volume.name,
      backupName: 'backup-2',
      onProgress,
    });
    identical = restored.equals(second);
    return second.blocks.size;
  });

  await step('delete with GC', async (onProgress) => {
    const { deletedBlocks } = await deleteBackup(store, volume.name, 'backup-1');
    onProgress(deletedBlocks, deletedBlocks);
    return deletedBlocks;
  });
  const again = await restoreBackup(store, { volumeName: volume.name, backupName: 'backup-2' });
  driver.close();
  return {
    steps,
    storedFile: oneBlockFile(ftpRoot),
    identical: identical && again.equals(second),
    volume,
    last: second,
  };
}

interface StoredFile {
  readonly path: string;
  readonly size: number;
}

/** The files of objects, without those that the gateway keeps for itself. */
function storedFiles(ftpRoot: string): StoredFile[] {
  return readdirSync(ftpRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(ftpRoot, path).startsWith('_longhaul'))
    .map((path) => ({ path, size: statSync(path).size }));
}

function oneBlockFile(ftpRoot: string): LifeReport['storedFile'] {
  const file = storedFiles(ftpRoot).find(({ path }) => path.includes('/blocks/'));
  if (!file) throw new Error('no block is on the FTP server');
  const start = Buffer.alloc(HEXDUMP_BYTES);
  const descriptor = openSync(file.path, 'r');
  readSync(descriptor, start);
  closeSync(descriptor);
  return { path: relative(ftpRoot, file.path), size: file.size, start };
}
