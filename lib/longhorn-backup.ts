import { Construct } from 'constructs';
import { partsWithin, type BackupParts } from './backup-parts';
import { BackupTarget, type BackupTargetProps } from './backup-target';
import { Gateway } from './gateway';
import type { GatewayOptions } from './gateway-options';
import { DetachedVolumeBackups } from './longhorn-setting';
import { checkLonghornVersion } from './longhorn-version';
import { parseGoDuration } from './go-duration';
import type { AlertedJob } from './monitoring/backup-alerts';
import { Monitoring } from './monitoring/monitoring';
import type { MonitoringOptions } from './monitoring/monitoring-options';
import { checkNamespace } from './namespace';
import { DEFAULT_TARGET, LONGHORN_NAMESPACE, targetNames } from './names';
import { accept, expect, type Finding } from './problems';
import { RecurringJob } from './recurring-job';
import type { RecurringJobOptions } from './recurring-job-options';
import { isTimeZone } from './time-zone';
import { VerifyJob } from './verify-job';
import { VolumeLabels } from './volume-labels';

/** A backup target with the gateway that serves it. */
export interface TargetOptions extends Omit<BackupTargetProps, 'namespace' | 'longhornVersion'> {
  /** The gateway that serves it. @default - one with all its defaults */
  readonly gateway?: GatewayOptions;
}

/** The whole backup stack. */
export interface LonghornBackupProps {
  /** Of the gateway and of the cluster commands. With a tag or a digest. */
  readonly image: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** Version of Longhorn in the cluster, such as `1.12`. @default - a current one */
  readonly longhornVersion?: string;
  /** False leaves gateways and backup targets out. The rest stays: recurring jobs, labels and the setting. @default true */
  readonly enabled?: boolean;
  /**
   * Each has its own gateway, FTP account and names. The backups of a volume go to `default`, unless its `spec.backupTargetName` says
   * otherwise. @default - one, named `default`
   */
  readonly targets?: readonly TargetOptions[];
  /** @default - none */
  readonly recurringJobs?: readonly RecurringJobOptions[];
  /** Whether recurring jobs attach detached volumes for their run. @default true */
  readonly detachedVolumes?: boolean;
  /** When the labels of the volumes are looked after, as cron in UTC. @default '17 * * * *' */
  readonly labelSchedule?: string;
  /** IANA name of the zone in which the synth shows the next runs of all jobs too. @default - UTC alone */
  readonly timeZone?: string;
  /** Names of Secrets for the image's registry. @default - none */
  readonly imagePullSecrets?: readonly string[];
  /** What watches the gateways and the backups. @default - nothing but the annotations that a Prometheus may find the gateways by */
  readonly monitoring?: MonitoringOptions;
  /** Where the parts go: `backupCharts(app)` makes a file of each. @default - into the chart of this construct, in order */
  readonly parts?: BackupParts;
}

/**
 * The whole backup stack: for each target a gateway and a BackupTarget; the Setting without which detached volumes are skipped; recurring
 * jobs; and the labels that put volumes into them. The Secrets must exist, or be made by `TargetSecrets`. There is one such stack in a
 * cluster: the Setting and the labels are the cluster's.
 */
export class LonghornBackup extends Construct {
  /** In the order of the targets. */
  readonly gateways: readonly Gateway[];
  /** In the order of the targets. */
  readonly backupTargets: readonly BackupTarget[];
  /** In the order of the props. */
  readonly recurringJobs: readonly RecurringJob[];
  /** Undefined without `monitoring` among the props. */
  readonly monitoring: Monitoring | undefined;

  constructor(scope: Construct, id: string, props: LonghornBackupProps) {
    super(scope, id);
    const { image, imagePullSecrets, enabled = true, parts = partsWithin(this) } = props;
    // With problems of its own the parts are made nevertheless, so that theirs are told too, and none of these twice.
    const problems = checkStack(props);
    accept(this, problems);
    const sound = <T>(prop: string, value: T): T | undefined =>
      problems.some((finding) => finding.prop === prop) ? undefined : value;
    const namespace = sound('namespace', props.namespace);
    const longhornVersion = sound('longhornVersion', props.longhornVersion);
    const timeZone = sound('timeZone', props.timeZone);
    const targets = enabled ? distinct(targetsOf(props), targetName) : [];
    const jobs = distinct(props.recurringJobs ?? [], ({ name }) => name);

    this.gateways = targets.map(
      ({ name: target, bucket, gateway }) =>
        new Gateway(parts.gateways, target ?? DEFAULT_TARGET, {
          imagePullSecrets,
          ...gateway,
          ...{ image, namespace, target, bucket },
        }),
    );
    new DetachedVolumeBackups(parts.settings, 'detached-volumes', {
      namespace,
      enabled: props.detachedVolumes,
    });
    this.backupTargets = targets.map(
      ({ gateway: _, ...target }) =>
        new BackupTarget(parts.backupTargets, targetName(target), { ...target, namespace, longhornVersion }),
    );
    this.recurringJobs = jobs.map(
      (job) =>
        new RecurringJob(parts.recurringJobs, job.name, {
          ...job,
          // A job with a local time has a zone of its own.
          timeZone: job.timeZone ?? (job.at === undefined ? timeZone : undefined),
          ...{ namespace, longhornVersion },
        }),
    );
    const labelled = jobs.flatMap(({ name, pvcs }) => (pvcs === undefined ? [] : [{ name, pvcs }]));
    if (labelled.length > 0) {
      new VolumeLabels(parts.volumeLabels, 'volumes', {
        ...{ image, namespace, imagePullSecrets },
        jobs: labelled,
        schedule: props.labelSchedule,
      });
    }
    this.monitoring =
      props.monitoring &&
      new Monitoring(parts.monitoring, 'monitoring', {
        ...props.monitoring,
        namespace: namespace ?? LONGHORN_NAMESPACE,
        longhornVersion,
        gateways: targets.map(({ name, pollInterval, gateway }) => ({
          name: targetNames(name).gateway,
          verification: VerifyJob.expected({ ...gateway, target: name }),
          pollSeconds: pollInterval === undefined ? undefined : parseGoDuration(pollInterval),
        })),
        jobs: alertedJobs(jobs, this.recurringJobs),
      });
  }
}

/** Those whose props are good. */
function alertedJobs(jobs: readonly RecurringJobOptions[], made: readonly RecurringJob[]): AlertedJob[] {
  return jobs.flatMap(({ name, task, pvcs = [], fullBackupInterval }, index) => {
    const schedule = made[index]?.schedule;
    return schedule ? [{ name, schedule, task, pvcs, fullBackupInterval }] : [];
  });
}

function checkStack(props: LonghornBackupProps): Finding[] {
  const { recurringJobs = [], timeZone } = props;
  return [
    ...checkNamespace(props.namespace),
    ...checkLonghornVersion(props.longhornVersion),
    ...expect(
      timeZone === undefined || isTimeZone(timeZone),
      'timeZone',
      timeZone,
      'expected an IANA name such as "Europe/Paris"',
    ),
    ...repeated('targets', targetsOf(props).map(targetName)),
    ...repeated(
      'recurringJobs',
      recurringJobs.map(({ name }) => name),
    ),
  ];
}

function targetsOf({ targets = [{}] }: LonghornBackupProps): readonly TargetOptions[] {
  return targets;
}

function targetName({ name = DEFAULT_TARGET }: TargetOptions): string {
  return name;
}

function repeated(prop: string, names: readonly string[]): Finding[] {
  return names.flatMap((name, index) => {
    const first = names.indexOf(name);
    return expect(first === index, `${prop}[${index}].name`, name, `is the name of ${prop}[${first}] too`);
  });
}

function distinct<T>(all: readonly T[], nameOf: (one: T) => string): T[] {
  const names = all.map(nameOf);
  return all.filter((_, index) => names.indexOf(names[index] ?? '') === index);
}
