/** Each alert fires when it must, and stays silent in the near miss: judged by Debian's promtool. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupAlerts, type AlertedJob } from '../../../lib/monitoring/backup-alerts';
import { gatewayAlerts } from '../../../lib/monitoring/gateway-alerts';
import { verificationAlerts } from '../../../lib/monitoring/verification-alerts';
import { prometheusRules } from '../../../lib/monitoring/prometheus-rules';
import type { AlertRule } from '../../../lib/monitoring/alert-rule';
import { parseCron } from '../../../lib/cron';
import { hasPrometheus, promtool } from '../../support/prometheus';

const namespace = 'longhorn-system';
const daily: AlertedJob = {
  name: 'daily-backup',
  schedule: parseCron('0 2 * * *'),
  pvcs: [
    { namespace: 'app', name: 'data' },
    { namespace: 'app', name: 'data.v2' },
  ],
};
const weekly: AlertedJob = {
  name: 'weekly',
  schedule: parseCron('0 3 * * 0'),
  pvcs: [{ namespace: 'home', name: 'config' }],
};
const group: AlertedJob = { name: 'group', schedule: parseCron('0 4 * * *'), pvcs: [] };

const gateway = gatewayAlerts({ gateway: 's3-to-ftp', namespace });
const verified = verificationAlerts({
  ...{ gateway: 's3-to-ftp', namespace },
  expected: {
    ...{ name: 'longhaul-verify', mirrorName: 'longhaul-mirror-verify' },
    ...{ schedule: parseCron('23 3 * * *'), share: '1/4' },
  },
});
const backups = backupAlerts({ jobs: [daily, weekly], namespace });
const withGroup = backupAlerts({ jobs: [daily, group], namespace });
const withFull = backupAlerts({ jobs: [{ ...daily, fullBackupInterval: 5 }], namespace });
const older = backupAlerts({ jobs: [daily], namespace, longhornVersion: '1.10' });

const GIB = 1024 ** 3;
const JOB = 'job="s3-to-ftp",instance="10.0.0.1:9464"';
const last = (pvcNamespace: string, pvc: string): string =>
  `longhorn_volume_last_backup_at{node="n1",volume="pvc-1",pvc="${pvc}",pvc_namespace="${pvcNamespace}"}`;

interface Case {
  readonly rules: readonly AlertRule[];
  readonly alert: string;
  /** Series by name and labels, in promtool's notation, a value a minute unless `every` says otherwise; and when it is looked. */
  readonly fires: readonly [Readonly<Record<string, string>>, at: string];
  readonly silent: readonly (readonly [Readonly<Record<string, string>>, at: string])[];
  readonly every?: string;
}

// Time begins at the epoch: a backup of long ago has a time of 1, and `0` means never.
const VERDICT = (verdict: string, location = 'first'): string =>
  `longhaul_verification_backups{${JOB},location="${location}",volume="pvc-1",verdict="${verdict}"}`;
const PROBLEMS = `longhaul_verification_problems{${JOB},location="first",volume="pvc-1"}`;
const verifiedAt = (location: string): string =>
  `longhaul_verification_last_success_timestamp_seconds{${JOB},location="${location}"}`;
const VERIFIED_AT = verifiedAt('first');
const covered = (location: string): string =>
  `longhaul_verification_coverage_timestamp_seconds{${JOB},location="${location}"}`;
const COVERED = covered('first');
const STARTED_AT = `process_start_time_seconds{${JOB}}`;
/** A checkpoint of `taken`, and `changes` since, at a gateway that serves. */
const checkpoint = (taken: string, changes: string, more: Readonly<Record<string, string>> = {}) => ({
  [`longhaul_checkpoint_timestamp_seconds{${JOB}}`]: taken,
  [`longhaul_checkpoint_changes{${JOB}}`]: changes,
  [`longhaul_checkpoint_interval_seconds{${JOB}}`]: '3600x20',
  [`longhaul_serving{${JOB}}`]: '1x20',
  [STARTED_AT]: '1x20',
  ...more,
});

const CASES: Readonly<Record<string, Case>> = {
  'a backup that a verification found damaged': {
    rules: verified,
    alert: 'LonghaulVerificationDamage',
    fires: [{ [VERDICT('damaged')]: '0x5 2x20', [PROBLEMS]: '0x25' }, '10m'],
    silent: [
      [{ [VERDICT('damaged')]: '0x25', [VERDICT('unknown')]: '3x25', [PROBLEMS]: '0x25' }, '10m'],
      // Mended.
      [{ [VERDICT('damaged')]: '2x5 0x20', [PROBLEMS]: '0x25' }, '10m'],
    ],
  },
  'a volume that cannot be restored for another reason': {
    rules: verified,
    alert: 'LonghaulVerificationDamage',
    fires: [{ [VERDICT('damaged')]: '0x25', [PROBLEMS]: '1x25' }, '10m'],
    silent: [],
  },
  'a verification that is overdue': {
    rules: verified,
    alert: 'LonghaulVerificationOverdue',
    every: '30m',
    fires: [{ [VERIFIED_AT]: '1x100', [STARTED_AT]: '1x100' }, '31h'],
    silent: [
      [{ [VERIFIED_AT]: '1x100', [STARTED_AT]: '1x100' }, '30h'],
      [{ [VERIFIED_AT]: '1x46 82800x60', [STARTED_AT]: '1x100' }, '40h'],
      // Damage has an alert of its own, and no run is without a fault while it lasts.
      [{ [VERIFIED_AT]: '1x100', [STARTED_AT]: '1x100', [VERDICT('damaged')]: '1x100' }, '40h'],
    ],
  },
  'a verification that never was': {
    rules: verified,
    alert: 'LonghaulVerificationOverdue',
    every: '30m',
    fires: [{ [STARTED_AT]: '1x100' }, '31h'],
    silent: [[{ [STARTED_AT]: '1x46 82800x60' }, '40h']],
  },
  'a backup that a verification found damaged on the mirror': {
    rules: verified,
    alert: 'LonghaulMirrorVerificationDamage',
    fires: [{ [VERDICT('damaged', 'mirror')]: '2x25', [VERDICT('damaged')]: '0x25' }, '10m'],
    silent: [[{ [VERDICT('damaged', 'mirror')]: '0x25', [VERDICT('damaged')]: '2x25' }, '10m']],
  },
  'a verification of the mirror that is overdue': {
    rules: verified,
    alert: 'LonghaulMirrorVerificationOverdue',
    every: '30m',
    fires: [
      { [verifiedAt('mirror')]: '1x100', [VERIFIED_AT]: '1x46 82800x60', [STARTED_AT]: '1x100' },
      '40h',
    ],
    silent: [
      [{ [verifiedAt('mirror')]: '1x46 82800x60', [VERIFIED_AT]: '1x100', [STARTED_AT]: '1x100' }, '40h'],
    ],
  },
  'blocks whose turn was missed twice': {
    rules: verified,
    alert: 'LonghaulVerificationIncomplete',
    every: '6h',
    fires: [{ [COVERED]: '1x60' }, '228h'],
    silent: [
      [{ [COVERED]: '1x60' }, '210h'],
      [{ [COVERED]: '0+21600x60' }, '228h'],
      // Not all have had their turn yet.
      [{ [VERIFIED_AT]: '1x60' }, '228h'],
    ],
  },
  'blocks of the mirror whose turn was missed twice': {
    rules: verified,
    alert: 'LonghaulMirrorVerificationIncomplete',
    every: '6h',
    fires: [{ [covered('mirror')]: '1x60', [COVERED]: '0+21600x60' }, '228h'],
    silent: [[{ [covered('mirror')]: '0+21600x60', [COVERED]: '1x60' }, '228h']],
  },
  'a checkpoint that is old': {
    rules: gateway,
    alert: 'LonghaulCheckpointOld',
    every: '30m',
    fires: [checkpoint('1x20', '5x20'), '6h'],
    silent: [
      [checkpoint('1x20', '5x20'), '4h'],
      // Nothing has changed since, so none is due.
      [checkpoint('1x20', '0x20'), '6h'],
      [checkpoint('1x8 14400x20', '5x20'), '6h'],
      // It stands by.
      [checkpoint('1x20', '5x20', { [`longhaul_serving{${JOB}}`]: '0x20' }), '6h'],
      // A longer interval was asked for.
      [checkpoint('1x20', '5x20', { [`longhaul_checkpoint_interval_seconds{${JOB}}`]: '86400x20' }), '6h'],
    ],
  },
  'a checkpoint that was never taken': {
    rules: gateway,
    alert: 'LonghaulCheckpointOld',
    every: '30m',
    fires: [checkpoint('0x20', '5x20'), '6h'],
    silent: [[checkpoint('0x20', '5x20', { [STARTED_AT]: '1x8 14400x20' }), '6h']],
  },
  'a daily volume without a backup for 30 hours': {
    rules: backups,
    alert: 'LonghaulBackupOldDailyBackup',
    every: '1h',
    fires: [{ [last('app', 'data')]: '1x40' }, '32h'],
    silent: [
      [{ [last('app', 'data')]: '1x40' }, '29h'],
      [{ [last('app', 'data')]: '1x20 72000x20' }, '40h'],
      [{ [last('app', 'data')]: '0x40' }, '40h'],
      [{ [last('other', 'data')]: '1x40' }, '40h'],
      // The dot in a name is a dot.
      [{ [last('app', 'dataXv2')]: '1x40' }, '40h'],
    ],
  },
  'a name with a dot': {
    rules: backups,
    alert: 'LonghaulBackupOldDailyBackup',
    every: '1h',
    fires: [{ [last('app', 'data.v2')]: '1x40' }, '32h'],
    silent: [],
  },
  'a weekly volume without a backup for 8 days': {
    rules: backups,
    alert: 'LonghaulBackupOldWeekly',
    every: '6h',
    fires: [{ [last('home', 'config')]: '1x40' }, '210h'],
    silent: [
      [{ [last('home', 'config')]: '1x40' }, '190h'],
      [{ [last('app', 'data')]: '1x40' }, '210h'],
    ],
  },
  'a volume that moves from one node to another': {
    rules: backups,
    alert: 'LonghaulBackupOldDailyBackup',
    every: '1h',
    fires: [
      { [last('app', 'data')]: '1x31 _x20', [last('app', 'data').replace('n1', 'n2')]: '_x31 1x20' },
      '34h',
    ],
    silent: [],
  },
  'a volume of a job that only the cluster knows the volumes of': {
    rules: withGroup,
    alert: 'LonghaulBackupOld',
    every: '1h',
    fires: [{ [last('other', 'thing')]: '1x40' }, '32h'],
    silent: [
      [{ [last('app', 'data')]: '1x40' }, '32h'],
      [{ [last('other', 'thing')]: '0x40' }, '32h'],
    ],
  },
  'a volume that was never backed up': {
    rules: backups,
    alert: 'LonghaulNeverBackedUpDailyBackup',
    every: '1h',
    fires: [{ [last('app', 'data')]: '0x40' }, '31h'],
    silent: [
      [{ [last('app', 'data')]: '0x40' }, '29h'],
      [{ [last('app', 'data')]: '0x20 72000x20' }, '40h'],
      [{ [last('home', 'config')]: '0x40' }, '31h'],
    ],
  },
  'no backup for 30 hours before Longhorn 1.11': {
    rules: older,
    alert: 'LonghaulBackupOld',
    every: '1h',
    fires: [{ [`longhaul_volume_last_backup_timestamp_seconds{${JOB},volume="pvc-1"}`]: '1x40' }, '32h'],
    silent: [[{ [`longhaul_volume_last_backup_timestamp_seconds{${JOB},volume="pvc-1"}`]: '1x40' }, '29h']],
  },
  "Longhorn's metrics missing": {
    rules: backups,
    alert: 'LonghaulLonghornMetricsMissing',
    fires: [{ up: '1x60' }, '31m'],
    silent: [
      [{ up: '1x60' }, '29m'],
      [{ [last('any', 'thing')]: '1x60' }, '40m'],
    ],
  },
  'a failed backup': {
    rules: backups,
    alert: 'LonghaulBackupFailed',
    fires: [{ 'longhorn_backup_state{volume="v",backup="b",recurring_job=""}': '2x5 4x20' }, '10m'],
    silent: [[{ 'longhorn_backup_state{volume="v",backup="b",recurring_job="daily"}': '2x5 3x20' }, '10m']],
  },
  'a stuck backup': {
    rules: backups,
    alert: 'LonghaulBackupStuck',
    every: '30m',
    fires: [{ 'longhorn_backup_state{volume="v",backup="b",recurring_job=""}': '2x30' }, '13h'],
    silent: [
      [{ 'longhorn_backup_state{volume="v",backup="b",recurring_job=""}': '2x30' }, '11h'],
      [{ 'longhorn_backup_state{volume="v",backup="b",recurring_job=""}': '2x20 3x10' }, '13h'],
    ],
  },
  'a backup far larger than usual': {
    rules: backups,
    alert: 'LonghaulBackupSizeAnomaly',
    every: '1h',
    fires: [{ [size()]: `${GIB}x150 ${6 * GIB}x10` }, '155h'],
    silent: [
      [{ [size()]: `${GIB}x150 ${4 * GIB}x10` }, '155h'],
      [{ [size()]: `${GIB / 1024}x150 ${GIB / 2}x10` }, '155h'],
      // The first one of all uploads everything.
      [{ [size()]: `_x150 ${900 * GIB}x10` }, '155h'],
    ],
  },
  'a backup larger than any full one': {
    rules: withFull,
    alert: 'LonghaulBackupSizeAnomaly',
    every: '1h',
    fires: [{ [size()]: `${GIB}x100 ${9 * GIB}x24 ${GIB}x30 ${20 * GIB}x20` }, '160h'],
    silent: [[{ [size()]: `${GIB}x100 ${9 * GIB}x24 ${GIB}x30 ${10 * GIB}x20` }, '160h']],
  },
  'a gateway that is down': {
    rules: gateway,
    alert: 'LonghaulGatewayDown',
    fires: [{ [`up{${JOB}}`]: '1x5 0x20' }, '12m'],
    silent: [
      [{ [`up{${JOB}}`]: '1x5 0x3 1x20' }, '20m'],
      // A second replica is enough.
      [{ [`up{${JOB}}`]: '0x20', 'up{job="s3-to-ftp",instance="b"}': '1x20' }, '12m'],
    ],
  },
  'a gateway that was never there': {
    rules: gateway,
    alert: 'LonghaulGatewayDown',
    fires: [{ 'up{job="another"}': '1x20' }, '12m'],
    silent: [],
  },
  'no gateway that serves': {
    rules: gateway,
    alert: 'LonghaulGatewayNotServing',
    fires: [{ [`longhaul_serving{${JOB}}`]: '1x5 0x20' }, '18m'],
    silent: [
      [{ [`longhaul_serving{${JOB}}`]: '1x5 0x5 1x20' }, '20m'],
      [
        { [`longhaul_serving{${JOB}}`]: '0x30', 'longhaul_serving{job="s3-to-ftp",instance="b"}': '1x30' },
        '20m',
      ],
    ],
  },
  'an FTP server out of reach': {
    rules: gateway,
    alert: 'LonghaulFtpUnreachable',
    fires: [{ [`longhaul_ftp_last_reply_timestamp_seconds{${JOB}}`]: '0x20' }, '6m'],
    silent: [
      [{ [`longhaul_ftp_last_reply_timestamp_seconds{${JOB}}`]: '0x20' }, '4m'],
      [{ [`longhaul_ftp_last_reply_timestamp_seconds{${JOB}}`]: '0+60x20' }, '15m'],
    ],
  },
  'a full account': {
    rules: gateway,
    alert: 'LonghaulFtpFull',
    fires: [{ [`longhaul_ftp_full{${JOB}}`]: '0x5 1x20' }, '10m'],
    silent: [[{ [`longhaul_ftp_full{${JOB}}`]: '1x5 0x20' }, '10m']],
  },
  'little space left': {
    rules: gateway,
    alert: 'LonghaulFtpSpaceLow',
    fires: [{ [`longhaul_ftp_available_bytes{${JOB}}`]: `${19 * GIB}x30` }, '20m'],
    silent: [[{ [`longhaul_ftp_available_bytes{${JOB}}`]: `${21 * GIB}x30` }, '20m']],
  },
  'an FTP certificate near its end': {
    rules: gateway,
    alert: 'LonghaulFtpCertificateEnding',
    every: '1h',
    fires: [{ [`longhaul_ftp_certificate_expiry_timestamp_seconds{${JOB}}`]: `${14 * 86_400}x10` }, '3h'],
    silent: [[{ [`longhaul_ftp_certificate_expiry_timestamp_seconds{${JOB}}`]: `${15 * 86_400}x10` }, '3h']],
  },
  'an S3 certificate near its end': {
    rules: gateway,
    alert: 'LonghaulS3CertificateEnding',
    every: '1h',
    fires: [{ [`longhaul_s3_certificate_expiry_timestamp_seconds{${JOB}}`]: `${14 * 86_400}x10` }, '3h'],
    silent: [[{ [`longhaul_s3_certificate_expiry_timestamp_seconds{${JOB}}`]: `${15 * 86_400}x10` }, '3h']],
  },
  'a mirror that lags': {
    rules: gateway,
    alert: 'LonghaulMirrorLagging',
    fires: [
      {
        [`longhaul_mirror_lag_seconds{${JOB}}`]: '0x5 901+60x20',
        [`longhaul_mirror_max_lag_seconds{${JOB}}`]: '900x30',
      },
      '10m',
    ],
    silent: [
      [
        {
          [`longhaul_mirror_lag_seconds{${JOB}}`]: '899x20',
          [`longhaul_mirror_max_lag_seconds{${JOB}}`]: '900x20',
        },
        '10m',
      ],
    ],
  },
  'a mirror of which nobody knows what it lacks': {
    rules: gateway,
    alert: 'LonghaulMirrorIncomplete',
    fires: [{ [`longhaul_mirror_complete{${JOB}}`]: '0x80' }, '70m'],
    silent: [
      [{ [`longhaul_mirror_complete{${JOB}}`]: '0x80' }, '50m'],
      [{ [`longhaul_mirror_complete{${JOB}}`]: '0x30 1x50' }, '70m'],
    ],
  },
  'a mirror with files that only it has': {
    rules: gateway,
    alert: 'LonghaulMirrorExtraFiles',
    fires: [{ [`longhaul_mirror_extra_files{${JOB}}`]: '0x5 3x20' }, '15m'],
    silent: [[{ [`longhaul_mirror_extra_files{${JOB}}`]: '3x5 0x20' }, '15m']],
  },
  'a delete that the guard refused': {
    rules: gateway,
    alert: 'LonghaulGuardObjected',
    fires: [{ [`longhaul_guard_objections_total{${JOB},reason="named"}`]: '0x5 3x20' }, '10m'],
    silent: [[{ [`longhaul_guard_objections_total{${JOB},reason="named"}`]: '3x90' }, '80m']],
  },
  'a Longhorn that went silent': {
    rules: gateway,
    alert: 'LonghaulLonghornSilent',
    fires: [
      {
        [`longhaul_longhorn_last_request_timestamp_seconds{${JOB}}`]: '1x80',
        [`process_start_time_seconds{${JOB}}`]: '1x80',
      },
      '70m',
    ],
    silent: [
      [{ [`longhaul_longhorn_last_request_timestamp_seconds{${JOB}}`]: '1x80' }, '59m'],
      [{ [`longhaul_longhorn_last_request_timestamp_seconds{${JOB}}`]: '0+60x80' }, '75m'],
    ],
  },
  'a Longhorn that was never seen': {
    rules: gateway,
    alert: 'LonghaulLonghornSilent',
    fires: [{ [`process_start_time_seconds{${JOB}}`]: '1x80' }, '70m'],
    silent: [
      [{ [`process_start_time_seconds{${JOB}}`]: '1x80' }, '50m'],
      // The one that stands by is not asked.
      [
        {
          [`process_start_time_seconds{${JOB}}`]: '1x80',
          'longhaul_longhorn_last_request_timestamp_seconds{job="s3-to-ftp",instance="b"}': '0+60x80',
        },
        '75m',
      ],
    ],
  },
};

function size(): string {
  return `longhaul_volume_last_backup_received_bytes{${JOB},volume="v"}`;
}

interface Scenario extends Omit<Case, 'fires' | 'silent'> {
  readonly name: string;
  readonly series: Readonly<Record<string, string>>;
  readonly at: string;
  readonly fires: boolean;
}

const RULES: readonly (readonly AlertRule[])[] = [gateway, verified, backups, withGroup, withFull, older];
const SCENARIOS: readonly Scenario[] = Object.entries(CASES).flatMap(([title, each]) =>
  [each.fires, ...each.silent].map(([series, at], index) => ({
    ...{ ...each, series, at, fires: index === 0 },
    name: index === 0 ? title : `the near miss ${index} of ${title}`,
  })),
);

(hasPrometheus ? describe : describe.skip)('alert rules, by promtool', () => {
  let directory = '';
  beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'longhaul-rules-'))));
  afterAll(() => rmSync(directory, { recursive: true }));

  const write = (name: string, content: object): string => {
    const path = join(directory, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };

  it.each([
    ['of a gateway', gateway],
    ['of verification', verified],
    ['of backups', backups],
    ['with a group', withGroup],
    ['with full backups', withFull],
    ['before Longhorn 1.11', older],
  ])('are valid %s', async (name, rules) => {
    const path = write(`check-${name}.json`, prometheusRules(rules));
    expect(await promtool(['check', 'rules', path])).toMatchObject({ exitCode: 0 });
  });

  /** Cases that share rules and interval go to promtool together, for each run of it takes its time. What it says of each, by name. */
  async function judge(cases: readonly Scenario[]): Promise<Map<string, string>> {
    const verdicts = new Map<string, string>();
    const groups = new Map<string, Scenario[]>();
    for (const each of cases) {
      const key = `${each.every ?? '1m'}-${RULES.indexOf(each.rules)}`;
      groups.set(key, [...(groups.get(key) ?? []), each]);
    }
    for (const [name, group] of groups) {
      const { rules, every = '1m' } = group[0] as Scenario;
      const path = write(`${name}-test.json`, {
        rule_files: [write(`${name}-rules.json`, prometheusRules(rules))],
        evaluation_interval: every,
        tests: group.map((each) => ({
          name: each.name,
          interval: every,
          input_series: Object.entries(each.series).map(([series, values]) => ({ series, values })),
          // Nothing is expected: so promtool tells all that it finds.
          alert_rule_test: [{ eval_time: each.at, alertname: each.alert, exp_alerts: [] }],
        })),
      });
      const { output } = await promtool(['test', 'rules', path]);
      expect(output).toMatch(/SUCCESS|FAILED/);
      for (const each of group) {
        const [, found = ''] = output.split(`  name: ${each.name},`);
        verdicts.set(each.name, found.split('  name: ')[0] ?? '');
      }
    }
    return verdicts;
  }

  let verdicts = new Map<string, string>();
  beforeAll(async () => {
    verdicts = await judge(SCENARIOS);
  });

  it.each(SCENARIOS.filter(({ fires }) => fires))('raise $alert for $name', ({ name, alert }) => {
    expect(verdicts.get(name)).toContain(`alertname="${alert}"`);
    // Every label that a text names is there.
    expect(verdicts.get(name)).not.toContain('<no value>');
  });

  it.each(SCENARIOS.filter(({ fires }) => !fires))('do not raise $alert for $name', ({ name }) => {
    expect(verdicts.get(name)).toBe('');
  });

  it('are all tested', () => {
    const all = RULES.flat().map(({ name }) => name);
    const tested = Object.values(CASES).map(({ alert }) => alert);
    expect([...new Set(all)].filter((name) => !tested.includes(name))).toEqual([
      'LonghaulNeverBackedUpWeekly',
    ]);
  });
});
