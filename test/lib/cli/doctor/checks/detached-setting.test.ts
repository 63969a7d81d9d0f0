import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { detachedSetting } from '../../../../../lib/cli/doctor/checks/detached-setting';
import { healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const setting = (value: string): Partial<Facts> => ({
  settings: known([{ metadata: { name: 'allow-recurring-job-while-volume-detached' }, value }]),
});

describe('the check of the setting for detached volumes', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(detachedSetting.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds that it is off',
      setting('false'),
      { verdict: 'problem', text: containing('it is "false"'), fix: containing('kubectl patch') },
    ],
    ['finds that it is missing', { settings: known([]) }, { verdict: 'problem' }],
    [
      'does not know settings that cannot be listed',
      { settings: { known: false, why: 'refused' } },
      { verdict: 'unknown', text: 'refused' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(detachedSetting.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
