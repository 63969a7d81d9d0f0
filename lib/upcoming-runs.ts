/** When the recurring jobs of an app will run: cron is in UTC, and people are not. */
import type { IConstruct } from 'constructs';
import { clockChanges, nextRuns } from './cron-runs';
import { formatGoDuration } from './go-duration';
import { RecurringJob } from './recurring-job';
import { wallClock } from './time-zone';

const RUNS_SHOWN = 3;
/** A run that is later by whole days has the same time of day. */
const MINUTE_MS = 60_000;

/** For each job of the app its next three runs in UTC and, if it has a time zone, by the clocks there, with what they are moved by in the coming year. */
export function upcomingRuns(app: IConstruct, now: Date): string[] {
  return app.node
    .findAll()
    .filter((construct) => construct instanceof RecurringJob)
    .flatMap((job) => linesOf(job, now));
}

function linesOf({ jobName, cron = '', schedule, timeZone }: RecurringJob, now: Date): string[] {
  if (schedule === undefined) return [];
  const title = `${jobName} (${cron})`;
  if (schedule.kind === 'interval')
    return [`${title}: every ${formatGoDuration(schedule.seconds)}, counted from when it is applied`];
  const runs = nextRuns(schedule, now, RUNS_SHOWN);
  const lines = [`${title}: ${showRuns(runs, 'UTC')} UTC`];
  if (timeZone !== undefined && timeZone !== 'UTC') {
    lines.push(`  in ${timeZone}: ${showRuns(runs, timeZone)}${showChanges(timeZone, now)}`);
  }
  return lines;
}

function showRuns(runs: readonly Date[], zone: string): string {
  return runs
    .map((run) => {
      const { weekday, date, time } = wallClock(zone, run);
      return `${weekday} ${date} ${time}`;
    })
    .join(', ');
}

function showChanges(zone: string, now: Date): string {
  const changes = clockChanges(zone, now).map(({ at, shiftMinutes }) => {
    const { date } = wallClock(zone, new Date(at.getTime() + MINUTE_MS));
    const way = shiftMinutes > 0 ? 'later' : 'earlier';
    return `from ${date} on ${Math.abs(shiftMinutes)} min ${way}`;
  });
  return changes.length === 0 ? '' : ` (${changes.join(', ')})`;
}
