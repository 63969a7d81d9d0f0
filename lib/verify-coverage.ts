/** How long a verification of a share a day takes to read every block. Pure. */
import type { CronSchedule } from './cron';
import { nextRuns } from './cron-runs';

const DAY = 86_400;
/** Any moment will do: what follows from it is the same each time. */
const FROM = new Date('2023-12-31T12:00:00Z');
/** Shares of more parts than that are not looked at. */
const MOST_PARTS = 100;

/**
 * The longest time from one read of a block to the next, in seconds: the day decides which part of the blocks a run reads. `never` if some part's turn does not come at
 * all, as with `1/7` on one day of the week. Undefined for a share of more than 100 parts, or a share that is none.
 */
export function longestUnreadSeconds(schedule: CronSchedule, share: string): number | 'never' | undefined {
  const [, part, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(share) ?? []).map(Number);
  if (part === undefined || of === undefined || part < 1 || part > of || of > MOST_PARTS) return undefined;
  const lastRead = new Map<number, number>();
  let longest: number | undefined;
  const days = runDays(schedule, 4 * of + 400);
  for (const day of days) {
    for (let slice = 0; slice < part; slice++) {
      const number = (day * part + slice) % of;
      const before = lastRead.get(number);
      if (before !== undefined) longest = Math.max(longest ?? 0, day - before);
      lastRead.set(number, day);
    }
  }
  if (lastRead.size < of || longest === undefined) return 'never';
  return Math.max(1, longest) * DAY;
}

/** Days with a run, as days since the epoch in UTC. */
function runDays(schedule: CronSchedule, count: number): number[] {
  if (schedule.kind === 'interval') {
    const step = Math.max(1, schedule.seconds / DAY);
    return Array.from({ length: count }, (_, index) => Math.floor(index * step));
  }
  const midnight = { values: [0], star: false };
  const daily = { ...schedule, fields: { ...schedule.fields, hour: midnight, minute: midnight } };
  return nextRuns(daily, FROM, count).map((run) => Math.floor(run.getTime() / (DAY * 1000)));
}
