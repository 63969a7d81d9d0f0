import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { timeZone } from '../../../../../lib/cli/doctor/checks/time-zone';
import type { CronJob } from '../../../../../lib/cli/kinds';
import { cronJob, healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const ran = (lastScheduleTime?: string, spec: Partial<CronJob['spec']> = {}): Partial<Facts> => ({
  cronJobs: known([
    {
      ...cronJob,
      spec: { ...cronJob.spec, ...spec },
      status: lastScheduleTime === undefined ? {} : { lastScheduleTime },
    },
  ]),
});

describe('the check of the time zone', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(timeZone.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds a run at 02:00 of another zone',
      ran('2026-11-24T01:00:00Z'),
      {
        verdict: 'problem',
        text: containing('2026-11-24 01:00 UTC, which "0 2 * * *" does not name in UTC'),
      },
    ],
    [
      'finds a zone in the CronJob',
      ran(undefined, { timeZone: 'Europe/Paris' }),
      { verdict: 'problem', text: containing('Europe/Paris') },
    ],
    [
      'is content with UTC in the CronJob',
      ran('2026-11-24T02:00:00Z', { timeZone: 'Etc/UTC' }),
      { verdict: 'ok' },
    ],
    [
      'tells when a job that never started would',
      ran(),
      { verdict: 'ok', text: containing('2026-11-25 02:00 UTC') },
    ],
    [
      'is content with any zone where it makes no difference',
      ran('2026-11-24T01:30:00Z', { schedule: '*/30 * * * *' }),
      { verdict: 'ok' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(timeZone.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
