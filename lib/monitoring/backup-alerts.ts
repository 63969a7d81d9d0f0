/**
 * Alerts on Longhorn's backups. The status of a job is no help: it says success in Longhorn 1.9 to 1.12.1 even if every volume failed
 * (https://github.com/longhorn/longhorn/issues/13587), and a backup that was refused leaves no trace. So the age of each volume's last good backup
 * is what counts; the state of a backup only tells sooner.
 */
import type { CronField, CronSchedule, FieldName } from '../cron';
import { nextRuns } from '../cron-runs';
import { longhornHas } from '../longhorn-version';
import type { PvcReference, RecurringJobTask } from '../recurring-job-options';
import { INTERVAL_TASKS } from '../recurring-job-options';
import { spanText, type AlertRule } from './alert-rule';

/** What alerts need to know of a recurring job. */
export interface AlertedJob {
  /** Name of the recurring job. */
  readonly name: string;
  /** When it runs; how old a backup may become follows from it. */
  readonly schedule: CronSchedule;
  /** @default 'backup' */
  readonly task?: RecurringJobTask | undefined;
  /** Whose volumes the job is for; none: whatever carries the label of the job or of its groups. */
  readonly pvcs: readonly PvcReference[];
  /** Incremental backups between two full ones. @default - only incremental backups */
  readonly fullBackupInterval?: number | undefined;
}

/** The props of the alerts on backups. */
export interface BackupAlertProps {
  /** The recurring jobs; those that make no backups are left out. */
  readonly jobs: readonly AlertedJob[];
  /** @default - a current one */
  readonly longhornVersion?: string;
  /** Longhorn's, for the commands that are told. */
  readonly namespace: string;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;
/** Any moment will do: the manifests shall not differ from day to day. A year of days, and the next leap day, follow. */
const FROM = new Date('2023-12-31T12:00:00Z');
const DAYS_LOOKED_AT = 400;
/** How long a backup may take, beyond the gap between two runs: a quarter of it, within these. */
const LEAST_GRACE = HOUR;
const MOST_GRACE = DAY;
/** A first backup of a TiB over a home line takes a night and more. */
const STUCK_SECONDS = 12 * HOUR;
/** A backup smaller than that is no anomaly worth a message. */
const LEAST_ANOMALY_BYTES = 1024 ** 3;

const BY_VOLUME = 'max by (volume, pvc, pvc_namespace)';
const LAST_BACKUP = 'longhorn_volume_last_backup_at';

/** How old the last good backup of a job's volume may become, in seconds: the longest gap between two runs, and the time that a backup takes. */
export function oldestBackupSeconds(schedule: CronSchedule): number {
  const gap = schedule.kind === 'interval' ? schedule.seconds : longestGapMinutes(schedule.fields) * 60;
  const grace = Math.min(MOST_GRACE, Math.max(LEAST_GRACE, gap / 4));
  return Math.ceil((gap + grace) / HOUR) * HOUR;
}

/** Days alone are looked at run by run: a job may run every minute of one day of the month. */
function longestGapMinutes(fields: Readonly<Record<FieldName, CronField>>): number {
  const times = fields.hour.values.flatMap((hour) =>
    fields.minute.values.map((minute) => hour * 60 + minute),
  );
  const midnight = { values: [0], star: false };
  const days = nextRuns(
    { kind: 'calendar', fields: { ...fields, hour: midnight, minute: midnight } },
    FROM,
    DAYS_LOOKED_AT,
  );
  const withinDay = gaps(times);
  const overNight = gaps(days.map((day) => day.getTime() / 60_000)).map(
    (gap) => gap - Math.max(...times) + Math.min(...times),
  );
  return Math.max(...withinDay, ...overNight);
}

function gaps(ascending: readonly number[]): number[] {
  return ascending.slice(1).map((value, index) => value - (ascending[index] ?? 0));
}

/** Alerts on backups that are missing, fail, or shrink; each job's own schedule says when. */
export function backupAlerts(props: BackupAlertProps): AlertRule[] {
  const jobs = props.jobs.filter(({ task = 'backup' }) => INTERVAL_TASKS.includes(task));
  if (jobs.length === 0) return [];
  const known = longhornHas(props.longhornVersion, '1.11');
  return [
    ...(known ? ageAlerts(jobs) : ageAlertsByGateway(jobs)),
    ...(known ? [metricsMissing(props)] : []),
    failed(props),
    stuck(props),
    sizeAnomaly(jobs),
  ];
}

function ageAlerts(jobs: readonly AlertedJob[]): AlertRule[] {
  const named = jobs.filter(({ pvcs }) => pvcs.length > 0);
  const rules = named.flatMap((job) =>
    ageRules(job.name, select(job.pvcs), oldestBackupSeconds(job.schedule), { recurring_job: job.name }),
  );
  const open = jobs.filter(({ pvcs }) => pvcs.length === 0);
  if (open.length === 0) return rules;
  // Which volumes these jobs have is known to the cluster alone: the most patient of them speaks for all.
  const seconds = Math.max(...open.map(({ schedule }) => oldestBackupSeconds(schedule)));
  const others = named.map(({ pvcs }) => select(pvcs));
  const rest =
    others.length === 0 ? LAST_BACKUP : `(${LAST_BACKUP} unless on (volume) (${others.join(' or ')}))`;
  return [
    ...rules,
    ...ageRules('', rest, seconds, {}).filter(({ name }) => name.startsWith('LonghaulBackupOld')),
  ];
}

/** @param job empty for the volumes of no job in particular */
function ageRules(
  job: string,
  volumes: string,
  seconds: number,
  labels: Record<string, string>,
): AlertRule[] {
  const suffix = job === '' ? '' : camelCase(job);
  const ofJob = job === '' ? '' : ` of the job ${job}`;
  const whose = 'Volume {{ $labels.volume }} (PVC {{ $labels.pvc_namespace }}/{{ $labels.pvc }})';
  const shared = {
    severity: 'critical',
    labels,
    runbook: `Longhorn does not try again by itself: run "longhaul doctor" for the cause, then "longhaul backup now" for the volume.`,
  } as const;
  return [
    {
      ...shared,
      name: `LonghaulBackupOld${suffix}`,
      expr: `time() - (${BY_VOLUME} (${volumes}) > 0) > ${seconds}`,
      forSeconds: 600,
      summary: `${whose} has no good backup in ${spanText(seconds)}.`,
      description: `By its schedule the last good backup${ofJob} is never older than that. The run failed, was refused, or did not take place.`,
    },
    {
      ...shared,
      name: `LonghaulNeverBackedUp${suffix}`,
      expr: `${BY_VOLUME} (${volumes}) == 0`,
      forSeconds: seconds,
      summary: `${whose} was never backed up.`,
      description: `It has been there for ${spanText(seconds)}, longer than from one run${ofJob} to the next.`,
    },
  ];
}

/** Before Longhorn 1.11 only the gateway can tell, and it knows no PVCs. */
function ageAlertsByGateway(jobs: readonly AlertedJob[]): AlertRule[] {
  const seconds = Math.max(...jobs.map(({ schedule }) => oldestBackupSeconds(schedule)));
  return [
    {
      name: 'LonghaulBackupOld',
      expr: `time() - max by (volume) (longhaul_volume_last_backup_timestamp_seconds) > ${seconds}`,
      forSeconds: 600,
      severity: 'critical',
      summary: `Volume {{ $labels.volume }} has no good backup in ${spanText(seconds)}.`,
      description: 'By the schedule of the most patient job the last good backup is never older than that.',
      runbook: `Longhorn does not try again by itself: run "longhaul doctor" for the cause, then "longhaul backup now" for the volume.`,
    },
  ];
}

/** Without Longhorn's metrics the most important alerts are silent for ever. */
function metricsMissing({ namespace }: BackupAlertProps): AlertRule {
  return {
    name: 'LonghaulLonghornMetricsMissing',
    expr: `absent(${LAST_BACKUP})`,
    forSeconds: 1_800,
    severity: 'warning',
    summary: "Longhorn's metrics are missing, so nobody would notice a missing backup.",
    description: `Prometheus has no ${LAST_BACKUP}. Longhorn has it from version 1.11 on.`,
    runbook: `Look whether Prometheus scrapes longhorn-manager: kubectl -n ${namespace} get servicemonitor,pods -l app=longhorn-manager`,
  };
}

function failed({ namespace }: BackupAlertProps): AlertRule {
  return {
    name: 'LonghaulBackupFailed',
    expr: 'max by (volume, backup) (longhorn_backup_state) >= 4',
    forSeconds: 60,
    severity: 'critical',
    summary: 'The backup {{ $labels.backup }} of volume {{ $labels.volume }} failed.',
    description:
      'Longhorn does not retry a failed backup by itself; the next one is made at the next run of its job.',
    runbook: `See why: kubectl -n ${namespace} get backups.longhorn.io {{ $labels.backup }} -o jsonpath={.status.error}; then run "longhaul doctor", and "longhaul backup now" for the volume.`,
  };
}

function stuck({ namespace }: BackupAlertProps): AlertRule {
  const state = 'max by (volume, backup) (longhorn_backup_state)';
  return {
    name: 'LonghaulBackupStuck',
    expr: `${state} == 1 or ${state} == 2`,
    forSeconds: STUCK_SECONDS,
    severity: 'warning',
    summary: `The backup {{ $labels.backup }} of volume {{ $labels.volume }} is not done after ${spanText(STUCK_SECONDS)}.`,
    description: 'While it lasts its job makes no other backup of any volume.',
    runbook: `Look whether data still flows: the status page of the gateway tells it. If not: kubectl -n ${namespace} delete backups.longhorn.io {{ $labels.backup }}`,
  };
}

/** Bytes that the gateway received, for Longhorn tells them only from 1.12 on. */
function sizeAnomaly(jobs: readonly AlertedJob[]): AlertRule {
  const last = 'max by (job, volume) (longhaul_volume_last_backup_received_bytes)';
  const history = `(${last})[30d:1h] offset 1d`;
  // Where full backups are made now and then, the largest of the past is the measure: full ones are large on purpose.
  const makesFull = jobs.some(({ fullBackupInterval }) => fullBackupInterval !== undefined);
  const usual = makesFull ? `2 * max_over_time(${history})` : `5 * quantile_over_time(0.5, ${history})`;
  return {
    name: 'LonghaulBackupSizeAnomaly',
    expr: `${last} > ${LEAST_ANOMALY_BYTES} and ${last} > ${usual}`,
    forSeconds: 0,
    severity: 'warning',
    summary: 'The last backup of volume {{ $labels.volume }} is far larger than usual.',
    description: makesFull
      ? 'It uploaded more than twice what any backup of the last 30 days did.'
      : 'It uploaded more than five times what is usual in the last 30 days.',
    runbook:
      'Look what wrote so much: a restore, a new application, or something that encrypts your files. Until you know, keep the older backups: raise `retain` of the job.',
  };
}

/** The series of these PVCs. */
function select(pvcs: readonly PvcReference[]): string {
  const byNamespace = new Map<string, string[]>();
  for (const { namespace, name } of pvcs)
    byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), name]);
  return [...byNamespace]
    .map(([namespace, names]) => {
      const pattern = names.map((name) => name.replaceAll('.', '\\\\.')).join('|');
      return `${LAST_BACKUP}{pvc_namespace="${namespace}", pvc=~"${pattern}"}`;
    })
    .join(' or ');
}

/** `daily-backup` as `DailyBackup`. */
function camelCase(name: string): string {
  return name
    .split(/[^a-z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('');
}
