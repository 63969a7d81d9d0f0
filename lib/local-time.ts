/** From a time on a local clock to cron, which runs in UTC and so cannot follow daylight saving. */
import { WEEKDAYS } from './cron';
import { formatOffset, isTimeZone, offsetMinutes } from './time-zone';

/** A local time as cron. */
export interface UtcCron {
  /** Five fields, in UTC. */
  readonly cron: string;
  /** IANA name of the zone of the local time. */
  readonly timeZone: string;
  /** What daylight saving does to it; absent where the zone has none. */
  readonly note?: string;
}

/** Why a local time cannot be read. */
export class LocalTimeError extends Error {
  override readonly name = 'LocalTimeError';
}

const DAY_MINUTES = 24 * 60;

/**
 * Turns `03:00 Europe/Paris`, `Sun 03:00 Europe/Paris` or `Mon-Fri,Sun 03:00 Europe/Paris` into cron in UTC, by the offset that the zone
 * has outside of daylight saving. During daylight saving the job runs later on the clock; the note says by how much.
 * @param year whose rules of the zone are taken. @default the current one
 * @throws LocalTimeError
 */
export function cronInUtc(localTime: string, year: number = new Date().getUTCFullYear()): UtcCron {
  const match = /^(?:([A-Za-z,-]+) +)?(\d{1,2}):(\d{2}) +(\S+)$/.exec(localTime.trim());
  const [, days, hour = '', minute = '', timeZone = ''] = match ?? [];
  if (!match || Number(hour) > 23 || Number(minute) > 59) {
    throw new LocalTimeError(
      'expected a time and a zone such as "03:00 Europe/Paris", or with days "Sun 03:00 Europe/Paris"',
    );
  }
  if (!isTimeZone(timeZone)) throw new LocalTimeError(`"${timeZone}" is no time zone`);
  const offsets = [0, 6].map((month) => offsetMinutes(timeZone, Date.UTC(year, month, 1)));
  const standard = Math.min(...offsets);
  const saving = Math.max(...offsets) - standard;
  const local = Number(hour) * 60 + Number(minute);
  const utc = local - standard;
  const cron = `${mod(utc, 60)} ${Math.floor(mod(utc, DAY_MINUTES) / 60)} * * ${shiftDays(days, Math.floor(utc / DAY_MINUTES))}`;
  if (saving === 0) return { cron, timeZone };
  const clock = (minutes: number): string => {
    const inDay = mod(minutes, DAY_MINUTES);
    return `${String(Math.floor(inDay / 60)).padStart(2, '0')}:${String(inDay % 60).padStart(2, '0')}`;
  };
  return {
    cron,
    timeZone,
    note: `cron runs in UTC and cannot follow daylight saving: "${cron}" is ${clock(local)} in ${timeZone} at ${formatOffset(standard)}, and ${clock(local + saving)} at ${formatOffset(standard + saving)}`,
  };
}

function mod(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}

/** The day-of-week field: `*`, or the days moved by as many as UTC is behind (-1) or ahead (1). */
function shiftDays(days: string | undefined, shift: number): string {
  if (days === undefined) return '*';
  const numbers = new Set(days.split(',').flatMap(daysOfRange));
  return [...numbers]
    .map((day) => mod(day + shift, 7))
    .sort((left, right) => left - right)
    .join(',');
}

function daysOfRange(range: string): number[] {
  const [first = -1, last = first, ...more] = range
    .split('-')
    .map((day) => WEEKDAYS.indexOf(day.toLowerCase()));
  if (first < 0 || last < 0 || more.length > 0) {
    throw new LocalTimeError(`"${range}" is no day of the week: there are ${WEEKDAYS.join(', ')}`);
  }
  // Fri-Mon goes over the weekend.
  return Array.from({ length: mod(last - first, 7) + 1 }, (_, index) => mod(first + index, 7));
}
