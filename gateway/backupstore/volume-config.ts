/** Reads `volume.cfg`. Pure. Source: github.com/longhorn/backupstore, `backupstore.go`. */

import { BackupConfigError } from './backup-config';
import { parseDocument, readNumber, readText } from './document';

/** Bytes of the largest `volume.cfg`, and far more: it holds a dozen short fields and the labels. */
export const MAX_VOLUME_CONFIG_BYTES = 1024 * 1024;

export interface VolumeConfig {
  readonly name: string;
  /** Bytes of the volume today: it may have grown since a backup was made. */
  readonly sizeBytes: number;
  /** The backup made last; empty if there is none. */
  readonly lastBackupName: string;
  /** Where blocks that no backup names get their bytes from; empty: they are zeros. */
  readonly backingImageName: string;
  readonly createdAt: string;
}

/** Throws `BackupConfigError`. */
export function parseVolumeConfig(bytes: Buffer): VolumeConfig {
  const fields = parseDocument(bytes);
  const sizeBytes = readNumber(fields, 'Size');
  if (sizeBytes === 0) throw new BackupConfigError('Size is 0');
  return {
    name: readText(fields, 'Name'),
    sizeBytes,
    lastBackupName: readText(fields, 'LastBackupName'),
    backingImageName: unquote(readText(fields, 'BackingImageName')),
    createdAt: readText(fields, 'CreatedTime'),
  };
}

/** Go's tag `json:",string"` quotes a string twice; documents of before that tag have it once. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    const inner: unknown = JSON.parse(text);
    return typeof inner === 'string' ? inner : text;
  } catch {
    return text;
  }
}
