/**
 * Restores a backup: one whole GET for each block, decompressed and checked against its name.
 * Source: github.com/longhorn/backupstore, `deltablock.go` and `util.go`.
 */
import type { OnProgress } from './backup';
import { type CompressionMethod, decompress } from './compression';
import { type BackupConfig, type BlockMapping, decodeBackupConfig, decodeVolumeConfig } from './config';
import { type Backupstore, inThreads, load, probe } from './driver';
import { checksumOf, layout } from './layout';
import { LockType, withLock } from './lock';
import { DEFAULT_BLOCK_SIZE, Volume } from './volume';

/** Waits between the tries of one block, as since Longhorn 1.11. */
const RETRY_BACKOFF_MS = [1_000, 5_000, 30_000, 60_000, 120_000, 300_000];

export interface RestoreRequest {
  readonly volumeName: string;
  readonly backupName: string;
  readonly onProgress?: OnProgress;
}

/** A block that arrived whole but is not the one that was asked for; it is never tried again. */
export class ChecksumMismatch extends Error {
  override readonly name = 'ChecksumMismatch';
}

/** The volume as the backup has it. */
export async function restoreBackup(store: Backupstore, request: RestoreRequest): Promise<Volume> {
  const { volumeName, backupName, onProgress } = request;
  await probe(store.driver);
  return withLock(store, volumeName, LockType.backupOrRestore, async (lock) => {
    const { sizeBytes } = await load(store.driver, layout.volumeConfig(volumeName), decodeVolumeConfig);
    const backup = await loadBackup(store, volumeName, backupName);
    const restored = new Volume(volumeName, sizeBytes, blockSizeOf(backup));
    await lock.refresh();
    await restoreBlocks(store, restored, backup.compressionMethod, backup.blocks, onProgress);
    return restored;
  });
}

/** Brings `volume`, which holds what `lastBackupName` has, to `backupName`: as a standby volume does. */
export async function restoreIncrementally(
  store: Backupstore,
  volume: Volume,
  request: RestoreRequest & { readonly lastBackupName: string },
): Promise<void> {
  const { volumeName, backupName, lastBackupName, onProgress } = request;
  await probe(store.driver);
  await withLock(store, volumeName, LockType.backupOrRestore, async (lock) => {
    await load(store.driver, layout.volumeConfig(volumeName), decodeVolumeConfig);
    const last = await loadBackup(store, volumeName, lastBackupName);
    const backup = await loadBackup(store, volumeName, backupName);
    await lock.refresh();
    const had = new Map(last.blocks.map((block) => [block.offset, block.checksum]));
    const has = new Set(backup.blocks.map((block) => block.offset));
    const differing = backup.blocks.filter(({ offset, checksum }) => had.get(offset) !== checksum);
    for (const { offset } of last.blocks) {
      if (!has.has(offset)) volume.write(offset, Buffer.alloc(volume.blockSize));
    }
    await restoreBlocks(store, volume, backup.compressionMethod, differing, onProgress);
  });
}

function loadBackup(store: Backupstore, volume: string, backup: string): Promise<BackupConfig> {
  return load(store.driver, layout.backupConfig(volume, backup), decodeBackupConfig);
}

function blockSizeOf(backup: BackupConfig): number {
  return Number(backup.parameters['backup-block-size'] ?? DEFAULT_BLOCK_SIZE);
}

async function restoreBlocks(
  store: Backupstore,
  volume: Volume,
  method: CompressionMethod,
  blocks: readonly BlockMapping[],
  onProgress?: OnProgress,
): Promise<void> {
  let done = 0;
  await inThreads(store.threads, blocks, async ({ offset, checksum }) => {
    volume.write(offset, await readBlock(store, volume.name, method, checksum));
    done += 1;
    onProgress?.(done, blocks.length);
  });
}

async function readBlock(
  store: Backupstore,
  volume: string,
  method: CompressionMethod,
  checksum: string,
): Promise<Buffer> {
  for (const waitMs of [...RETRY_BACKOFF_MS, undefined]) {
    try {
      const block = await decompress(method, await store.driver.read(layout.block(volume, checksum)));
      if (checksumOf(block) !== checksum) throw new ChecksumMismatch(`block ${checksum} has other bytes`);
      return block;
    } catch (error) {
      if (error instanceof ChecksumMismatch || waitMs === undefined) throw error;
      await store.sleep(waitMs);
    }
  }
  throw new Error('unreachable: the last try returns or throws');
}
