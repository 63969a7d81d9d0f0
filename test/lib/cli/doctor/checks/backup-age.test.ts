import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { backupAge } from '../../../../../lib/cli/doctor/checks/backup-age';
import { backup, healthyFacts, job, volume } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const at = (snapshotCreatedAt: string): Partial<Facts> => ({
  backups: known([{ ...backup, status: { ...backup.status, snapshotCreatedAt } }]),
});
const weekly = { ...job, spec: { ...job.spec, cron: '0 2 * * 0' } };
const young = { ...volume, metadata: { ...volume.metadata, creationTimestamp: '2026-11-24T09:00:00Z' } };
const told = { ...volume, status: { ...volume.status, lastBackupAt: '2026-11-24T02:00:00Z' } };

describe('the check of the last backups', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(backupAge.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds that a run was missed',
      at('2026-11-22T02:00:00Z'),
      {
        verdict: 'problem',
        text: containing('its last good backup is 2 d old, though job daily was due at 2026-11-23 02:00 UTC'),
        fix: 'longhaul backup now app/data',
      },
    ],
    [
      'finds a volume that was never backed up',
      { backups: known([]) },
      { verdict: 'problem', text: containing('it has never been backed up') },
    ],
    [
      'is content with an old backup of a weekly job',
      { ...at('2026-11-22T02:00:00Z'), recurringJobs: known([weekly]) },
      { verdict: 'ok' },
    ],
    [
      'waits for the first run of a young volume',
      { backups: known([]), volumes: known([young]) },
      { verdict: 'ok', text: containing('not due yet') },
    ],
    [
      "takes Longhorn's word where the Backup is gone",
      { backups: known([]), volumes: known([told]) },
      { verdict: 'ok', text: 'last good backup 8 h ago' },
    ],
    [
      'does not count a failed backup',
      { backups: known([{ ...backup, status: { ...backup.status, state: 'Error' } }]) },
      { verdict: 'problem' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(backupAge.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
