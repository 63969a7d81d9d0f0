import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart } from 'cdk8s';
import { BackupTarget } from '../../lib/backup-target';
import { Gateway } from '../../lib/gateway';
import { LonghornSetting } from '../../lib/longhorn-setting';
import { addNote, PropsError } from '../../lib/problems';
import { RecurringJob } from '../../lib/recurring-job';
import type { RecurringJobProps } from '../../lib/recurring-job-options';
import { LonghornSecret } from '../../lib/secrets';
import { synthesize } from '../../lib/synthesize';
import { upcomingRuns } from '../../lib/upcoming-runs';

const NOW = new Date('2026-11-25T12:00:00Z');

describe('synthesize', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'longhaul-synth-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const app = (name: string): App => new App({ outdir: join(directory, name) });

  it('tells the problems of all apps in one error, and writes nothing', () => {
    const [one, two, good] = [app('one'), app('two'), app('good')];
    new Gateway(new Chart(one, 'a'), 'gateway', { image: 'longhaul' });
    new BackupTarget(new Chart(two, 'b'), 'target', { bucket: 'x', region: '' });
    new LonghornSetting(new Chart(good, 'c'), 'setting', { name: 'x', value: '1' });
    let error: unknown;
    try {
      synthesize([good, one, two]);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(PropsError);
    expect((error as PropsError).problems.map(({ path, prop }) => `${path} ${prop}`)).toEqual([
      'a/gateway image',
      'b/target bucket',
      'b/target region',
    ]);
    expect((error as PropsError).message).toMatch(
      /^There are 3 problems:\n- \[a\/gateway\] image "longhaul": /,
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is what cdk8s itself refuses, too', () => {
    const bad = app('bad');
    new Gateway(new Chart(bad, 'chart'), 'gateway', { image: 'longhaul' });
    expect(() => bad.synth()).toThrow(/\[chart\/gateway\] image "longhaul": has neither tag/);
    const same = app('same');
    const chart = new Chart(same, 'chart');
    new LonghornSetting(chart, 'one', { name: 'x', value: '1' });
    new LonghornSetting(chart, 'two', { name: 'x', value: '2' });
    expect(() => same.synth()).toThrow(/has the same kind and name/);
  });

  it('reports warnings, notes and the next runs', () => {
    const stack = app('stack');
    const chart = new Chart(stack, 'chart');
    new RecurringJob(chart, 'job', { name: 'daily', cron: '@daily' });
    addNote(chart, 'read this');
    const lines: string[] = [];
    synthesize([stack], { now: NOW, report: (line) => lines.push(line) });
    expect(lines).toEqual([
      expect.stringMatching(/^Warning: \[chart\/job\] pvcs: neither/),
      'Note: read this',
      'daily (@daily): Thu 2026-11-26 00:00, Fri 2026-11-27 00:00, Sat 2026-11-28 00:00 UTC',
    ]);
  });

  it('writes no file for a chart without objects, and nothing for an app without', () => {
    const [some, none] = [app('some'), app('none')];
    new LonghornSetting(new Chart(some, 'full'), 'setting', { name: 'x', value: '1' });
    new Chart(some, 'empty');
    new Chart(none, 'empty');
    synthesize([some, none]);
    expect(readdirSync(some.outdir)).toEqual(['full.k8s.yaml']);
    expect(existsSync(none.outdir)).toBe(false);
  });

  it('keeps a directory with Secrets to its user, one that was there already too', () => {
    const secrets = app('secrets');
    mkdirSync(secrets.outdir, { mode: 0o755 });
    const credentials = {
      ftp_host: 'ftp.example',
      ftp_user: 'homelab',
      ftp_password: 'correct horse',
      s3_access_key_id: 'longhorn',
      s3_secret_access_key: 'battery staple',
    };
    new LonghornSecret(new Chart(secrets, 'secrets'), 'secret', { credentials, endpoint: 'http://a:9000' });
    synthesize([secrets]);
    expect(statSync(secrets.outdir).mode & 0o777).toBe(0o700);
  });
});

describe('the upcoming runs', () => {
  const runsOf = (props: Partial<RecurringJobProps>): string[] => {
    const app = new App();
    new RecurringJob(new Chart(app, 'chart'), 'job', { name: 'job', groups: ['default'], ...props });
    return upcomingRuns(app, NOW);
  };

  it('are shown by the clocks of the zone too, with what moves them within the year', () => {
    expect(runsOf({ cron: '0 2 * * 0', timeZone: 'Europe/Paris' })).toEqual([
      'job (0 2 * * 0): Sun 2026-11-29 02:00, Sun 2026-12-06 02:00, Sun 2026-12-13 02:00 UTC',
      '  in Europe/Paris: Sun 2026-11-29 03:00, Sun 2026-12-06 03:00, Sun 2026-12-13 03:00 (from 2027-03-28 on 60 min later, from 2027-10-31 on 60 min earlier)',
    ]);
  });

  it('are on another day there', () => {
    expect(runsOf({ at: 'Mon 06:00 Asia/Tokyo' })).toEqual([
      'job (0 21 * * 0): Sun 2026-11-29 21:00, Sun 2026-12-06 21:00, Sun 2026-12-13 21:00 UTC',
      '  in Asia/Tokyo: Mon 2026-11-30 06:00, Mon 2026-12-07 06:00, Mon 2026-12-14 06:00',
    ]);
  });

  it('of an interval are not known', () => {
    expect(runsOf({ cron: '@every 6h' })).toEqual([
      'job (@every 6h): every 6h0m0s, counted from when it is applied',
    ]);
  });

  it('of a job with problems are left out', () => {
    expect(runsOf({ cron: 'never' })).toEqual([]);
  });
});
