import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { unprotectedVolumes } from '../../../../../lib/cli/doctor/checks/unprotected-volumes';
import { healthyFacts, job, volume } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const other = { ...volume, metadata: { name: 'pvc-2', labels: {} }, status: {} };
const forDefault = { ...job, spec: { ...job.spec, groups: ['default'] } };

describe('the check of volumes in no job', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(unprotectedVolumes.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'names those that are in none',
      { volumes: known([volume, other]) },
      {
        verdict: 'ok',
        text: containing('1 of 2 are in no job that backs them up, which may be meant: pvc-2'),
      },
    ],
    ['finds that none is in any', { volumes: known([other]) }, { verdict: 'problem' }],
    [
      'counts the group default for a volume without labels',
      { volumes: known([other]), recurringJobs: known([forDefault]) },
      { verdict: 'ok', text: 'all 1 are in a job that backs them up' },
    ],
    [
      'does not count a job that only makes snapshots',
      { recurringJobs: known([{ ...job, spec: { ...job.spec, task: 'snapshot' } }]) },
      { verdict: 'problem' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(unprotectedVolumes.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
