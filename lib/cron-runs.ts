/** When a job will run, in UTC and on the clocks of a time zone. */
import { Cron } from 'croner';
import type { CronField, CronSchedule } from './cron';
import { offsetMinutes } from './time-zone';

/** The first runs after a moment. Empty for `@every`, which counts from a moment that only the cluster knows. */
export function nextRuns(schedule: CronSchedule, after: Date, count: number): Date[] {
  if (schedule.kind === 'interval') return [];
  const { fields } = schedule;
  const pattern = [
    fields.minute,
    fields.hour,
    fields['day of month'],
    fields.month,
    fields['day of week'],
  ].map(fieldPattern);
  // Every value is written out, so that the libraries' views on steps and names cannot differ.
  return new Cron(pattern.join(' '), { timezone: 'UTC', mode: '5-part' }).nextRuns(count, after);
}

function fieldPattern({ values, star }: CronField): string {
  return star ? '*' : values.join(',');
}

/** A change of the clocks: what runs at a fixed time in UTC comes `shiftMinutes` later by them from then on. */
export interface ClockChange {
  readonly at: Date;
  readonly shiftMinutes: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;
const YEAR_DAYS = 366;

/** The clock changes of a zone in the year after a moment, to the minute. */
export function clockChanges(zone: string, after: Date): ClockChange[] {
  const changes: ClockChange[] = [];
  for (let day = 0; day < YEAR_DAYS; day++) {
    const start = after.getTime() + day * DAY_MS;
    const shiftMinutes = offsetMinutes(zone, start + DAY_MS) - offsetMinutes(zone, start);
    if (shiftMinutes !== 0) changes.push({ at: changeBetween(zone, start, start + DAY_MS), shiftMinutes });
  }
  return changes;
}

/** Halves the span until a minute is left. */
function changeBetween(zone: string, start: number, end: number): Date {
  let [before, after] = [start, end];
  const offset = offsetMinutes(zone, before);
  while (after - before > MINUTE_MS) {
    const middle = before + Math.floor((after - before) / 2);
    if (offsetMinutes(zone, middle) === offset) before = middle;
    else after = middle;
  }
  return new Date(Math.floor(after / MINUTE_MS) * MINUTE_MS);
}
