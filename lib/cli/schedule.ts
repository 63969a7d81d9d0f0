/** When a recurring job runs. Pure. */
import { CronError, parseCron, type CronSchedule } from '../cron';
import { nextRuns } from '../cron-runs';
import type { RecurringJob } from './kinds';

/** Undefined for what Longhorn's parser refuses. */
export function readCron(expression: string): CronSchedule | undefined {
  try {
    return parseCron(expression);
  } catch (error) {
    if (error instanceof CronError) return undefined;
    throw error;
  }
}

/** The job's first runs after a moment; none where its cron cannot be read, or counts from a moment that only the cluster knows. */
export function runsAfter(job: RecurringJob, after: Date, amount: number): Date[] {
  const schedule = readCron(job.spec.cron ?? '');
  return schedule === undefined ? [] : nextRuns(schedule, after, amount);
}
