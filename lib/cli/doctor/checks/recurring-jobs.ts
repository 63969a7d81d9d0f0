/** Whether each recurring job can run, has run when it was due, and when it runs next. */
import { isBackupJob } from '../../job-membership';
import { describeObject, type CronJob, type RecurringJob, type Setting } from '../../kinds';
import { formatTime } from '../../output';
import { readCron, runsAfter } from '../../schedule';
import { judgeAll, ok, problem, type Check, type Finding } from '../finding';

/** The CronJob starts a run within seconds; Longhorn counts it when the pod runs. */
const START_GRACE_MS = 15 * 60_000;
/** Longhorn's own default of recurring-job-max-retention. */
const DEFAULT_MAX_RETENTION = 100;

export const recurringJobs: Check = {
  name: 'recurring jobs',
  run: ({ recurringJobs, cronJobs, settings, now, namespace }) =>
    judgeAll(
      { recurringJobs, cronJobs, settings },
      'RecurringJobs',
      ({ recurringJobs, cronJobs, settings }) => {
        const backupJobs = recurringJobs.filter(isBackupJob);
        if (backupJobs.length === 0) {
          return [
            problem(
              'RecurringJobs',
              `there is no recurring job in ${namespace} that makes backups`,
              'longhaul deploy',
            ),
          ];
        }
        return backupJobs.flatMap((job) =>
          assessJob(
            job,
            cronJobs.find(({ metadata }) => metadata.name === job.metadata.name),
            settings,
            now,
          ),
        );
      },
    ),
};

function assessJob(
  job: RecurringJob,
  cronJob: CronJob | undefined,
  settings: readonly Setting[],
  now: Date,
): Finding[] {
  const { name, namespace } = job.metadata;
  const subject = describeObject('RecurringJob', name, namespace);
  const { cron = '', retain = 0 } = job.spec;
  if (readCron(cron) === undefined)
    return [problem(subject, `"${cron}" is no cron expression that Longhorn takes`, 'correct spec.cron')];
  const findings: Finding[] = [];
  const maxRetention = Number(
    settings.find(({ metadata }) => metadata.name === 'recurring-job-max-retention')?.value ??
      DEFAULT_MAX_RETENTION,
  );
  if (retain > maxRetention) {
    findings.push(
      problem(
        subject,
        `it keeps ${retain}, and the setting recurring-job-max-retention allows ${maxRetention}`,
        'lower spec.retain or raise the setting',
      ),
    );
  }
  if (cronJob === undefined) {
    findings.push(
      problem(
        subject,
        'its CronJob does not exist, so it never runs',
        'restart longhorn-manager, and see its log: it makes the CronJob',
      ),
    );
  } else if (cronJob.spec.suspend) {
    findings.push(
      problem(
        subject,
        'its CronJob is suspended',
        `kubectl patch -n ${namespace} cronjob ${name} -p '{"spec":{"suspend":false}}'`,
      ),
    );
  } else if (cronJob.spec.schedule !== cron) {
    findings.push(
      problem(
        subject,
        `its CronJob has another schedule, "${cronJob.spec.schedule}"`,
        'see the log of longhorn-manager: it updates the CronJob',
      ),
    );
  }
  const executed = job.status?.executionCount ?? 0;
  const due = overdueSince(job, now);
  if (executed === 0 && cronJob !== undefined && !cronJob.spec.suspend && due !== undefined) {
    const fix = `see kubectl get jobs,pods -n ${namespace} -l recurring-job.longhorn.io=${name}`;
    findings.push(problem(subject, `it has never run, though it was due at ${formatTime(due)}`, fix));
  }
  if (findings.length > 0) return findings;
  const next = runsAfter(job, now, 1)[0];
  const when = next === undefined ? `runs ${cron}` : `"${cron}" is UTC, next run ${formatTime(next)}`;
  return [
    ok(
      subject,
      `${when}; ran ${executed} times; keeps ${retain} per volume (failed and manual backups do not count)`,
    ),
  ];
}

/** The first run since the job was made, if it should have started by now. */
function overdueSince(job: RecurringJob, now: Date): Date | undefined {
  const { creationTimestamp } = job.metadata;
  if (creationTimestamp === undefined) return undefined;
  const first = runsAfter(job, new Date(creationTimestamp), 1)[0];
  return first !== undefined && first.getTime() + START_GRACE_MS < now.getTime() ? first : undefined;
}
