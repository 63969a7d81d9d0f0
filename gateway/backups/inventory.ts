/** Which volumes, backups, backing images and system backups there are, and what their documents say. */

import {
  BackupConfigError,
  BackupConfigParser,
  blockSizeOf,
  isInProgress,
  type BackupConfig,
} from '../backupstore/backup-config';
import type { BlockMap, BlockMaps } from '../backupstore/block-maps';
import {
  backingImageSet,
  backupConfigKey,
  backupsDirectory,
  parseKey,
  volumeConfigKey,
  volumeSet,
  volumesDirectory,
  systemBackupsDirectory,
  type BackupstoreKey,
  type BlockSet,
} from '../backupstore/layout';
import { MAX_VOLUME_CONFIG_BYTES, parseVolumeConfig, type VolumeConfig } from '../backupstore/volume-config';
import { forEachLimited } from '../store/concurrency';
import type { Fault } from './fault';
import { readWhole, type BackupSource } from './source';
import { metered, twice, type ReadMeter } from './stored-block';

/** Directories listed at a time; the source's connections bound it further. */
const LIST_CONCURRENCY = 8;

/** One backup's document. */
export interface Backup {
  readonly name: string;
  readonly config: BackupConfig;
  /** Absent while the backup is in progress, and where maps were not asked for. */
  readonly map?: BlockMap;
}

/** The volumes below the target's path, by name. Throws `SourceUnavailableError` unless all could be listed. */
export async function listVolumes(source: BackupSource, path: string): Promise<BlockSet[]> {
  const top = volumesDirectory(path);
  let prefixes = [top];
  for (const level of ['first', 'second', 'volume']) {
    const below: string[] = [];
    await forEachLimited(prefixes, LIST_CONCURRENCY, async (prefix) => {
      for (const { name, kind } of await source.list(prefix)) {
        if (kind === 'directory' && (level === 'volume' || /^[0-9a-f]{2}$/.test(name)))
          below.push(`${prefix}${name}/`);
      }
    });
    prefixes = below;
  }
  const names = prefixes.map((prefix) => ({ prefix, set: volumeSet(path, prefix.split('/').at(-2) ?? '') }));
  return names
    .filter(({ prefix, set }) => set.directory === prefix)
    .map(({ set }) => set)
    .sort((a, b) => (a.volume < b.volume ? -1 : 1));
}

/** The names of a set's backups, sorted. Throws `SourceUnavailableError`. */
export async function listBackups(source: BackupSource, set: BlockSet): Promise<string[]> {
  const directory = backupsDirectory(set);
  const entries = await source.list(directory);
  const names = entries.flatMap(({ name }) => {
    const key = parseKey(set.kind === 'volume' ? directory + name : `${directory}${name}/backing-image.cfg`);
    return key?.kind === 'backup-config' ? [key.backup] : [];
  });
  return names.sort();
}

/** The set of all backing images, if there are any. Throws `SourceUnavailableError`. */
export async function findBackingImages(source: BackupSource, path: string): Promise<BlockSet | undefined> {
  const set = backingImageSet(path);
  return (await listBackups(source, set)).length > 0 ? set : undefined;
}

export type SystemBackupKey = Extract<BackupstoreKey, { kind: 'system-backup' }> & { readonly key: string };

/** The documents of all system backups. Throws `SourceUnavailableError`. */
export async function listSystemBackups(source: BackupSource, path: string): Promise<SystemBackupKey[]> {
  const top = systemBackupsDirectory(path);
  const found: SystemBackupKey[] = [];
  for (const version of await source.list(top)) {
    if (version.kind !== 'directory') continue;
    for (const { name } of await source.list(`${top}${version.name}/`)) {
      const key = `${top}${version.name}/${name}/system-backup.cfg`;
      const parsed = parseKey(key);
      if (parsed?.kind === 'system-backup') found.push({ ...parsed, key });
    }
  }
  return found;
}

export async function readVolumeConfig(
  source: BackupSource,
  set: BlockSet,
  meter: ReadMeter,
): Promise<VolumeConfig | Fault> {
  return twice(source, volumeConfigKey(set), async (found) => {
    const bytes = await readWhole({ ...found, read: () => metered(found, meter) }, MAX_VOLUME_CONFIG_BYTES);
    const config = parseVolumeConfig(bytes);
    if (config.name !== set.volume) throw new BackupConfigError(`it is that of the volume ${config.name}`);
    return config;
  });
}

export interface ReadBackupOptions {
  readonly meter: ReadMeter;
  /** Takes the block map in. @default nothing is read behind the first block */
  readonly maps?: BlockMaps;
  /** Bytes of the volume; blocks beyond are refused. @default those of a backing image's own document; no limit otherwise */
  readonly volumeBytes?: number;
}

/** One backup's document, read as it passes. */
export async function readBackup(
  source: BackupSource,
  set: BlockSet,
  name: string,
  { meter, maps, volumeBytes }: ReadBackupOptions,
): Promise<Backup | Fault> {
  return twice(source, backupConfigKey(set, name), async (found) => {
    const collected = maps?.collect();
    let blocks = 0;
    const parser = new BackupConfigParser((block) => {
      blocks += 1;
      collected?.add(block);
    });
    for await (const chunk of metered(found, meter)) {
      parser.write(chunk);
      if (!collected && blocks > 0) break;
    }
    const config = blocks > 0 && !collected ? parser.head() : parser.end();
    if (config.name !== name || config.volumeName !== set.volume)
      throw new BackupConfigError(`it is that of the backup ${config.name} of "${config.volumeName}"`);
    if (!collected || isInProgress(config)) return { name, config };
    const blockSize = blockSizeOf(config);
    const ownBytes = set.kind === 'volume' ? blockSize * 2 ** 32 : config.sizeBytes;
    return { name, config, map: collected.finish(blockSize, volumeBytes ?? ownBytes) };
  });
}

/** The newest backup that is complete, by the time of its snapshot, as Longhorn judges it. */
export function latestBackup(backups: readonly Backup[]): Backup | undefined {
  const complete = backups.filter(({ config }) => !isInProgress(config));
  return complete.reduce<Backup | undefined>(
    (latest, each) => (latest && timeOf(latest) >= timeOf(each) ? latest : each),
    undefined,
  );
}

/** Milliseconds since the epoch; 0 if the document does not say. */
export function timeOf({ config }: Backup): number {
  return Date.parse(config.snapshotCreatedAt || config.completedAt) || 0;
}
