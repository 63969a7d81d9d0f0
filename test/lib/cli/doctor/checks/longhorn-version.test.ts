import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { longhornVersion } from '../../../../../lib/cli/doctor/checks/longhorn-version';
import { healthyFacts, pvc } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const version = (value: string): Partial<Facts> => ({
  settings: known([{ metadata: { name: 'current-longhorn-version' }, value }]),
});
const source = {
  ...pvc,
  metadata: { ...pvc.metadata, labels: { 'recurring-job.longhorn.io/source': 'enabled' } },
};

describe('the check of the Longhorn version', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(longhornVersion.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'says that 1.12 hides failed volumes',
      version('v1.12.1'),
      { verdict: 'ok', text: containing('ends as Complete even where') },
    ],
    [
      'says that 1.7 makes its target of settings',
      version('v1.7.2'),
      { verdict: 'ok', text: containing('made of settings') },
    ],
    ['does not know a cluster without the setting', { settings: known([]) }, { verdict: 'unknown' }],
    [
      'does not know a version that is none',
      version('latest'),
      { verdict: 'unknown', text: containing('"latest"') },
    ],
    [
      'finds source labels that 1.4 does not know',
      { ...version('v1.4.0'), pvcs: known([source]) },
      { verdict: 'problem', text: containing('app/data') },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(longhornVersion.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
