/**
 * Where Longhorn's backupstore keeps what: keys to their meaning and back. Pure.
 *
 *     [path/]backupstore/
 *       volumes/<h[0:2]>/<h[2:4]>/<volume>/        h = checksum of the volume's name
 *         volume.cfg
 *         backups/backup_<name>.cfg
 *         blocks/<c[0:2]>/<c[2:4]>/<c>.blk         c = checksum of the block's raw bytes
 *         locks/<name>.lck
 *       backing-images/backing-images/<name>/backing-image.cfg
 *       backing-images/blocks/<c[0:2]>/<c[2:4]>/<c>.blk
 *       system-backups/<Longhorn's version>/<name>/{system-backup.zip,system-backup.cfg}
 *
 * Source: github.com/longhorn/backupstore, `config.go`, `util.go`, `lock.go`, `backupbackingimage/config.go`, `systembackup/`.
 */

import { createHash } from 'node:crypto';

const BASE = 'backupstore/';
const BACKUP_PREFIX = 'backup_';
const CONFIG_SUFFIX = '.cfg';

/** Longhorn's own rule, `ValidateName`. */
const NAME = '[a-zA-Z0-9][a-zA-Z0-9_.-]+';
const IN_BASE = `((?:.*/)?${BASE})`;
const IN_VOLUME = new RegExp(`^(${IN_BASE}volumes/[0-9a-f]{2}/[0-9a-f]{2}/(${NAME})/)([^/].*)$`, 's');
const IN_IMAGES = new RegExp(`^(${IN_BASE}backing-images/)([^/].*)$`, 's');
const IN_SYSTEM_BACKUP = new RegExp(
  `^${IN_BASE}system-backups/([^/]+)/([^/]+)/system-backup\\.(zip|cfg)$`,
  's',
);
const BLOCK = /^blocks\/([0-9a-f]{2})\/([0-9a-f]{2})\/(\1\2[0-9a-f]{60})\.blk$/;
const BACKUP_CONFIG = new RegExp(`^backups/${BACKUP_PREFIX}(${NAME})\\.cfg$`);
const IMAGE_CONFIG = new RegExp(`^backing-images/(${NAME})/backing-image\\.cfg$`);
const LOCK = /^locks\/[^/]+\.lck$/;

/**
 * Blocks, and the backups that name them: those of one volume, or those of all backing images together. Within it
 * equal blocks are stored once, and garbage collection deletes what none of its backups names.
 */
export interface BlockSet {
  readonly kind: 'volume' | 'backing-images';
  /** Key prefix of all that belongs to it; ends in `/`. */
  readonly directory: string;
  /** Of the volume; empty for backing images. */
  readonly volume: string;
}

export type BackupstoreKey =
  | { readonly kind: 'block'; readonly set: BlockSet; readonly checksum: string }
  /** The document that names the blocks of one backup, or of one backing image. */
  | { readonly kind: 'backup-config'; readonly set: BlockSet; readonly backup: string }
  | { readonly kind: 'volume-config'; readonly set: BlockSet }
  | { readonly kind: 'lock'; readonly set: BlockSet }
  | {
      readonly kind: 'system-backup';
      readonly longhornVersion: string;
      readonly name: string;
      readonly file: 'zip' | 'cfg';
    };

/** The first 64 hex digits of SHA-512: the name of a block by its uncompressed bytes, and of a volume's directory by its name. */
export function checksumOf(data: string | Buffer): string {
  return createHash('sha512').update(data).digest('hex').slice(0, 64);
}

/** What a key stands for; undefined for one that Longhorn reads nothing from. */
export function parseKey(key: string): BackupstoreKey | undefined {
  return parseVolumeKey(key) ?? parseImagesKey(key) ?? parseSystemBackupKey(key);
}

function parseVolumeKey(key: string): BackupstoreKey | undefined {
  const [, directory, , volume, rest] = IN_VOLUME.exec(key) ?? [];
  if (directory === undefined || volume === undefined || rest === undefined) return undefined;
  const set: BlockSet = { kind: 'volume', directory, volume };
  if (rest === 'volume.cfg') return { kind: 'volume-config', set };
  if (LOCK.test(rest)) return { kind: 'lock', set };
  return parseMember(set, rest, BACKUP_CONFIG);
}

function parseImagesKey(key: string): BackupstoreKey | undefined {
  const [, directory, , rest] = IN_IMAGES.exec(key) ?? [];
  if (directory === undefined || rest === undefined) return undefined;
  return parseMember({ kind: 'backing-images', directory, volume: '' }, rest, IMAGE_CONFIG);
}

function parseMember(set: BlockSet, rest: string, config: RegExp): BackupstoreKey | undefined {
  const checksum = BLOCK.exec(rest)?.[3];
  if (checksum !== undefined) return { kind: 'block', set, checksum };
  const backup = config.exec(rest)?.[1];
  return backup === undefined ? undefined : { kind: 'backup-config', set, backup };
}

function parseSystemBackupKey(key: string): BackupstoreKey | undefined {
  const [, , longhornVersion, name, file] = IN_SYSTEM_BACKUP.exec(key) ?? [];
  if (longhornVersion === undefined || name === undefined || (file !== 'zip' && file !== 'cfg'))
    return undefined;
  return { kind: 'system-backup', longhornVersion, name, file };
}

/** @param path the backup target's path: empty, or ending in `/` */
export function volumeSet(path: string, volume: string): BlockSet {
  return {
    kind: 'volume',
    directory: `${volumesDirectory(path)}${layersOf(checksumOf(volume))}${volume}/`,
    volume,
  };
}

/** @param path the backup target's path: empty, or ending in `/` */
export function backingImageSet(path: string): BlockSet {
  return { kind: 'backing-images', directory: `${path}${BASE}backing-images/`, volume: '' };
}

/** Key prefix of all that Longhorn keeps. @param path the backup target's path: empty, or ending in `/` */
export function rootDirectory(path: string): string {
  return path + BASE;
}

/** Key prefix of all volumes. @param path the backup target's path: empty, or ending in `/` */
export function volumesDirectory(path: string): string {
  return `${path}${BASE}volumes/`;
}

/** Key prefix of all system backups. @param path the backup target's path: empty, or ending in `/` */
export function systemBackupsDirectory(path: string): string {
  return `${path}${BASE}system-backups/`;
}

/** Key prefix of the backups' documents. Longhorn lists it to learn which backups there are; if that fails it goes on as if there were none. */
export function backupsDirectory({ kind, directory }: BlockSet): string {
  return directory + (kind === 'volume' ? 'backups/' : 'backing-images/');
}

/** The set whose `backupsDirectory` this prefix is. */
export function parseBackupsDirectory(prefix: string): BlockSet | undefined {
  const [, volumeDirectory, , volume, rest] = IN_VOLUME.exec(prefix) ?? [];
  if (volumeDirectory !== undefined && volume !== undefined && rest === 'backups/')
    return { kind: 'volume', directory: volumeDirectory, volume };
  const [, directory, , below] = IN_IMAGES.exec(prefix) ?? [];
  if (directory === undefined || below !== 'backing-images/') return undefined;
  return { kind: 'backing-images', directory, volume: '' };
}

export function backupConfigKey(set: BlockSet, backup: string): string {
  const name =
    set.kind === 'volume'
      ? `${BACKUP_PREFIX}${backup}${CONFIG_SUFFIX}`
      : `${backup}/backing-image${CONFIG_SUFFIX}`;
  return backupsDirectory(set) + name;
}

export function volumeConfigKey({ directory }: BlockSet): string {
  return `${directory}volume${CONFIG_SUFFIX}`;
}

export function blockKey({ directory }: BlockSet, checksum: string): string {
  return `${directory}blocks/${layersOf(checksum)}${checksum}.blk`;
}

function layersOf(checksum: string): string {
  return `${checksum.slice(0, 2)}/${checksum.slice(2, 4)}/`;
}
