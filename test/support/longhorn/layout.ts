/**
 * Where Longhorn's backupstore keeps what: names to keys and back.
 * Source: github.com/longhorn/backupstore, `config.go`, `util.go`, `lock.go`.
 */
import { createHash } from 'node:crypto';

const BASE = 'backupstore';
const VALID_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** The name of a block: the first 64 hex digits of the SHA-512 of its uncompressed bytes. Volume names are hashed alike. */
export function checksumOf(data: string | Buffer): string {
  return createHash('sha512').update(data).digest('hex').slice(0, 64);
}

export function isValidName(name: string): boolean {
  return VALID_NAME.test(name);
}

/** Two directory levels out of a checksum, as in `ab/cd`. */
function layersOf(checksum: string): string {
  return `${checksum.slice(0, 2)}/${checksum.slice(2, 4)}`;
}

/** Paths below the backup target's own path. Directories end in `/`. */
export const layout = {
  volumes: `${BASE}/volumes`,
  systemBackups: `${BASE}/system-backups/`,
  backingImages: `${BASE}/backing-images/backing-images/`,

  volume: (volume: string): string => `${BASE}/volumes/${layersOf(checksumOf(volume))}/${volume}/`,
  volumeConfig: (volume: string): string => `${layout.volume(volume)}volume.cfg`,
  backups: (volume: string): string => `${layout.volume(volume)}backups/`,
  backupConfig: (volume: string, backup: string): string => `${layout.backups(volume)}backup_${backup}.cfg`,
  blocks: (volume: string): string => `${layout.volume(volume)}blocks/`,
  block: (volume: string, checksum: string): string =>
    `${layout.blocks(volume)}${layersOf(checksum)}/${checksum}.blk`,
  locks: (volume: string): string => `${layout.volume(volume)}locks/`,
  lock: (volume: string, name: string): string => `${layout.locks(volume)}${name}.lck`,
} as const;

/** The valid names between `prefix` and `suffix` among the entries of a directory; the rest is ignored. */
export function extractNames(entries: readonly string[], prefix: string, suffix: string): string[] {
  return entries
    .filter((entry) => entry.startsWith(prefix) && entry.endsWith(suffix))
    .map((entry) => entry.slice(prefix.length, entry.length - suffix.length))
    .filter(isValidName);
}
