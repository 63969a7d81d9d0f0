import { App, Chart } from 'cdk8s';
import { backupCharts } from '../../lib/backup-parts';
import { BackupTarget } from '../../lib/backup-target';
import { Gateway } from '../../lib/gateway';
import { LonghornBackup, type LonghornBackupProps } from '../../lib/longhorn-backup';
import { LonghornSetting } from '../../lib/longhorn-setting';
import { RecurringJob } from '../../lib/recurring-job';
import { VolumeLabels } from '../../lib/volume-labels';
import { manifestsOf, ofKind, problemsIn, synthesized, type Manifest } from '../support/synthesis';

const IMAGE = 'registry.example/longhaul:1.2.3';
const daily = { name: 'daily', cron: '0 2 * * *', pvcs: [{ namespace: 'app', name: 'data' }] };
const stack = (props: Partial<LonghornBackupProps> = {}): Manifest[] =>
  synthesized(
    (chart) => new LonghornBackup(chart, 'backup', { image: IMAGE, recurringJobs: [daily], ...props }),
  );
const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;

/** Objects that delete backups or data when they are deleted. */
const DATA = [
  'Backup',
  'BackupVolume',
  'SystemBackup',
  'Volume',
  'PersistentVolume',
  'PersistentVolumeClaim',
];

describe('the backup stack', () => {
  it('has all parts, in the order in which they need each other', () => {
    expect(stack().map(nameOf)).toEqual([
      'ServiceAccount s3-to-ftp',
      'NetworkPolicy s3-to-ftp',
      'Service s3-to-ftp',
      'PodDisruptionBudget s3-to-ftp',
      'Deployment s3-to-ftp',
      'Setting allow-recurring-job-while-volume-detached',
      'BackupTarget default',
      'RecurringJob daily',
      'ServiceAccount longhaul-label-volumes',
      'ClusterRole longhaul-label-volumes',
      'ClusterRoleBinding longhaul-label-volumes',
      'Role longhaul-label-volumes',
      'RoleBinding longhaul-label-volumes',
      'CronJob longhaul-label-volumes',
      expect.stringMatching(/^Job longhaul-label-volumes-/),
    ]);
  });

  it('is the same in one chart as in a file for each step', () => {
    const app = new App();
    new LonghornBackup(app, 'backup', { image: IMAGE, recurringJobs: [daily], parts: backupCharts(app) });
    expect(app.charts.map(({ node }) => node.id)).toEqual([
      'gateways',
      'settings',
      'backup-targets',
      'recurring-jobs',
      'volume-labels',
      'monitoring',
    ]);
    expect(manifestsOf(app)).toEqual(stack());
  });

  it('holds no Secret, and nothing whose deletion deletes data', () => {
    const kinds = stack({ targets: [{}, { name: 'nas', bucket: 'nas-backups' }] }).map(({ kind }) => kind);
    for (const kind of ['Secret', ...DATA]) expect(kinds).not.toContain(kind);
  });

  it('leaves gateways and backup targets out where it is not enabled, and nothing else', () => {
    const kinds = stack({ enabled: false }).map(({ kind }) => kind);
    expect(kinds).not.toContain('Deployment');
    expect(kinds).not.toContain('BackupTarget');
    expect(kinds).toEqual(expect.arrayContaining(['Setting', 'RecurringJob', 'CronJob', 'Job']));
  });

  it('serves every target with a gateway of its own, told its bucket', () => {
    const manifests = stack({
      targets: [
        { bucket: 'one', region: 'box' },
        { name: 'nas', bucket: 'two', region: 'home', gateway: { replicas: 2 } },
      ],
    });
    const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
    expect(deployments.map(nameOf)).toEqual(['Deployment s3-to-ftp', 'Deployment s3-to-ftp-nas']);
    expect(deployments.map((deployment) => JSON.stringify(deployment))).toEqual([
      expect.stringContaining('{"name":"S3_BUCKET","value":"one"}'),
      expect.stringContaining('{"name":"S3_BUCKET","value":"two"}'),
    ]);
    expect(deployments[1]?.spec).toMatchObject({ replicas: 2 });
    const targets = manifests.filter(({ kind }) => kind === 'BackupTarget');
    expect(targets.map(({ metadata, spec }) => ({ name: metadata.name, ...(spec as object) }))).toEqual([
      {
        name: 'default',
        backupTargetURL: 's3://one@box/',
        credentialSecret: 'longhorn-backup-s3-credentials',
        pollInterval: '5m0s',
      },
      {
        name: 'nas',
        backupTargetURL: 's3://two@home/',
        credentialSecret: 'longhorn-backup-s3-credentials-nas',
        pollInterval: '5m0s',
      },
    ]);
  });

  it('puts everything into the namespace of Longhorn, but what is the cluster’s', () => {
    const namespaces = new Map(
      stack({ namespace: 'storage' }).map((manifest) => [nameOf(manifest), manifest.metadata.namespace]),
    );
    namespaces.delete('ClusterRole longhaul-label-volumes');
    namespaces.delete('ClusterRoleBinding longhaul-label-volumes');
    expect(new Set(namespaces.values())).toEqual(new Set(['storage']));
  });

  it('labels what is its own', () => {
    for (const { metadata } of stack())
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/part-of': 'longhaul' });
  });

  it('labels no volumes where no job names PVCs, and unlabels those of a job that names none any more', () => {
    expect(
      stack({ recurringJobs: [{ ...daily, pvcs: undefined, groups: ['default'] }] }).map(({ kind }) => kind),
    ).not.toContain('CronJob');
    expect(JSON.stringify(ofKind(stack({ recurringJobs: [{ ...daily, pvcs: [] }] }), 'Job').spec)).toContain(
      '"daily="',
    );
  });

  it('renames nothing when something is added', () => {
    const before = stack().map(nameOf);
    const after = stack({
      targets: [{ name: 'nas', bucket: 'nas-backups' }, {}],
      recurringJobs: [{ name: 'hourly', cron: '@hourly', groups: ['default'] }, daily],
    }).map(nameOf);
    expect(after).toEqual(expect.arrayContaining(before));
    const files = (jobs: LonghornBackupProps['recurringJobs']): string[] => {
      const app = new App();
      new LonghornBackup(app, 'backup', { image: IMAGE, recurringJobs: jobs, parts: backupCharts(app) });
      return app.charts.map(({ node }) => node.id);
    };
    expect(files([])).toEqual(files([daily]));
  });

  it('is the same however often it is made', () => {
    expect(stack()).toEqual(stack());
  });

  it('makes the settings of old that are the backup target of Longhorn before 1.8', () => {
    const kinds = stack({ longhornVersion: '1.7' });
    expect(kinds.map(nameOf)).toEqual(
      expect.arrayContaining([
        'Setting backup-target',
        'Setting backup-target-credential-secret',
        'Setting backupstore-poll-interval',
      ]),
    );
    expect(kinds.map(({ kind }) => kind)).not.toContain('BackupTarget');
  });

  it('tells the problems of all its parts at once, each with its path', () => {
    const problems = problemsIn(
      (chart) =>
        new LonghornBackup(chart, 'backup', {
          image: 'longhaul',
          namespace: 'Longhorn',
          timeZone: 'Paris',
          longhornVersion: 'newest',
          targets: [{ pollInterval: '300' }, {}],
          recurringJobs: [
            { ...daily, retain: 0 },
            { ...daily, cron: '@daily' },
          ],
          labelSchedule: 'hourly',
        }),
    );
    expect(problems).toEqual([
      '[chart/backup] namespace "Longhorn": expected the namespace of Longhorn: at most 63 of a-z, 0-9 and inner hyphens',
      '[chart/backup] longhornVersion "newest": expected a version such as "1.12" or "v1.12.1"',
      '[chart/backup] timeZone "Paris": expected an IANA name such as "Europe/Paris"',
      '[chart/backup] targets[1].name "default": is the name of targets[0] too',
      '[chart/backup] recurringJobs[1].name "daily": is the name of recurringJobs[0] too',
      expect.stringMatching(
        /^\[chart\/backup\/gateways\/default\] image "longhaul": has neither tag nor digest/,
      ),
      '[chart/backup/backup-targets/default] pollInterval "300": expected a duration with units, such as "5m" or "300s"',
      '[chart/backup/recurring-jobs/daily] retain 0: expected a whole number from 1 to 100',
      expect.stringMatching(/^\[chart\/backup\/volume-labels\/volumes\] image "longhaul": has neither tag/),
      expect.stringMatching(/^\[chart\/backup\/volume-labels\/volumes\] schedule "hourly": /),
    ]);
  });

  it.each<[string, (chart: Chart, namespace: string) => unknown]>([
    ['Gateway', (chart, namespace) => new Gateway(chart, 'x', { image: IMAGE, namespace })],
    ['BackupTarget', (chart, namespace) => new BackupTarget(chart, 'x', { namespace })],
    ['RecurringJob', (chart, namespace) => new RecurringJob(chart, 'x', { ...daily, namespace })],
    [
      'VolumeLabels',
      (chart, namespace) => new VolumeLabels(chart, 'x', { image: IMAGE, jobs: [], namespace }),
    ],
    [
      'LonghornSetting',
      (chart, namespace) => new LonghornSetting(chart, 'x', { name: 'x', value: '1', namespace }),
    ],
  ])('has parts that refuse a namespace that can be none, alone too: %s', (_name, make) => {
    expect(problemsIn((chart) => make(chart, 'Longhorn'))).toEqual([
      '[chart/x] namespace "Longhorn": expected the namespace of Longhorn: at most 63 of a-z, 0-9 and inner hyphens',
    ]);
  });

  it('refuses a second one in the same app, whose objects would overwrite those of the first', () => {
    const problems = problemsIn((chart) => {
      new LonghornBackup(chart, 'one', { image: IMAGE });
      new LonghornBackup(chart, 'two', { image: IMAGE });
    });
    expect(problems).toContain(
      '[chart/two/backup-targets/default/Resource] "longhorn.io BackupTarget longhorn-system/default": the object at chart/one/backup-targets/default/Resource has the same kind and name',
    );
  });

  it('needs a chart to be in, if its parts have none', () => {
    expect(() => new LonghornBackup(new App(), 'backup', { image: IMAGE })).toThrow(/chart/);
    expect(() => new LonghornBackup(new Chart(new App(), 'chart'), 'backup', { image: IMAGE })).not.toThrow();
  });
});
