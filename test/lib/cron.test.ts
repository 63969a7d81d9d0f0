import { CronError, parseCron, type CronSchedule, type FieldName } from '../../lib/cron';
import { clockChanges, nextRuns } from '../../lib/cron-runs';

const values = (expression: string, field: FieldName): readonly number[] => {
  const schedule = parseCron(expression);
  return schedule.kind === 'calendar' ? schedule.fields[field].values : [];
};

describe('cron as Longhorn reads it', () => {
  it.each<[string, FieldName, readonly number[]]>([
    ['5 * * * *', 'minute', [5]],
    ['*/20 * * * *', 'minute', [0, 20, 40]],
    ['10/20 * * * *', 'minute', [10, 30, 50]],
    ['10-30/10 * * * *', 'minute', [10, 20, 30]],
    ['1,2,40-42 * * * *', 'minute', [1, 2, 40, 41, 42]],
    ['1,,2 * * * *', 'minute', [1, 2]],
    ['0 0 1 jan,DEC *', 'month', [1, 12]],
    ['0 0 * * mon-fri', 'day of week', [1, 2, 3, 4, 5]],
    ['0 0 ? * 0', 'day of week', [0]],
    ['@weekly', 'day of week', [0]],
    ['@yearly', 'month', [1]],
    ['@annually', 'day of month', [1]],
    ['@monthly', 'day of month', [1]],
    ['@midnight', 'hour', [0]],
    ['@hourly', 'minute', [0]],
    ['  0   2 * * *  ', 'hour', [2]],
  ])('takes %s', (expression, field, expected) => {
    expect(values(expression, field)).toEqual(expected);
  });

  it('takes @every with a Go duration, of one second at least', () => {
    expect(parseCron('@every 1h30m')).toEqual({ kind: 'interval', seconds: 5400 });
    expect(parseCron('@every 10ms')).toEqual({ kind: 'interval', seconds: 1 });
  });

  it.each([
    ['', 'found 0'],
    ['0 2 * *', 'found 4'],
    ['0 0 2 * * *', 'found 6 (there is no field for seconds)'],
    ['TZ=Europe/Paris 0 2 * * *', 'a time zone cannot be given here'],
    ['CRON_TZ=UTC 0 2 * * *', 'a time zone cannot be given here'],
    ['0 2 * * 7', 'day of week "7" is above 6 (Sunday is 0)'],
    ['60 * * * *', 'minute "60" is above 59'],
    ['0 24 * * *', 'hour "24" is above 23'],
    ['0 0 0 * *', 'day of month "0" is below 1'],
    ['0 0 * 13 *', 'month "13" is above 12'],
    ['0 0 L * *', 'day of month "L" uses L, W or #, which Longhorn does not know'],
    ['0 0 * * 1#2', 'day of week "1#2" uses L, W or #, which Longhorn does not know'],
    ['0 0 * * monday', 'day of week "monday" is no number from 0 to 6 or a name from sun to sat'],
    ['*/0 * * * *', 'minute "*/0" has a step of 0'],
    ['*/x * * * *', 'minute "*/x" has a step that is no number'],
    ['1/2/3 * * * *', 'minute "1/2/3" has more than one slash'],
    ['1-2-3 * * * *', 'minute "1-2-3" has more than one hyphen'],
    ['*-5 * * * *', 'minute "*-5" goes from * to something: write numbers'],
    ['30-10 * * * *', 'minute "30-10" begins after its end'],
    [', * * * *', 'minute "," has no value'],
    ['0 0 31 2,4 *', 'no month has such a day: it never runs'],
    [
      '@reboot',
      'unknown descriptor; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every',
    ],
    ['@every tomorrow', '@every takes a duration such as 6h or 1h30m, without a sign'],
    ['@every -5m', '@every takes a duration such as 6h or 1h30m, without a sign'],
  ])('refuses "%s"', (expression, message) => {
    expect(() => parseCron(expression)).toThrow(CronError);
    expect(() => parseCron(expression)).toThrow(message);
  });
});

describe('the next runs', () => {
  const runs = (expression: string, after: string, count = 2): string[] =>
    nextRuns(parseCron(expression), new Date(after), count).map((run) => run.toISOString());

  it('are in UTC and after the moment', () => {
    expect(runs('0 2 * * *', '2026-11-25T02:00:00Z')).toEqual([
      '2026-11-26T02:00:00.000Z',
      '2026-11-27T02:00:00.000Z',
    ]);
  });

  it('match either day where day of month and day of week are both limited', () => {
    expect(runs('0 0 13 * 5', '2026-11-10T00:00:00Z', 3)).toEqual([
      '2026-11-13T00:00:00.000Z',
      '2026-11-20T00:00:00.000Z',
      '2026-11-27T00:00:00.000Z',
    ]);
  });

  it('wait for a leap year', () => {
    expect(runs('0 0 29 2 *', '2026-01-01T00:00:00Z', 1)).toEqual(['2028-02-29T00:00:00.000Z']);
  });

  it('are not known for an interval, which counts from a moment in the cluster', () => {
    const interval: CronSchedule = parseCron('@every 6h');
    expect(nextRuns(interval, new Date(), 3)).toEqual([]);
  });
});

describe('the clock changes of the coming year', () => {
  it('are told to the minute, with their direction', () => {
    expect(clockChanges('Europe/Paris', new Date('2026-11-25T12:00:00Z'))).toEqual([
      { at: new Date('2027-03-28T01:00:00Z'), shiftMinutes: 60 },
      { at: new Date('2027-10-31T01:00:00Z'), shiftMinutes: -60 },
    ]);
  });

  it('are none where the clocks stay', () => {
    expect(clockChanges('Asia/Tokyo', new Date('2026-11-25T12:00:00Z'))).toEqual([]);
  });
});
