import { parseCron } from '../../../lib/cron';
import { backupAlerts, oldestBackupSeconds } from '../../../lib/monitoring/backup-alerts';

const HOUR = 3_600;
const DAY = 24 * HOUR;

describe('how old a last backup may become', () => {
  it.each([
    ['0 2 * * *', 30 * HOUR, 'a day and a quarter'],
    ['0 * * * *', 2 * HOUR, 'an hour, and an hour for the backup'],
    ['0 3 * * 0', 8 * DAY, 'a week and a day'],
    ['0 3 1 * *', 32 * DAY, 'the longest month and a day'],
    ['0 2 * * 1-5', 3 * DAY + 18 * HOUR, 'a weekend'],
    ['*/5 9-17 * * 1-5', 79 * HOUR, 'a weekend, from 17:55 to 9:00, though it runs every 5 minutes'],
    ['* * 1 * *', 31 * DAY + HOUR, 'from the last minute of a first of the month to the next'],
    ['0 1,2 * * *', 29 * HOUR, 'from 2:00 to 1:00'],
    ['0 0 29 2 *', 2922 * DAY, 'the 8 years around 2100, which is no leap year'],
    ['@every 6h', 8 * HOUR, 'six hours and a quarter, in whole hours'],
    ['@weekly', 8 * DAY, 'a week and a day'],
  ])('for %s is %i s: %s', (cron, seconds) => {
    expect(oldestBackupSeconds(parseCron(cron))).toBe(seconds);
  });
});

describe('alerts on backups', () => {
  const jobOf = (more: object) => ({ name: 'job', schedule: parseCron('@daily'), pvcs: [], ...more });
  const names = (...jobs: ReturnType<typeof jobOf>[]) =>
    backupAlerts({ jobs, namespace: 'longhorn-system' }).map(({ name }) => name);

  it('are none where no job backs up', () => {
    expect(names(jobOf({ task: 'snapshot' }))).toEqual([]);
    expect(names()).toEqual([]);
  });

  it('know for each job with PVCs what is late and what never was', () => {
    expect(names(jobOf({ pvcs: [{ namespace: 'a', name: 'b' }] }))).toEqual([
      'LonghaulBackupOldJob',
      'LonghaulNeverBackedUpJob',
      'LonghaulLonghornMetricsMissing',
      'LonghaulBackupFailed',
      'LonghaulBackupStuck',
      'LonghaulBackupSizeAnomaly',
    ]);
  });

  it('do not call a volume forgotten that may belong to no job', () => {
    expect(names(jobOf({ groups: ['x'] }))).not.toContain('LonghaulNeverBackedUp');
  });

  it('each have a line that says what to do first', () => {
    for (const { runbook } of backupAlerts({ jobs: [jobOf({})], namespace: 'longhorn-system' }))
      expect(runbook.length).toBeGreaterThan(30);
  });
});
