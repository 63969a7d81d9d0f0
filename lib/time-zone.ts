/** Time zones by their IANA names, as the runtime's own data has them. */

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

interface WallClock {
  readonly date: string;
  readonly time: string;
  readonly weekday: string;
}

/** What calendars and clocks of the zone show at a moment: `2026-03-29`, `03:00`, `Sun`. */
export function wallClock(zone: string, moment: Date | number): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    weekday: 'short',
  });
  const part = Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
  return {
    date: `${part['year']}-${part['month']}-${part['day']}`,
    time: `${part['hour']}:${part['minute']}`,
    weekday: part['weekday'] ?? '',
  };
}

/** Minutes by which the zone is ahead of UTC at a moment. */
export function offsetMinutes(zone: string, moment: number): number {
  const { date, time } = wallClock(zone, moment);
  return Math.round((Date.parse(`${date}T${time}Z`) - Math.floor(moment / 60_000) * 60_000) / 60_000);
}

/** `UTC`, `UTC+1`, `UTC-3:30`. */
export function formatOffset(minutes: number): string {
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}
