/** What is known of each volume: the backups that are stored, put together with what was seen of how they were made. */
import type { BackupRun, BackupRuns } from './backup-runs';
import type { StoredBackup, StoredVolume } from './inventory';

export interface BackupStatus extends StoredBackup {
  /** Bytes of blocks that were uploaded for it; absent if it was made before the gateway started. */
  readonly receivedBytes?: number;
  /** Milliseconds that it took; absent as well. */
  readonly durationMs?: number;
}

export interface VolumeStatus {
  readonly bucket: string;
  readonly volume: string;
  /** The whole ones, the oldest first. */
  readonly backups: readonly BackupStatus[];
  /** The one that is made now. */
  readonly running?: BackupRun;
  /** The last one, if it was begun and never ended. */
  readonly givenUp?: BackupRun;
}

export function volumeStatus(stored: readonly StoredVolume[], runs: BackupRuns): VolumeStatus[] {
  return stored.map(({ bucket, volume, backups }) => {
    const unfinished = runs.unfinished().find((run) => run.bucket === bucket && run.volume === volume);
    const finished = runs.finished(bucket, volume);
    const whole = backups
      .filter(({ name }) => name !== unfinished?.backup)
      .map((backup) => ({ ...backup, ...howItWent(finished.find((run) => run.backup === backup.name)) }));
    const isThere = backups.length > whole.length;
    return {
      bucket,
      volume,
      backups: whole,
      ...(unfinished && !runs.isGivenUp(unfinished) && { running: unfinished }),
      ...(unfinished && runs.isGivenUp(unfinished) && isThere && { givenUp: unfinished }),
    };
  });
}

function howItWent(run: BackupRun | undefined): Pick<BackupStatus, 'receivedBytes' | 'durationMs'> {
  if (run?.finishedAt === undefined) return {};
  return { receivedBytes: run.receivedBytes, durationMs: run.finishedAt - run.startedAt };
}
