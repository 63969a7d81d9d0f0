import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { recurringJobs } from '../../../../../lib/cli/doctor/checks/recurring-jobs';
import { cronJob, healthyFacts, job } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const settings = known([{ metadata: { name: 'recurring-job-max-retention' }, value: '5' }]);
const suspended = { ...cronJob, spec: { ...cronJob.spec, suspend: true } };
const neverRun = { ...job, status: {} };
const young = { ...neverRun, metadata: { ...job.metadata, creationTimestamp: '2026-11-24T09:00:00Z' } };

describe('the check of the recurring jobs', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(recurringJobs.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'tells the next run in UTC',
      {},
      { verdict: 'ok', text: containing('next run 2026-11-25 02:00 UTC; ran 23 times') },
    ],
    [
      'finds that no job makes backups',
      { recurringJobs: known([{ ...job, spec: { ...job.spec, task: 'snapshot' } }]) },
      { verdict: 'problem', fix: 'longhaul deploy' },
    ],
    [
      'finds cron that Longhorn refuses',
      { recurringJobs: known([{ ...job, spec: { ...job.spec, cron: '0 2 * * 7' } }]) },
      { verdict: 'problem', fix: 'correct spec.cron' },
    ],
    [
      'finds that the CronJob is missing',
      { cronJobs: known([]) },
      { verdict: 'problem', text: containing('CronJob does not exist') },
    ],
    [
      'finds a suspended CronJob',
      { cronJobs: known([suspended]) },
      { verdict: 'problem', text: 'its CronJob is suspended' },
    ],
    [
      'finds a CronJob with another schedule',
      { cronJobs: known([{ ...cronJob, spec: { schedule: '0 3 * * *' } }]) },
      { verdict: 'problem', text: containing('"0 3 * * *"') },
    ],
    [
      'finds a job that was due and never ran',
      { recurringJobs: known([neverRun]) },
      { verdict: 'problem', text: 'it has never run, though it was due at 2026-11-01 02:00 UTC' },
    ],
    [
      'is content with a young job that never ran',
      { recurringJobs: known([young]) },
      { verdict: 'ok', text: containing('ran 0 times') },
    ],
    [
      'finds more kept than Longhorn allows',
      { settings },
      { verdict: 'problem', text: containing('allows 5') },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(recurringJobs.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
