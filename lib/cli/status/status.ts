/** `longhaul status`: targets, jobs and volumes with their last backup, in one screen. gather -> assess (pure) -> render. */
import { targetState } from '../backup-target';
import type { CommandContext } from '../context';
import {
  BACKUP,
  BACKUP_TARGET,
  RECURRING_JOB,
  VOLUME,
  type Backup,
  type BackupTarget,
  type RecurringJob,
  type Volume,
} from '../kinds';
import { isBackupJob, isInJob } from '../job-membership';
import { lastGoodBackup, timeOfBackup, volumeNameOf } from '../last-backup';
import { EXIT, formatBytes, formatDuration, formatTime, json, table, type ExitCode } from '../output';
import { pvcKeyOfVolume } from '../pvc-volume';
import { runsAfter } from '../schedule';

export interface StatusFacts {
  readonly now: Date;
  readonly targets: readonly BackupTarget[];
  readonly jobs: readonly RecurringJob[];
  readonly volumes: readonly Volume[];
  readonly backups: readonly Backup[];
}

export interface VolumeStatus {
  /** `namespace/name`; absent for a Volume without PVC. */
  readonly pvc?: string;
  readonly volume: string;
  readonly jobs: readonly string[];
  /** ISO 8601; absent where there is none. */
  readonly lastBackupAt?: string;
  /** Of the last good backup: blocks times block size. */
  readonly sizeBytes?: number;
  readonly backups: number;
  /** What the newest backup is doing or has ended with, where that is not Completed. */
  readonly newest?: string;
  /** ISO 8601; absent where no job is due. */
  readonly nextRunAt?: string;
}

export interface Status {
  readonly targets: readonly { readonly name: string; readonly url: string; readonly state: string }[];
  readonly volumes: readonly VolumeStatus[];
  /** Whether every target in use is available, and the newest backup of no volume failed. */
  readonly healthy: boolean;
}

export async function status(context: CommandContext): Promise<ExitCode> {
  const { cluster, namespace, clock, terminal, output } = context;
  const [targets, jobs, volumes, backups] = await Promise.all([
    cluster.list(BACKUP_TARGET, { namespace }),
    cluster.list(RECURRING_JOB, { namespace }),
    cluster.list(VOLUME, { namespace }),
    cluster.list(BACKUP, { namespace }),
  ]);
  const now = clock.now();
  const result = assessStatus({ now, targets, jobs, volumes, backups });
  terminal.out(output === 'json' ? json(result) : render(result, now));
  return result.healthy ? EXIT.ok : EXIT.problem;
}

export function assessStatus({ now, targets, jobs, volumes, backups }: StatusFacts): Status {
  const backupJobs = jobs.filter(isBackupJob);
  const inUse = targets.filter((target) => targetState(target).state !== 'unset');
  const states = inUse.map((target) => {
    const seen = targetState(target);
    const state = seen.state === 'unavailable' ? `unavailable: ${seen.message}` : seen.state;
    return { name: target.metadata.name, url: target.spec?.backupTargetURL ?? '', state };
  });
  const rows = volumes.map((volume) => volumeStatus(volume, backupJobs, backups, now));
  rows.sort((left, right) => (left.pvc ?? left.volume).localeCompare(right.pvc ?? right.volume));
  const healthy =
    states.length > 0 &&
    states.every(({ state }) => state === 'available') &&
    rows.every(({ newest }) => newest === undefined || !/^(Error|Unknown)/.test(newest));
  return { targets: states, volumes: rows, healthy };
}

function volumeStatus(
  volume: Volume,
  jobs: readonly RecurringJob[],
  backups: readonly Backup[],
  now: Date,
): VolumeStatus {
  const mine = jobs.filter((job) => isInJob(volume, job));
  const own = backups.filter((backup) => volumeNameOf(backup) === volume.metadata.name);
  const last = lastGoodBackup(volume, backups);
  const next = mine
    .flatMap((job) => runsAfter(job, now, 1))
    .sort((left, right) => left.getTime() - right.getTime())[0];
  const newest = own.reduce<Backup | undefined>(
    (latest, each) => (latest === undefined || timeOfBackup(each) > timeOfBackup(latest) ? each : latest),
    undefined,
  );
  const pvc = pvcKeyOfVolume(volume);
  const sizeBytes = Number(last?.backup?.status?.size);
  const doing = newest === undefined ? undefined : notCompleted(newest);
  return {
    ...(pvc !== undefined && { pvc }),
    volume: volume.metadata.name,
    jobs: mine.map(({ metadata }) => metadata.name),
    backups: own.filter((backup) => backup.status?.state === 'Completed').length,
    ...(last !== undefined && { lastBackupAt: last.at.toISOString() }),
    ...(Number.isFinite(sizeBytes) && { sizeBytes }),
    ...(doing !== undefined && { newest: doing }),
    ...(next !== undefined && { nextRunAt: next.toISOString() }),
  };
}

function notCompleted(backup: Backup): string | undefined {
  const { state = '', progress = 0, error } = backup.status ?? {};
  if (state === 'Completed') return undefined;
  if (state === 'InProgress') return `running, ${progress} %`;
  return error ? `${state}: ${error}` : state || 'New';
}

function render(result: Status, now: Date): string {
  const targets = result.targets.map(({ name, url, state }) => [name, url, state]);
  const volumes = result.volumes.map((row) => [
    row.pvc ?? '-',
    row.volume,
    row.jobs.join(',') || '-',
    row.lastBackupAt === undefined
      ? 'never'
      : `${formatDuration(now.getTime() - new Date(row.lastBackupAt).getTime())} ago`,
    row.sizeBytes === undefined ? '-' : formatBytes(row.sizeBytes),
    String(row.backups),
    row.nextRunAt === undefined ? '-' : formatTime(new Date(row.nextRunAt)),
    row.newest ?? '',
  ]);
  const blocks = [
    targets.length === 0 ? 'No backup target has a URL.\n' : table(['TARGET', 'URL', 'STATE'], targets),
    volumes.length === 0
      ? 'Longhorn has no volumes.\n'
      : table(['PVC', 'VOLUME', 'JOBS', 'LAST BACKUP', 'SIZE', 'BACKUPS', 'NEXT RUN', 'NEWEST'], volumes),
  ];
  return blocks.join('\n');
}
