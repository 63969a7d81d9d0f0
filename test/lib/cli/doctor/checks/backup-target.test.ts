import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { backupTarget } from '../../../../../lib/cli/doctor/checks/backup-target';
import type { BackupTarget } from '../../../../../lib/cli/kinds';
import { healthyFacts, target } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const spec = (change: NonNullable<BackupTarget['spec']>): Partial<Facts> => ({
  backupTargets: known([{ ...target, spec: { ...target.spec, ...change } }]),
});
const status = (change: NonNullable<BackupTarget['status']>): Partial<Facts> => ({
  backupTargets: known([{ ...target, status: change }]),
});
const unavailable = { type: 'Unavailable', status: 'True', message: 'AWS Error: InvalidAccessKeyId' };

describe('the check of the backup target', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(backupTarget.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds that there is none',
      { backupTargets: known([]) },
      { verdict: 'problem', text: 'it does not exist' },
    ],
    ['finds an empty URL', spec({ backupTargetURL: '' }), { verdict: 'problem', text: 'it has no URL' }],
    [
      'finds a URL without the final slash',
      spec({ backupTargetURL: 's3://longhorn@box' }),
      { verdict: 'problem', fix: containing('the final slash') },
    ],
    [
      'finds that no Secret is named',
      spec({ credentialSecret: '' }),
      { verdict: 'problem', text: 'it names no Secret' },
    ],
    [
      'finds that polling is off',
      spec({ pollInterval: '0s' }),
      { verdict: 'problem', fix: 'set spec.pollInterval to 5m0s' },
    ],
    [
      "shows Longhorn's own message",
      status({ available: false, conditions: [unavailable] }),
      { verdict: 'problem', text: containing('AWS Error: InvalidAccessKeyId') },
    ],
    [
      'finds a sync that is long ago',
      status({ available: true, lastSyncedAt: '2026-11-24T08:00:00Z' }),
      { verdict: 'problem', text: containing('not synced it for 2 h') },
    ],
    ['does not know a target that Longhorn has not looked at', status({}), { verdict: 'unknown' }],
  ])('%s', (_case, facts, expected) => {
    expect(backupTarget.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
