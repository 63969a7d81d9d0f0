/**
 * Cron expressions as Longhorn takes them: by the standard parser of robfig/cron 1.2 (https://github.com/robfig/cron/tree/v1.2.0),
 * which knows no seconds, no time zone, no day of week 7 and no L, W or #. Kubernetes, which runs the job, reads them alike.
 */
import { parseGoDuration } from './go-duration';

/** The values of one field. */
export interface CronField {
  /** Ascending. */
  readonly values: readonly number[];
  /** Written as `*` or `?`: then this field does not limit the days. */
  readonly star: boolean;
}

export type FieldName = 'minute' | 'hour' | 'day of month' | 'month' | 'day of week';

export type CronSchedule =
  | { readonly kind: 'calendar'; readonly fields: Readonly<Record<FieldName, CronField>> }
  /** `@every`: counted from the moment when the job is made or has last run. */
  | { readonly kind: 'interval'; readonly seconds: number };

/** Why an expression cannot be read. */
export class CronError extends Error {
  override readonly name = 'CronError';
}

interface FieldRule {
  readonly name: FieldName;
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

const FIELDS: readonly FieldRule[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 6, names: WEEKDAYS },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** @throws CronError */
export function parseCron(expression: string): CronSchedule {
  if (expression.startsWith('@')) return parseDescriptor(expression);
  const parts = expression.split(/\s+/).filter((part) => part !== '');
  if (/^(CRON_)?TZ=/.test(parts[0] ?? '')) {
    throw new CronError('a time zone cannot be given here: cron runs in UTC; use `at` for a local time');
  }
  if (parts.length !== FIELDS.length) {
    const hint = parts.length === 6 ? ' (there is no field for seconds)' : '';
    throw new CronError(
      `five fields are needed (minute, hour, day of month, month, day of week), found ${parts.length}${hint}`,
    );
  }
  const fields = Object.fromEntries(
    FIELDS.map((rule, index) => [rule.name, parseField(parts[index] ?? '', rule)]),
  ) as Record<FieldName, CronField>;
  if (!everRuns(fields)) throw new CronError('no month has such a day: it never runs');
  return { kind: 'calendar', fields };
}

function parseDescriptor(expression: string): CronSchedule {
  const every = '@every ';
  if (expression.startsWith(every)) {
    const seconds = parseGoDuration(expression.slice(every.length));
    if (seconds === undefined)
      throw new CronError('@every takes a duration such as 6h or 1h30m, without a sign');
    // The parser cuts fractions of a second, and takes less than one second as one.
    return { kind: 'interval', seconds: Math.max(1, Math.floor(seconds)) };
  }
  const meaning = DESCRIPTORS[expression];
  if (meaning === undefined) {
    throw new CronError(`unknown descriptor; there are ${Object.keys(DESCRIPTORS).join(', ')}, @every`);
  }
  return parseCron(meaning);
}

function parseField(text: string, rule: FieldRule): CronField {
  const values = new Set<number>();
  let star = false;
  // Empty items are dropped, as the parser does: `1,,2` is `1,2`.
  for (const item of text.split(',').filter((part) => part !== '')) {
    const range = parseRange(item, rule);
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
    star ||= range.star;
  }
  if (values.size === 0) throw new CronError(`${rule.name} "${text}" has no value`);
  return { values: [...values].sort((left, right) => left - right), star };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly star: boolean;
}

function parseRange(item: string, rule: FieldRule): Range {
  const fail = (reason: string): never => {
    throw new CronError(`${rule.name} "${item}" ${reason}`);
  };
  const [bounds = '', stepText, ...moreSteps] = item.split('/');
  const [low = '', high, ...moreBounds] = bounds.split('-');
  if (moreSteps.length > 0) fail('has more than one slash');
  if (moreBounds.length > 0) fail('has more than one hyphen');
  const step = stepText === undefined ? 1 : (parseNumber(stepText) ?? fail('has a step that is no number'));
  if (step === 0) fail('has a step of 0');
  if (low === '*' || low === '?') {
    if (high !== undefined) fail(`goes from ${low} to something: write numbers`);
    // With a step the days are limited after all, says the newer parser in Kubernetes, which is the one that runs the job.
    return { start: rule.min, end: rule.max, step, star: step === 1 };
  }
  const value = (part: string): number => parseValue(part, rule) ?? fail(unreadable(part, rule));
  const start = value(low);
  // "N/step" means from N to the end of the range.
  const end = high === undefined ? (stepText === undefined ? start : rule.max) : value(high);
  if (start < rule.min) fail(`is below ${rule.min}`);
  if (end > rule.max) fail(`is above ${rule.max}${rule.max === 6 ? ' (Sunday is 0)' : ''}`);
  if (start > end) fail('begins after its end');
  return { start, end, step, star: false };
}

function parseValue(part: string, rule: FieldRule): number | undefined {
  const index = rule.names.indexOf(part.toLowerCase());
  return index >= 0 ? rule.min + index : parseNumber(part);
}

function parseNumber(text: string): number | undefined {
  return /^\+?\d+$/.test(text) ? Number(text) : undefined;
}

function unreadable(part: string, rule: FieldRule): string {
  if (/[LW#]/i.test(part) && /^[\dLW#]+$/i.test(part)) return 'uses L, W or #, which Longhorn does not know';
  const names = rule.names.length > 0 ? ` or a name from ${rule.names[0]} to ${rule.names.at(-1)}` : '';
  return `is no number from ${rule.min} to ${rule.max}${names}`;
}

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function everRuns(fields: Readonly<Record<FieldName, CronField>>): boolean {
  const days = fields['day of month'];
  // Limited in both ways, a day matches by either.
  if (!fields['day of week'].star && !days.star) return true;
  const firstDay = days.values[0] ?? Infinity;
  return fields.month.values.some((month) => firstDay <= (DAYS_IN_MONTH[month - 1] ?? 0));
}
