/**
 * What longhorn-manager asks for when it polls a backup target.
 * Source: github.com/longhorn/backupstore, `config.go`, `list.go`, `head.go` and `inspect.go`.
 */
import {
  type BackupConfig,
  decodeBackupConfig,
  decodeVolumeConfig,
  isInProgress,
  type VolumeConfig,
} from './config';
import { type Backupstore, exists, inThreads, load, probe } from './driver';
import { extractNames, isValidName, layout } from './layout';

/** Listings at once while looking for volumes: 16 for each CPU of the node. */
const LISTING_THREADS = 64;

/** Names of all volumes, through the two hash layers above them. */
export async function volumeNames({ driver }: Backupstore): Promise<string[]> {
  const below = async (directories: readonly string[]): Promise<string[]> => {
    const found: string[] = [];
    await inThreads(LISTING_THREADS, directories, async (directory) => {
      found.push(...(await driver.list(directory)).map((entry) => `${directory}/${entry}`));
    });
    return found;
  };
  const paths = await below(await below(await below([layout.volumes])));
  return paths.map((path) => path.slice(path.lastIndexOf('/') + 1)).sort();
}

/** Names of a volume's backups. A listing that fails counts as empty: as in Longhorn. */
export async function backupNames({ driver }: Backupstore, volume: string): Promise<string[]> {
  const entries = await driver.list(layout.backups(volume)).catch(() => []);
  return extractNames(entries, 'backup_', '.cfg');
}

/** `backup ls --volume-only`: each volume, and whether its `volume.cfg` is there. One stray name fails it all. */
export async function listVolumes(store: Backupstore): Promise<Map<string, boolean>> {
  await probe(store.driver);
  const names = await volumeNames(store);
  const stray = names.find((name) => !isValidName(name));
  if (stray !== undefined) throw new Error(`invalid volume name ${stray}`);
  const volumes = new Map<string, boolean>();
  for (const name of names) volumes.set(name, await exists(store.driver, layout.volumeConfig(name)));
  return volumes;
}

/** `backup ls --volume <name>`. */
export async function listBackups(store: Backupstore, volume: string): Promise<string[]> {
  await probe(store.driver);
  const path = layout.volumeConfig(volume);
  if (!(await exists(store.driver, path))) throw new Error(`cannot find ${path} in backupstore`);
  return backupNames(store, volume);
}

/** `backup inspect` of a volume. */
export async function inspectVolume(store: Backupstore, volume: string): Promise<VolumeConfig> {
  await probe(store.driver);
  return load(store.driver, layout.volumeConfig(volume), decodeVolumeConfig);
}

/** `backup inspect` of a backup. */
export async function inspectBackup(
  store: Backupstore,
  volume: string,
  backup: string,
): Promise<BackupConfig> {
  await inspectVolume(store, volume);
  const config = await load(store.driver, layout.backupConfig(volume, backup), decodeBackupConfig);
  if (isInProgress(config)) throw new Error(`backup ${backup} is still in progress`);
  return config;
}

/** What one poll found. */
export interface PollResult {
  /** Backups by volume. */
  readonly volumes: ReadonlyMap<string, readonly string[]>;
}

/** One poll of the target: its availability, its volumes, its backing images, and each volume's backups. */
export async function poll(store: Backupstore): Promise<PollResult> {
  const { driver } = store;
  await probe(driver);
  for (const version of await driver.list(layout.systemBackups)) {
    await driver.list(`${layout.systemBackups}${version}`);
  }
  const volumes = new Map<string, string[]>();
  const found = await listVolumes(store);
  await probe(driver);
  await driver.list(layout.backingImages);
  for (const [volume, hasConfig] of found) {
    if (hasConfig) volumes.set(volume, await listBackups(store, volume));
  }
  return { volumes };
}
