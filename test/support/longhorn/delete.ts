/**
 * Deletes backups with garbage collection of blocks, and whole volumes.
 * Source: github.com/longhorn/backupstore, `deltablock.go` and `backupstore.go`.
 */
import {
  type BackupConfig,
  decodeBackupConfig,
  decodeVolumeConfig,
  encodeVolumeConfig,
  isInProgress,
} from './config';
import { type Backupstore, load, probe } from './driver';
import { extractNames, isValidName, layout } from './layout';
import { backupNames, volumeNames } from './list';
import { LockType, withLock } from './lock';

/** What garbage collection did. */
export interface DeleteResult {
  readonly deletedBlocks: number;
  /** Why blocks were left alone, if they were. */
  readonly skipped?: string;
}

export async function deleteBackup(
  store: Backupstore,
  volume: string,
  backup: string,
): Promise<DeleteResult> {
  await probe(store.driver);
  return withLock(store, volume, LockType.deletion, async () => {
    const path = layout.backupConfig(volume, backup);
    await load(store.driver, path, decodeBackupConfig).catch(() => undefined);
    await store.driver.remove(path);
    return collectGarbage(store, volume, backup);
  });
}

async function collectGarbage(store: Backupstore, volume: string, deleted: string): Promise<DeleteResult> {
  const { driver } = store;
  const config = await load(driver, layout.volumeConfig(volume), decodeVolumeConfig);
  const names = await backupNames(store, volume);
  const stored = await blockNames(store, volume);

  const remaining = await readBackups(store, volume, names);
  if (config.lastBackupName === deleted) {
    const last = typeof remaining === 'string' ? undefined : latestOf(remaining);
    const updated = {
      ...config,
      lastBackupName: last?.name ?? '',
      lastBackupAt: last?.snapshotCreatedAt ?? '',
    };
    await driver.write(layout.volumeConfig(volume), encodeVolumeConfig(updated));
  }
  const now = await backupNames(store, volume);
  if (typeof remaining === 'string') return { deletedBlocks: 0, skipped: remaining };
  if (!sameNames(names, now)) return { deletedBlocks: 0, skipped: 'found new backups' };
  return removeUnreferenced(store, volume, stored, remaining);
}

/** All remaining backups, or why their blocks must be left alone. */
async function readBackups(
  store: Backupstore,
  volume: string,
  names: readonly string[],
): Promise<BackupConfig[] | string> {
  const backups: BackupConfig[] = [];
  for (const name of names) {
    const path = layout.backupConfig(volume, name);
    const backup = await load(store.driver, path, decodeBackupConfig).catch(() => undefined);
    if (!backup) return `cannot load backup ${name}`;
    if (isInProgress(backup)) return `backup ${name} is in progress`;
    backups.push(backup);
  }
  return backups;
}

function latestOf(backups: readonly BackupConfig[]): BackupConfig | undefined {
  return backups.reduce<BackupConfig | undefined>(
    (latest, backup) =>
      latest && Date.parse(latest.snapshotCreatedAt) >= Date.parse(backup.snapshotCreatedAt)
        ? latest
        : backup,
    undefined,
  );
}

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name) => b.includes(name));

/** One listing for each directory of blocks, one after the other. */
async function blockNames(store: Backupstore, volume: string): Promise<string[]> {
  const { driver } = store;
  const base = layout.blocks(volume);
  const firstLayer = await driver.list(base).catch(() => []);
  const entries: string[] = [];
  for (const first of firstLayer) {
    for (const second of await driver.list(`${base}${first}`)) {
      entries.push(...(await driver.list(`${base}${first}/${second}`)));
    }
  }
  return extractNames(entries, '', '.blk');
}

async function removeUnreferenced(
  store: Backupstore,
  volume: string,
  stored: readonly string[],
  backups: readonly BackupConfig[],
): Promise<DeleteResult> {
  const referenced = new Set(backups.flatMap(({ blocks }) => blocks.map(({ checksum }) => checksum)));
  const unreferenced = stored.filter((checksum) => !referenced.has(checksum));
  const failed: string[] = [];
  for (const checksum of unreferenced) {
    await store.driver.remove(layout.block(volume, checksum)).catch(() => failed.push(checksum));
  }
  if (failed.length > 0) throw new Error(`failed to delete backup blocks: ${failed.join(' ')}`);
  const path = layout.volumeConfig(volume);
  const config = await load(store.driver, path, decodeVolumeConfig);
  const blockCount = stored.length - unreferenced.length;
  await store.driver.write(path, encodeVolumeConfig({ ...config, blockCount }));
  return { deletedBlocks: unreferenced.length };
}

/** Removes all that the volume has in the backupstore. */
export async function deleteBackupVolume(store: Backupstore, volume: string): Promise<void> {
  if (!isValidName(volume)) throw new Error(`invalid volume name ${volume}`);
  await probe(store.driver);
  if (!(await volumeNames(store)).includes(volume)) return;
  const { driver } = store;
  await withLock(store, volume, LockType.deletion, async () => {
    await driver.remove(layout.backups(volume));
    await driver.remove(layout.blocks(volume));
    await driver.remove(layout.locks(volume));
    await driver.remove(layout.volume(volume));
  });
}
