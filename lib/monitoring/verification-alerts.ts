/** Alerts on the verification of the backups, as `verify` of a gateway makes it. */
import type { CronSchedule } from '../cron';
import { longestUnreadSeconds } from '../verify-coverage';
import { spanText, type AlertRule } from './alert-rule';
import { oldestBackupSeconds } from './backup-alerts';

export interface VerificationAlertProps {
  /** Value of the label `job` on the gateway's metrics: its name. */
  readonly gateway: string;
  /** Longhorn's, for the commands that are told. */
  readonly namespace: string;
  /** When it is made; absent: nobody expects one, and only what one found is told. */
  readonly expected?: ExpectedVerification | undefined;
}

/** A verification that is made regularly, and missed when it is not. */
export interface ExpectedVerification {
  /** Of the CronJob. */
  readonly name: string;
  /** Of the one that verifies the mirror. @default - there is none */
  readonly mirrorName?: string;
  /** In UTC, as `parseCron` reads it. */
  readonly schedule: CronSchedule;
  /** Such as `1/30`. */
  readonly share: string;
}

/** One of the FTP servers that hold the backups. */
interface Location {
  /** As the metrics have it. */
  readonly label: 'first' | 'mirror';
  /** What the alerts on it are called by. */
  readonly alert: string;
  readonly backups: string;
  readonly stored: string;
  readonly command: string;
  readonly remedy: string;
}

const DAY = 86_400;

function locations(gateway: string): readonly Location[] {
  const mend = 'A full backup in Longhorn writes damaged blocks anew';
  return [
    {
      ...{ label: 'first', alert: 'LonghaulVerification', command: 'longhaul verify' },
      ...{ backups: 'Backups of {{ $labels.volume }}', stored: `What ${gateway} stores` },
      remedy: `${mend}; the trash may have missing ones ("longhaul trash list"); then verify again.`,
    },
    {
      ...{ label: 'mirror', alert: 'LonghaulMirrorVerification', command: 'longhaul verify --mirror' },
      ...{ backups: 'Backups of {{ $labels.volume }} on the mirror', stored: `The mirror of ${gateway}` },
      remedy: `${mend} on both servers, and "longhaul mirror check" carries missing ones over; then verify again.`,
    },
  ];
}

export function verificationAlerts(props: VerificationAlertProps): AlertRule[] {
  return locations(props.gateway).flatMap((location) => alertsOf(location, props));
}

function alertsOf(location: Location, props: VerificationAlertProps): AlertRule[] {
  const { gateway, expected } = props;
  const of = (metric: string, more = ''): string =>
    `longhaul_verification_${metric}{job="${gateway}",location="${location.label}"${more}}`;
  const damaged = `max by (job, volume) (${of('backups', ',verdict="damaged"')}) > 0 or max by (job, volume) (${of('problems')}) > 0`;
  const name = location.label === 'first' ? expected?.name : expected?.mirrorName;
  return [
    {
      name: `${location.alert}Damage`,
      expr: damaged,
      forSeconds: 0,
      severity: 'critical',
      labels: { gateway },
      summary: `${location.backups} are damaged and cannot be restored.`,
      description: `The last verification found blocks or documents missing or damaged. ${location.stored} is what it looked at.`,
      runbook: `Delete no backup. Run "${location.command}" for the volume: it names backups and offsets. ${location.remedy}`,
    },
    ...(expected && name !== undefined ? overdue(location, props, { ...expected, name }, of, damaged) : []),
  ];
}

function overdue(
  { alert, stored, command }: Location,
  { gateway, namespace }: VerificationAlertProps,
  { name, schedule, share }: ExpectedVerification,
  of: (metric: string) => string,
  damaged: string,
): AlertRule[] {
  const seconds = oldestBackupSeconds(schedule);
  const labels = { gateway };
  const unread = longestUnreadSeconds(schedule, share);
  // One turn of each part may be missed.
  const unreadLimit = typeof unread === 'number' ? 2 * unread + DAY : undefined;
  return [
    {
      name: `${alert}Overdue`,
      // Where none is known, it counts from the start of the gateway.
      expr: `time() - max by (job) (${of('last_success_timestamp_seconds')} or on (job, instance) process_start_time_seconds{job="${gateway}"}) > ${seconds} unless on (job) (${damaged})`,
      forSeconds: 1_800,
      severity: 'warning',
      labels,
      summary: `${stored} was not verified in ${spanText(seconds)}.`,
      description: `No verification ended well in that time, which is longer than from one run of ${name} to the next: it did not run, could not find out all, or could not record what it found.`,
      runbook: `See why: kubectl -n ${namespace} get jobs -l app=${name}; then kubectl -n ${namespace} logs -l app=${name} --tail=50`,
    },
    ...(unreadLimit === undefined
      ? []
      : [
          {
            name: `${alert}Incomplete`,
            expr: `time() - max by (job) (${of('coverage_timestamp_seconds')}) > ${unreadLimit}`,
            forSeconds: 1_800,
            severity: 'warning',
            labels,
            summary: `${stored}: some blocks were not read in ${spanText(unreadLimit)}.`,
            description: `Each run of ${name} reads ${share} of all blocks, chosen by the day; the days of some blocks were missed, twice or more.`,
            runbook: `Run "${command}" once without --share, or see why runs are missing: kubectl -n ${namespace} get jobs -l app=${name}`,
          } satisfies AlertRule,
        ]),
  ];
}
