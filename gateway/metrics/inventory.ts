/** The volumes whose backups are stored, and their backups: as the catalog knows them, without a look at the FTP server. */
import { parseKey } from '../backupstore/layout';
import type { Catalog } from '../store/catalog';
import type { Directory } from '../store/directory';

/** One backup's document. */
export interface StoredBackup {
  readonly name: string;
  /** When its document was last written, in milliseconds since the epoch: the end of the backup. */
  readonly storedAt: number;
}

export interface StoredVolume {
  readonly bucket: string;
  /** Longhorn's name of it. */
  readonly volume: string;
  /** The oldest first. */
  readonly backups: readonly StoredBackup[];
}

/** A backup target's path may put the backupstore into a directory; so deep it is looked for. */
const MOST_LEVELS_ABOVE = 2;
/** A bucket that is not Longhorn's may hold a million names side by side: no more are looked at. */
const MOST_NAMES = 1_000;

/** Sorted by volume. */
export function storedVolumes(catalog: Catalog): StoredVolume[] {
  const volumes = catalog
    .buckets()
    .flatMap(({ name }) => catalog.root(name) ?? [])
    .flatMap((root) => backupstores(catalog, root, MOST_LEVELS_ABOVE))
    .flatMap((store) => subdirectories(catalog, catalog.subdirectory(store, 'volumes')))
    .flatMap((layer) => subdirectories(catalog, layer))
    .flatMap((layer) => subdirectories(catalog, layer))
    .flatMap((directory) => volumeIn(catalog, directory));
  return volumes.sort((a, b) => (a.volume < b.volume ? -1 : 1));
}

function backupstores(catalog: Catalog, directory: Directory, levels: number): Directory[] {
  const store = catalog.subdirectory(directory, 'backupstore');
  if (store) return [store];
  if (levels === 0) return [];
  return subdirectories(catalog, directory, MOST_NAMES).flatMap((below) =>
    backupstores(catalog, below, levels - 1),
  );
}

function subdirectories(catalog: Catalog, directory: Directory | undefined, names = Infinity): Directory[] {
  const found: Directory[] = [];
  if (!directory) return found;
  let seen = 0;
  for (const child of catalog.children(directory)) {
    if (child.kind === 'directory') found.push(child.directory);
    seen += 1;
    if (seen >= names) break;
  }
  return found;
}

function volumeIn(catalog: Catalog, directory: Directory): StoredVolume[] {
  const below = catalog.subdirectory(directory, 'backups');
  if (!below) return [];
  const prefix = below.segments.map((segment) => `${segment}/`).join('');
  const backups = [...catalog.children(below)].flatMap((child) => {
    const key = parseKey(prefix + child.name);
    if (child.kind !== 'file' || child.record.kind !== 'object' || key?.kind !== 'backup-config') return [];
    return [{ name: key.backup, storedAt: child.record.lastModified }];
  });
  backups.sort((a, b) => a.storedAt - b.storedAt);
  return [{ bucket: directory.bucket, volume: directory.segments.at(-1) ?? '', backups }];
}
