/** Reads `system-backup.cfg`. Pure. Source: github.com/longhorn/backupstore, `systembackup/system_backup.go`. */

import { BackupConfigError } from './backup-config';
import { parseDocument, readText } from './document';

export const MAX_SYSTEM_BACKUP_CONFIG_BYTES = 1024 * 1024;

export interface SystemBackupConfig {
  readonly name: string;
  readonly createdAt: string;
  /** SHA-256 of the zip, in hex. */
  readonly checksum: string;
}

/** Throws `BackupConfigError`. */
export function parseSystemBackupConfig(bytes: Buffer): SystemBackupConfig {
  const fields = parseDocument(bytes);
  const checksum = readText(fields, 'Checksum');
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw new BackupConfigError('Checksum is not a SHA-256');
  return { name: readText(fields, 'Name'), createdAt: readText(fields, 'CreatedAt'), checksum };
}
