import { RecurringJob } from '../../lib/recurring-job';
import type { RecurringJobProps } from '../../lib/recurring-job-options';
import { ofKind, problemsIn, synthesized, warningsIn } from '../support/synthesis';

const DAILY = { name: 'daily', cron: '0 2 * * *', groups: ['default'] };
const job = (props: Partial<RecurringJobProps>) => (chart: ConstructorParameters<typeof RecurringJob>[0]) =>
  new RecurringJob(chart, 'job', { ...DAILY, ...props });
const manifest = (props: Partial<RecurringJobProps> = {}) => ofKind(synthesized(job(props)), 'RecurringJob');

describe('a recurring job', () => {
  it('says everything that Longhorn would fill in, so that the cluster differs in nothing', () => {
    expect(manifest({ groups: undefined, pvcs: [{ namespace: 'app', name: 'data' }] })).toEqual({
      apiVersion: 'longhorn.io/v1beta2',
      kind: 'RecurringJob',
      metadata: {
        name: 'daily',
        namespace: 'longhorn-system',
        labels: { 'app.kubernetes.io/part-of': 'longhaul' },
      },
      spec: {
        name: 'daily',
        cron: '0 2 * * *',
        task: 'backup',
        groups: [],
        retain: 7,
        concurrency: 1,
        labels: {},
        parameters: {},
      },
    });
  });

  it('takes what its props say', () => {
    expect(
      manifest({
        namespace: 'storage',
        task: 'snapshot',
        retain: 3,
        concurrency: 2,
        groups: ['default', 'databases'],
        labels: { 'example.com/by': 'longhaul' },
      }),
    ).toMatchObject({
      metadata: { namespace: 'storage' },
      spec: {
        task: 'snapshot',
        retain: 3,
        concurrency: 2,
        groups: ['default', 'databases'],
        labels: { 'example.com/by': 'longhaul' },
      },
    });
  });

  it.each([
    [0, '1'],
    [1, '2'],
    [5, '6'],
  ])(
    'with %i incremental backups between two full ones makes every run of number %s full',
    (interval, runs) => {
      expect(manifest({ fullBackupInterval: interval, retain: interval + 2 }).spec).toMatchObject({
        parameters: { 'full-backup-interval': runs },
      });
    },
  );

  it('keeps nothing where its task keeps nothing', () => {
    expect(manifest({ task: 'filesystem-trim' }).spec).toMatchObject({ retain: 0 });
  });

  it('turns a local time into UTC, and says that it cannot follow daylight saving', () => {
    const local = { cron: undefined, at: '03:00 Europe/Paris' };
    expect(manifest(local).spec).toMatchObject({ cron: '0 2 * * *' });
    expect(warningsIn(job(local))).toEqual([
      '[chart/job] at "03:00 Europe/Paris": cron runs in UTC and cannot follow daylight saving: "0 2 * * *" is 03:00 in Europe/Paris at UTC+1, and 04:00 at UTC+2',
    ]);
  });

  it('knows the label that puts a volume into it', () => {
    synthesized((chart) => {
      expect(job({})(chart).volumeLabel).toBe('recurring-job.longhorn.io/daily');
    });
  });
});

const LONG_NAME = 'a'.repeat(41);
const pvc = (name: string) => ({ namespace: 'app', name });

describe('the rules of recurring jobs', () => {
  it.each<[string, Partial<RecurringJobProps>, string]>([
    [
      'a name in upper case',
      { name: 'Daily' },
      'name "Daily": expected 2 to 40 of a-z, 0-9, hyphens and dots, a letter or digit at both ends',
    ],
    [
      'a name that Longhorn would cut',
      { name: LONG_NAME },
      `name "${LONG_NAME}": has 41 characters: Longhorn cuts names of more than 40 and adds a hash, and labels made from the name would not match`,
    ],
    [
      'a name of one character',
      { name: 'a' },
      'name "a": expected 2 to 40 of a-z, 0-9, hyphens and dots, a letter or digit at both ends',
    ],
    ['no time', { cron: undefined }, 'cron: exactly one of `cron` (UTC) and `at` (a local time) is needed'],
    [
      'two times',
      { at: '03:00 Asia/Tokyo' },
      'cron "0 2 * * *": exactly one of `cron` (UTC) and `at` (a local time) is needed',
    ],
    [
      'cron with seconds',
      { cron: '0 0 2 * * *' },
      'cron "0 0 2 * * *": five fields are needed (minute, hour, day of month, month, day of week), found 6 (there is no field for seconds)',
    ],
    [
      'a time without zone',
      { cron: undefined, at: '03:00' },
      'at "03:00": expected a time and a zone such as "03:00 Europe/Paris", or with days "Sun 03:00 Europe/Paris"',
    ],
    [
      'a zone that is none',
      { timeZone: 'Paris' },
      'timeZone "Paris": expected an IANA name such as "Europe/Paris"',
    ],
    [
      'an unknown task',
      { task: 'restore' as 'backup' },
      'task "restore": expected one of snapshot, snapshot-force-create, snapshot-cleanup, snapshot-delete, backup, backup-force-create, filesystem-trim, system-backup',
    ],
    [
      'a task that Longhorn does not have yet',
      { task: 'system-backup', groups: undefined, longhornVersion: 'v1.8.2' },
      'task "system-backup": Longhorn has it since 1.9, and this is v1.8.2',
    ],
    [
      'volumes for a backup of the cluster',
      { task: 'system-backup', groups: undefined, pvcs: [pvc('data')] },
      'pvcs [{"namespace":"app","name":"data"}]: a system backup is of the cluster, not of volumes',
    ],
    [
      'groups for a backup of the cluster',
      { task: 'system-backup' },
      'groups ["default"]: a system backup is of the cluster, not of volumes',
    ],
    ['a retain of 0', { retain: 0 }, 'retain 0: expected a whole number from 1 to 100'],
    ['a retain of 101', { retain: 101 }, 'retain 101: expected a whole number from 1 to 100'],
    ['a retain of two and a half', { retain: 2.5 }, 'retain 2.5: expected a whole number from 1 to 100'],
    [
      'a retain for a task that keeps nothing',
      { task: 'snapshot-cleanup', retain: 1 },
      'retain 1: the task snapshot-cleanup keeps nothing: leave `retain` out',
    ],
    [
      'a retain equal to the interval',
      { retain: 3, fullBackupInterval: 3 },
      'retain 3: must be greater than fullBackupInterval (3): otherwise there are times when no full backup is among those kept, and a block damaged on the target stays in all of them until the next full one; the smallest good `retain` is 5',
    ],
    [
      'a default retain below the interval',
      { fullBackupInterval: 10 },
      'retain 7: must be greater than fullBackupInterval (10): otherwise there are times when no full backup is among those kept, and a block damaged on the target stays in all of them until the next full one; the smallest good `retain` is 12',
    ],
    [
      'an interval below 0',
      { fullBackupInterval: -1 },
      'fullBackupInterval -1: expected a whole number from 0 (0: every backup is full)',
    ],
    [
      'an interval for a task without backups',
      { task: 'snapshot', fullBackupInterval: 5 },
      'fullBackupInterval 5: the task snapshot makes no backups: only backup and backup-force-create take it',
    ],
    [
      'an interval that Longhorn does not know yet',
      { fullBackupInterval: 5, longhornVersion: '1.6' },
      'fullBackupInterval 5: Longhorn has full backups since 1.7, and this is 1.6',
    ],
    [
      'no concurrency',
      { concurrency: 0 },
      'concurrency 0: expected a whole number from 1; a smaller one would crash the job',
    ],
    [
      'a group of one character',
      { groups: ['default', 'x'] },
      'groups[1] "x": expected 2 to 63 letters, digits, dots, hyphens or underscores, a letter or digit at both ends',
    ],
    ['a label without value', { labels: { by: '' } }, 'labels.by "": Longhorn refuses an empty value'],
    [
      'a label key that is none',
      { labels: { 'a b': 'c' } },
      'labels.a b "c": the key is no label key of Kubernetes (`name` or `prefix/name`)',
    ],
    [
      'a label of Longhorn’s own',
      { labels: { KubernetesStatus: 'x' } },
      'labels.KubernetesStatus "x": Longhorn keeps this key for itself',
    ],
    [
      'a PVC twice',
      { pvcs: [pvc('data'), pvc('logs'), pvc('data')] },
      'pvcs[2] "app/data": is in the list already, as pvcs[0]',
    ],
    [
      'a PVC without namespace',
      { pvcs: [{ name: 'data' } as ReturnType<typeof pvc>] },
      'pvcs[0].namespace: expected the namespace of the PVC: at most 63 of a-z, 0-9 and inner hyphens',
    ],
    [
      'a PVC without name',
      { pvcs: [{ namespace: 'app' } as ReturnType<typeof pvc>] },
      'pvcs[0].name: expected the name of the PVC: a-z, 0-9, inner hyphens and dots',
    ],
  ])('refuse %s', (_name, props, message) => {
    expect(problemsIn(job(props))).toEqual([`[chart/job] ${message}`]);
  });

  it('tell every problem of a job', () => {
    expect(problemsIn(job({ name: 'X', cron: 'never', retain: 0, concurrency: 0 }))).toHaveLength(4);
  });

  it('warn where one full backup is all that is kept', () => {
    expect(warningsIn(job({ retain: 4, fullBackupInterval: 3 }))).toEqual([
      '[chart/job] retain 4: is only one more than fullBackupInterval (3): one full backup is kept, and none after a full run that failed; the smallest good `retain` is 5',
    ]);
    expect(warningsIn(job({ retain: 5, fullBackupInterval: 3 }))).toEqual([]);
    expect(warningsIn(job({ retain: 1, fullBackupInterval: 0 }))).toEqual([]);
  });

  it('warn of a job that is for no volume', () => {
    expect(warningsIn(job({ groups: undefined }))).toEqual([
      '[chart/job] pvcs: neither `pvcs` nor `groups` is given: no volume is in the job unless something else labels it',
    ]);
  });

  it('take the configurations that users are told are good', () => {
    for (const [retain, fullBackupInterval] of [
      [7, 5],
      [10, 7],
    ])
      expect(problemsIn(job({ retain, fullBackupInterval }))).toEqual([]);
  });
});
