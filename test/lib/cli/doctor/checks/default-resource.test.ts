import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { defaultResource } from '../../../../../lib/cli/doctor/checks/default-resource';
import { healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const configMap = (text: string): Partial<Facts> => ({
  defaultResource: known({
    metadata: { name: 'longhorn-default-resource' },
    data: { 'default-resource.yaml': text },
  }),
});

describe("the check of Longhorn's defaults", () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(defaultResource.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds another URL',
      configMap('backup-target: s3://other@box/'),
      { verdict: 'problem', text: containing('it sets backup-target to something else') },
    ],
    [
      'finds a key that is there but empty',
      configMap('backup-target-credential-secret: ""'),
      { verdict: 'problem', text: containing('backup-target-credential-secret') },
    ],
    [
      'finds another poll interval, which is in seconds there',
      configMap('backupstore-poll-interval: 600'),
      { verdict: 'problem' },
    ],
    [
      'is content with the same values',
      configMap('backup-target: s3://longhorn@box/\nbackupstore-poll-interval: 300'),
      { verdict: 'ok' },
    ],
    ['finds text that is no YAML', configMap('a: [b'), { verdict: 'problem', text: containing('no YAML') }],
  ])('%s', (_case, facts, expected) => {
    expect(defaultResource.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
