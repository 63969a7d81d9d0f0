/** Which recurring jobs back up which Volumes, as Longhorn decides it: by the Volume's labels. Pure. */
import { recurringJobGroupLabel, recurringJobLabel } from '../names';
import type { RecurringJob, Volume } from './kinds';
import { enabledJobLabels, hasLabel } from './label/job-labels';

/** Whether a job makes backups (of volumes). */
export function isBackupJob(job: RecurringJob): boolean {
  return job.spec.task === 'backup' || job.spec.task === 'backup-force-create';
}

/** Whether the job runs for the Volume: its own label, a group's label, or group `default` for Volumes without any label. */
export function isInJob(volume: Volume, job: RecurringJob): boolean {
  const groups = job.spec.groups ?? [];
  return (
    hasLabel(volume, recurringJobLabel(job.metadata.name)) ||
    groups.some((group) => hasLabel(volume, recurringJobGroupLabel(group))) ||
    (groups.includes('default') && enabledJobLabels(volume).length === 0)
  );
}
