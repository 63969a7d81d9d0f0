/**
 * Creates a backup: only changed blocks are looked at, and only absent ones are uploaded, unless the mode is full.
 * Source: github.com/longhorn/backupstore, `deltablock.go`.
 */
import { compress, type CompressionMethod } from './compression';
import {
  type BackupConfig,
  type BlockMapping,
  decodeBackupConfig,
  decodeVolumeConfig,
  encodeBackupConfig,
  encodeVolumeConfig,
  type VolumeConfig,
} from './config';
import { type Backupstore, exists, inThreads, load, probe, timeText } from './driver';
import { checksumOf, isValidName, layout } from './layout';
import { LockType, withLock } from './lock';
import { changedBlocks, type Snapshot, type Volume } from './volume';

/** Blocks of the volume done so far, out of all that the operation has to handle. */
export type OnProgress = (doneBlocks: number, totalBlocks: number) => void;

export interface BackupRequest {
  readonly volume: Volume;
  readonly snapshot: Snapshot;
  readonly backupName: string;
  /** `full` uploads every block again over the stored one. @default 'incremental' */
  readonly mode?: 'incremental' | 'full';
  /** Counts for the first backup of a volume; later ones follow `volume.cfg`. @default 'lz4' */
  readonly compressionMethod?: CompressionMethod;
  readonly onProgress?: OnProgress;
}

/** Uploads made so far, shared by the threads. */
interface Uploads {
  readonly mappings: BlockMapping[];
  /** Offsets of equal blocks, while the first of them is on its way. */
  readonly inFlight: Map<string, number[]>;
  newBlocks: number;
  newBytes: number;
  repeatedBytes: number;
}

export async function createBackup(store: Backupstore, request: BackupRequest): Promise<BackupConfig> {
  await probe(store.driver);
  return withLock(store, request.volume.name, LockType.backupOrRestore, async (lock) => {
    const volumeConfig = await addVolume(store, request);
    const last = await lastBackup(store, request, volumeConfig);
    await lock.refresh();
    return performBackup(store, request, volumeConfig.compressionMethod, last);
  });
}

/** Writes `volume.cfg` if its HEAD fails, then reads it. */
async function addVolume(store: Backupstore, request: BackupRequest): Promise<VolumeConfig> {
  const { name, sizeBytes } = request.volume;
  const path = layout.volumeConfig(name);
  if (!(await exists(store.driver, path))) {
    if (!isValidName(name)) throw new Error(`invalid volume name ${name}`);
    const fresh: VolumeConfig = {
      name,
      sizeBytes,
      labels: {},
      createdTime: timeText(store.now()),
      lastBackupName: '',
      lastBackupAt: '',
      blockCount: 0,
      compressionMethod: request.compressionMethod ?? 'lz4',
    };
    await store.driver.write(path, encodeVolumeConfig(fresh));
  }
  return load(store.driver, path, decodeVolumeConfig);
}

/** The backup to compare with: absent in full mode, when it cannot be read, or when its snapshot is gone. */
async function lastBackup(
  store: Backupstore,
  { volume, snapshot, mode }: BackupRequest,
  { lastBackupName }: VolumeConfig,
): Promise<BackupConfig | undefined> {
  if (lastBackupName === '' || mode === 'full') return undefined;
  const path = layout.backupConfig(volume.name, lastBackupName);
  const last = await load(store.driver, path, decodeBackupConfig).catch(() => undefined);
  if (!last || last.snapshotName === snapshot.name || !volume.findSnapshot(last.snapshotName))
    return undefined;
  return last;
}

async function performBackup(
  store: Backupstore,
  request: BackupRequest,
  compressionMethod: CompressionMethod,
  last: BackupConfig | undefined,
): Promise<BackupConfig> {
  const { volume, snapshot } = request;
  const stub: BackupConfig = {
    name: request.backupName,
    volumeName: volume.name,
    snapshotName: '',
    snapshotCreatedAt: '',
    createdTime: '',
    sizeBytes: 0,
    labels: {},
    parameters: {},
    isIncremental: false,
    compressionMethod,
    newlyUploadedBytes: 0,
    reUploadedBytes: 0,
    blocks: [],
  };
  const path = layout.backupConfig(volume.name, request.backupName);
  await store.driver.write(path, encodeBackupConfig(stub));

  const uploads = await uploadBlocks(store, request, compressionMethod, last);
  const blocks = mergeBlocks(uploads.mappings, last?.blocks ?? []);
  const backup: BackupConfig = {
    ...stub,
    snapshotName: snapshot.name,
    snapshotCreatedAt: timeText(snapshot.createdAt),
    createdTime: timeText(store.now()),
    sizeBytes: blocks.length * volume.blockSize,
    parameters: {
      'backup-mode': request.mode ?? 'incremental',
      'backup-block-size': String(volume.blockSize),
    },
    isIncremental: last !== undefined,
    newlyUploadedBytes: uploads.newBytes,
    reUploadedBytes: uploads.repeatedBytes,
    blocks,
  };
  await store.driver.write(path, encodeBackupConfig(backup));
  await recordLastBackup(store, volume, backup, uploads.newBlocks);
  return backup;
}

async function uploadBlocks(
  store: Backupstore,
  request: BackupRequest,
  compressionMethod: CompressionMethod,
  last: BackupConfig | undefined,
): Promise<Uploads> {
  const { volume, snapshot, onProgress } = request;
  const changed = changedBlocks(snapshot, last && volume.findSnapshot(last.snapshotName));
  const uploads: Uploads = { mappings: [], inFlight: new Map(), newBlocks: 0, newBytes: 0, repeatedBytes: 0 };
  await inThreads(store.threads, changed, async (index) => {
    const block = snapshot.blocks.get(index) ?? Buffer.alloc(volume.blockSize);
    await uploadBlock(store, request, compressionMethod, uploads, index * volume.blockSize, block);
    onProgress?.(uploads.mappings.length, changed.length);
  });
  return uploads;
}

/** HEAD, then PUT if absent; in full mode PUT in any case. Equal blocks at work in another thread are not sent twice. */
async function uploadBlock(
  store: Backupstore,
  { volume, mode }: BackupRequest,
  compressionMethod: CompressionMethod,
  uploads: Uploads,
  offset: number,
  block: Buffer,
): Promise<void> {
  const checksum = checksumOf(block);
  const waiting = uploads.inFlight.get(checksum);
  if (waiting) {
    waiting.push(offset);
    return;
  }
  uploads.inFlight.set(checksum, [offset]);
  const path = layout.block(volume.name, checksum);
  const stored = await exists(store.driver, path);
  if (!stored || mode === 'full') {
    const data = await compress(compressionMethod, block);
    await store.driver.write(path, data);
    if (stored) {
      uploads.repeatedBytes += data.length;
    } else {
      uploads.newBytes += data.length;
      uploads.newBlocks += 1;
    }
  }
  for (const done of uploads.inFlight.get(checksum) ?? []) uploads.mappings.push({ offset: done, checksum });
  uploads.inFlight.delete(checksum);
}

/** The block map of `last` with `changed` over it, in order of offset. */
function mergeBlocks(changed: readonly BlockMapping[], last: readonly BlockMapping[]): BlockMapping[] {
  const byOffset = new Map([...last, ...changed].map((block) => [block.offset, block]));
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
}

async function recordLastBackup(
  store: Backupstore,
  volume: Volume,
  backup: BackupConfig,
  newBlocks: number,
): Promise<void> {
  const path = layout.volumeConfig(volume.name);
  const config = await load(store.driver, path, decodeVolumeConfig);
  const updated: VolumeConfig = {
    ...config,
    sizeBytes: volume.sizeBytes,
    lastBackupName: backup.name,
    lastBackupAt: backup.snapshotCreatedAt,
    blockCount: config.blockCount + newBlocks,
  };
  await store.driver.write(path, encodeVolumeConfig(updated));
}
