/** Which versions in the trash somebody means. Pure. */

import { parseKey } from '../backupstore/layout';
import type { TrashedVersion } from './trash-name';

export interface TrashSelection {
  /** All buckets if absent. */
  readonly bucket?: string;
  /** Keys that start with it. */
  readonly prefix?: string;
  /** Keys that belong to this Longhorn volume. */
  readonly volume?: string;
}

export function isSelected({ bucket, prefix, volume }: TrashSelection, version: TrashedVersion): boolean {
  if (bucket !== undefined && version.bucket !== bucket) return false;
  if (prefix !== undefined && !version.key.startsWith(prefix)) return false;
  return volume === undefined || volumeOf(version.key) === volume;
}

/** The Longhorn volume that a key belongs to. */
export function volumeOf(key: string): string | undefined {
  const parsed = parseKey(key);
  return parsed && 'set' in parsed && parsed.set.kind === 'volume' ? parsed.set.volume : undefined;
}

/**
 * Which of the versions of one object, the oldest removal first, to bring back: the last that was removed, or the one that was there at
 * a time: of those that were removed later the first, if it existed by then.
 */
export function chooseVersion<T extends TrashedVersion>(
  versions: readonly T[],
  asOf?: number,
): T | undefined {
  if (asOf === undefined) return versions.at(-1);
  const version = versions.find(({ removedAt }) => removedAt >= asOf);
  return version && version.modifiedAt <= asOf ? version : undefined;
}

/** Objects come back in this order: a backup that shows up again has its blocks, and a volume its backups. */
export const RANKS = 3;

export function rankOf(key: string): number {
  switch (parseKey(key)?.kind) {
    case 'volume-config':
      return 2;
    case 'backup-config':
      return 1;
    default:
      return 0;
  }
}
