/** Whether each volume of a job has a backup from its last due run. */
import { isBackupJob, isInJob } from '../../job-membership';
import type { Backup, RecurringJob, Volume } from '../../kinds';
import { lastGoodBackup } from '../../last-backup';
import { formatDuration, formatTime } from '../../output';
import { pvcKeyOfVolume } from '../../pvc-volume';
import { runsAfter } from '../../schedule';
import { judgeAll, ok, problem, type Check, type Finding } from '../finding';

/** A run may take this long before its backup is missed: half of the time to the next run, but no less and no more than these. */
const MIN_GRACE_MS = 3_600_000;
const MAX_GRACE_MS = 24 * 3_600_000;

export const backupAge: Check = {
  name: 'last backups',
  run: ({ volumes, recurringJobs, backups, now }) =>
    judgeAll({ volumes, recurringJobs, backups }, 'last backups', ({ volumes, recurringJobs, backups }) => {
      const jobs = recurringJobs.filter(isBackupJob);
      return volumes.flatMap((volume) => {
        const mine = jobs.filter((job) => isInJob(volume, job));
        return mine.length === 0 ? [] : [assessVolume(volume, mine, backups, now)];
      });
    }),
};

function assessVolume(
  volume: Volume,
  jobs: readonly RecurringJob[],
  backups: readonly Backup[],
  now: Date,
): Finding {
  const { name, creationTimestamp = now.toISOString() } = volume.metadata;
  const pvc = pvcKeyOfVolume(volume);
  const subject = `Volume ${name}${pvc === undefined ? '' : ` (${pvc})`}`;
  const last = lastGoodBackup(volume, backups);
  const missed = jobs.flatMap((job) =>
    missedRun(job, last?.at ?? latest(creationTimestamp, job.metadata.creationTimestamp), now),
  );
  const fix = pvc === undefined ? 'make a backup in the Longhorn UI' : `longhaul backup now ${pvc}`;
  if (missed[0] !== undefined) {
    const { job, due } = missed[0];
    const seen =
      last === undefined
        ? 'it has never been backed up'
        : `its last good backup is ${formatDuration(now.getTime() - last.at.getTime())} old`;
    return problem(
      subject,
      `${seen}, though job ${job} was due at ${formatTime(due)}; Longhorn does not retry`,
      fix,
    );
  }
  if (last === undefined) return ok(subject, 'not backed up yet; its first run is not due yet');
  return ok(subject, `last good backup ${formatDuration(now.getTime() - last.at.getTime())} ago`);
}

/** The run of a job after a moment, if its backup should be there by now. */
function missedRun(
  job: RecurringJob,
  after: Date,
  now: Date,
): { readonly job: string; readonly due: Date }[] {
  const [due, following] = runsAfter(job, after, 2);
  if (due === undefined || following === undefined) return [];
  const grace = Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, (following.getTime() - due.getTime()) / 2));
  return due.getTime() + grace < now.getTime() ? [{ job: job.metadata.name, due }] : [];
}

function latest(one: string, other: string = one): Date {
  return new Date(Math.max(new Date(one).getTime(), new Date(other).getTime()));
}
