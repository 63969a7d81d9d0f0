import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { failedBackups } from '../../../../../lib/cli/doctor/checks/failed-backups';
import { backup, healthyFacts } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const failed = {
  ...backup,
  metadata: { ...backup.metadata, name: 'backup-2' },
  status: {
    ...backup.status,
    state: 'Error',
    error: 'failed to acquire lock',
    snapshotCreatedAt: '2026-11-24T03:00:00Z',
  },
};
const earlier = { ...failed, status: { ...failed.status, snapshotCreatedAt: '2026-11-23T02:00:00Z' } };

describe('the check of failed backups', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(failedBackups.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds one, with its error and the command that mends it',
      { backups: known([backup, failed]) },
      {
        verdict: 'problem',
        subject: 'Backup backup-2 of app/data',
        text: 'failed: failed to acquire lock',
        fix: 'longhaul backup now app/data',
      },
    ],
    [
      'is content where a later one succeeded',
      { backups: known([backup, earlier]) },
      { verdict: 'ok', text: containing('a later one succeeded') },
    ],
    [
      'does not know backups that cannot be listed',
      { backups: { known: false, why: 'refused' } },
      { verdict: 'unknown' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(failedBackups.run({ ...healthyFacts, ...facts })).toContainEqual(
      expect.objectContaining(expected),
    );
  });
});
