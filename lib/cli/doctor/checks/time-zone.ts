/** Whether the cluster runs cron in UTC: seen from when its CronJobs really started. */
import { nextRuns } from '../../../cron-runs';
import { isBackupJob } from '../../job-membership';
import { describeObject, type CronJob } from '../../kinds';
import { formatTime } from '../../output';
import { readCron } from '../../schedule';
import { judgeAll, ok, problem, type Check, type Finding } from '../finding';

export const timeZone: Check = {
  name: 'time zone',
  run: ({ recurringJobs, cronJobs, now }) =>
    judgeAll({ recurringJobs, cronJobs }, 'time zone', ({ recurringJobs, cronJobs }) => {
      const names = new Set(recurringJobs.filter(isBackupJob).map(({ metadata }) => metadata.name));
      return cronJobs
        .filter(({ metadata }) => names.has(metadata.name))
        .flatMap((cronJob) => assessCronJob(cronJob, now));
    }),
};

/** `lastScheduleTime` is the time that the controller meant, to the minute: under UTC it is one of the expression's own. */
function assessCronJob(cronJob: CronJob, now: Date): Finding[] {
  const { name, namespace } = cronJob.metadata;
  const subject = describeObject('CronJob', name, namespace);
  const { schedule: cron, timeZone: zone } = cronJob.spec;
  if (zone !== undefined && !/^(Etc\/)?(UTC|GMT)$/.test(zone)) {
    return [
      problem(
        subject,
        `it runs by the clocks of ${zone}, not UTC`,
        `kubectl delete -n ${namespace} cronjob ${name} (Longhorn makes it anew)`,
      ),
    ];
  }
  const schedule = readCron(cron);
  const last = cronJob.status?.lastScheduleTime;
  if (schedule === undefined || schedule.kind === 'interval') return [];
  if (last === undefined) {
    const next = nextRuns(schedule, now, 1)[0];
    return [
      ok(
        subject,
        `it has not started yet${next === undefined ? '' : `; in UTC it would at ${formatTime(next)}`}`,
      ),
    ];
  }
  const meant = new Date(last);
  const minuteBefore = new Date(meant.getTime() - 60_000);
  const match = nextRuns(schedule, minuteBefore, 1)[0];
  if (match !== undefined && match.getTime() - minuteBefore.getTime() <= 60_000) {
    return [ok(subject, `started last at ${formatTime(meant)}, which is "${cron}" in UTC`)];
  }
  const text = `started last at ${formatTime(meant)}, which "${cron}" does not name in UTC: the controller manager runs in another time zone`;
  return [
    problem(
      subject,
      text,
      'run kube-controller-manager in UTC (TZ, /etc/localtime), or write spec.cron for its zone',
    ),
  ];
}
