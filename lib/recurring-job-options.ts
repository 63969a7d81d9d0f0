/** The props of a recurring job. */
import { RecurringJobSpecTask } from '../imports/longhorn.io';

/** Longhorn's tasks: `backup`, `snapshot`, and their kin. */
export type RecurringJobTask = `${RecurringJobSpecTask}`;

/** Longhorn's tasks. `snapshot` stays in the cluster, `backup` goes to the backup target. */
export const RECURRING_JOB_TASKS: readonly RecurringJobTask[] = Object.values(RecurringJobSpecTask);

/** Tasks that make backups and so may make full ones. */
export const INTERVAL_TASKS: readonly RecurringJobTask[] = ['backup', 'backup-force-create'];
/** Tasks that clean up: there is nothing to retain. */
export const KEEPS_NOTHING: readonly RecurringJobTask[] = ['snapshot-cleanup', 'filesystem-trim'];

export const DEFAULT_RETAIN = 7;

/** A PersistentVolumeClaim on Longhorn. */
export interface PvcReference {
  /** Namespace of the PVC. */
  readonly namespace: string;
  /** Name of the PVC. */
  readonly name: string;
}

/** A recurring job as `LonghornBackup` takes it. Exactly one of `cron` and `at` is needed. */
export interface RecurringJobOptions {
  /** Up to 40 characters, unique in the cluster; the label of its volumes is made from it. */
  readonly name: string;
  /**
   * When it runs, in UTC: minute, hour, day of month, month, day of week (0-6, Sunday is 0), or `@daily` and the like. No seconds, no
   * time zone, no L, W or #. @default - `at` says when
   */
  readonly cron?: string;
  /**
   * When it runs by a local clock, instead of `cron`: `03:00 Europe/Paris`, `Sun 03:00 Europe/Paris`, `Mon-Fri 22:30 America/New_York`.
   * It is turned into cron by the zone's time outside of daylight saving, and cannot follow daylight saving.
   * @default - `cron` says when
   */
  readonly at?: string;
  /** @default 'backup' */
  readonly task?: RecurringJobTask;
  /**
   * Snapshots or backups that stay for each volume, 1 to 100; the oldest beyond that are deleted after a run that succeeded. Backups made
   * by hand and by other jobs do not count. Not for tasks that keep nothing (`snapshot-cleanup`, `filesystem-trim`).
   * @default 7
   */
  readonly retain?: number;
  /** Volumes worked on at a time; each uploads in two threads. Keep it below the connections of the FTP account. @default 1 */
  readonly concurrency?: number;
  /**
   * Number of incremental backups between two full ones; 0: every backup is full; absent: all are incremental. Only for tasks that back up.
   *
   * A full backup uploads every block again, over the same names: it mends what was damaged on the target. Longhorn counts the runs of a
   * job and makes run N, 2N, 3N … full (0: never, 1: always), so that N - 1 incremental ones lie between: `fullBackupInterval: 5` is
   * written as `full-backup-interval: "6"`. `retain` must be greater than the interval, better by two: otherwise there are times when no
   * full backup is among those kept.
   * @default - only incremental backups
   */
  readonly fullBackupInterval?: number;
  /** Volumes join by the label of a group too. A volume without any job label is in the group `default`. @default - none */
  readonly groups?: readonly string[];
  /** Put on each snapshot or backup; no value may be empty. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * PVCs whose volumes the job is for. They get the job's label from `VolumeLabels`, or from `longhaul label`; this construct alone only
   * remembers them. @default - whatever carries the label of the job or of one of its groups
   */
  readonly pvcs?: readonly PvcReference[];
  /** IANA name of the zone in which the synth shows the next runs too. @default - that of `at` */
  readonly timeZone?: string;
}

export interface RecurringJobProps extends RecurringJobOptions {
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** Version of Longhorn in the cluster; refuses what it does not have yet. @default - a current one */
  readonly longhornVersion?: string;
}
