import { BackupTarget, type BackupTargetProps } from '../../lib/backup-target';
import { ofKind, problemsIn, synthesized } from '../support/synthesis';

const target = (props: BackupTargetProps) => (chart: ConstructorParameters<typeof BackupTarget>[0]) =>
  new BackupTarget(chart, 'target', props);

describe('a backup target', () => {
  it('has a URL with the slash at its end, and no syncRequestedAt', () => {
    expect(ofKind(synthesized(target({ bucket: 'longhorn', region: 'box' })), 'BackupTarget')).toEqual({
      apiVersion: 'longhorn.io/v1beta2',
      kind: 'BackupTarget',
      metadata: {
        name: 'default',
        namespace: 'longhorn-system',
        labels: { 'app.kubernetes.io/part-of': 'longhaul' },
      },
      spec: {
        backupTargetURL: 's3://longhorn@box/',
        credentialSecret: 'longhorn-backup-s3-credentials',
        pollInterval: '5m0s',
      },
    });
  });

  it.each([
    ['300s', '5m0s'],
    ['1h', '1h0m0s'],
    ['45s', '45s'],
    ['1.5h', '1h30m0s'],
  ])('writes the poll interval %s as Longhorn writes it back: %s', (given, written) => {
    expect(ofKind(synthesized(target({ pollInterval: given })), 'BackupTarget').spec).toMatchObject({
      pollInterval: written,
    });
  });

  it('has a Secret of its own where it has a name of its own', () => {
    expect(ofKind(synthesized(target({ name: 'nas' })), 'BackupTarget').spec).toMatchObject({
      credentialSecret: 'longhorn-backup-s3-credentials-nas',
    });
    expect(ofKind(synthesized(target({ credentialSecret: 'sealed' })), 'BackupTarget').spec).toMatchObject({
      credentialSecret: 'sealed',
    });
  });

  it('is made of three settings for Longhorn before 1.8', () => {
    const props = { bucket: 'longhorn', region: 'box', pollInterval: '10m', longhornVersion: 'v1.7.2' };
    expect(
      synthesized(target(props)).map(({ kind, metadata, ...rest }) => [kind, metadata.name, rest]),
    ).toEqual([
      ['Setting', 'backup-target', { apiVersion: 'longhorn.io/v1beta2', value: 's3://longhorn@box/' }],
      [
        'Setting',
        'backup-target-credential-secret',
        { apiVersion: 'longhorn.io/v1beta2', value: 'longhorn-backup-s3-credentials' },
      ],
      ['Setting', 'backupstore-poll-interval', { apiVersion: 'longhorn.io/v1beta2', value: '600' }],
    ]);
  });

  it.each<[string, BackupTargetProps, string]>([
    [
      'a name in upper case',
      { name: 'NAS' },
      'name "NAS": expected at least 2 of a-z, 0-9, inner hyphens and dots',
    ],
    [
      'a second target before 1.8',
      { name: 'nas', longhornVersion: '1.7' },
      'name "nas": Longhorn has targets besides "default" since 1.8, and this is 1.7',
    ],
    [
      'a version that is none',
      { longhornVersion: 'newest' },
      'longhornVersion "newest": expected a version such as "1.12" or "v1.12.1"',
    ],
    [
      'a bucket of two characters',
      { bucket: 'ab' },
      'bucket "ab": expected 3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends',
    ],
    [
      'an empty region',
      { region: '' },
      'region "": expected a word of a-z, 0-9 and inner hyphens; it is part of the URL and must not be empty',
    ],
    [
      'a Secret that cannot be',
      { credentialSecret: 'My Secret' },
      'credentialSecret "My Secret": expected the name of a Secret in the namespace of Longhorn',
    ],
    [
      'a poll interval without unit',
      { pollInterval: '300' },
      'pollInterval "300": expected a duration with units, such as "5m" or "300s"',
    ],
    [
      'no polling',
      { pollInterval: '0s' },
      'pollInterval "0s": 0 turns polling off: a target that was away would never be found again, and failed backups would stay',
    ],
    ['half a second', { pollInterval: '500ms' }, 'pollInterval "500ms": expected whole seconds'],
  ])('refuses %s', (_name, props, message) => {
    expect(problemsIn(target(props))).toEqual([`[chart/target] ${message}`]);
  });

  it('refuses a URL that another target has, whatever its case', () => {
    expect(
      problemsIn((chart) => {
        new BackupTarget(chart, 'one', {});
        new BackupTarget(chart, 'two', { name: 'nas' });
      }),
    ).toEqual([
      '[chart/two/Resource] "s3://longhorn-backups@us-east-1/": the BackupTarget at chart/one/Resource has the same URL, and Longhorn refuses that: give them different buckets or regions',
    ]);
  });
});
