/** When a Volume was last backed up, as its Backup objects and its own status tell. Pure. */
import type { Backup, Volume } from './kinds';

export interface LastBackup {
  /** When the snapshot was taken that the backup holds. */
  readonly at: Date;
  /** Absent where only the Volume's status tells of it. */
  readonly backup?: Backup;
}

/** The volume that a Backup is of: its label first, which is there before it has a status. */
export function volumeNameOf(backup: Backup): string | undefined {
  return backup.metadata.labels?.['backup-volume'] ?? backup.status?.volumeName;
}

/** The time of the snapshot, or what comes nearest to it. */
export function timeOfBackup(backup: Backup): Date {
  const { snapshotCreatedAt, backupCreatedAt } = backup.status ?? {};
  return new Date(snapshotCreatedAt || backupCreatedAt || backup.metadata.creationTimestamp || 0);
}

/** The newest backup that completed; Longhorn's own word on the Volume counts where the Backup objects are not there. */
export function lastGoodBackup(volume: Volume, backups: readonly Backup[]): LastBackup | undefined {
  const good = backups
    .filter((backup) => volumeNameOf(backup) === volume.metadata.name && backup.status?.state === 'Completed')
    .map((backup) => ({ at: timeOfBackup(backup), backup }));
  const told = volume.status?.lastBackupAt;
  const candidates: LastBackup[] = told ? [...good, { at: new Date(told) }] : good;
  return candidates.reduce<LastBackup | undefined>(
    (last, each) => (last === undefined || each.at > last.at ? each : last),
    undefined,
  );
}
