import { Construct } from 'constructs';
import { RecurringJob as RecurringJobResource, type RecurringJobSpecTask } from '../imports/longhorn.io';
import { watchApp } from './app-rules';
import { parseCron, type CronSchedule } from './cron';
import { cronInUtc } from './local-time';
import { LONGHORN_NAMESPACE, recurringJobLabel } from './names';
import { ownLabels } from './own-labels';
import { accept } from './problems';
import {
  DEFAULT_RETAIN,
  INTERVAL_TASKS,
  KEEPS_NOTHING,
  type PvcReference,
  type RecurringJobProps,
} from './recurring-job-options';
import { checkRecurringJob } from './recurring-job-rules';

/**
 * Something that Longhorn does on a schedule to every volume with the job's label, or the label of one of its groups. A job has no
 * backup target of its own: the backups of a volume go to the target that the volume names (`spec.backupTargetName`).
 */
export class RecurringJob extends Construct {
  /** Name of the job, from which the label of its volumes is made. */
  readonly jobName: string;
  /** The PVCs that the props name; none where they name none. */
  readonly pvcs: readonly PvcReference[];
  /** Key of the label that puts a volume into the job; its value is `enabled`. */
  readonly volumeLabel: string;
  /** As Longhorn gets it, in UTC. Undefined where the props have errors. */
  readonly cron: string | undefined;
  /** What `cron` means. Undefined where the props have errors. */
  readonly schedule: CronSchedule | undefined;
  /** Zone in which runs are shown too. */
  readonly timeZone: string | undefined;

  constructor(scope: Construct, id: string, props: RecurringJobProps) {
    super(scope, id);
    this.jobName = props.name;
    this.pvcs = props.pvcs ?? [];
    this.volumeLabel = recurringJobLabel(props.name);
    if (!accept(this, checkRecurringJob(props))) return;
    watchApp(this);

    const { name, task = 'backup', groups = [], labels = {}, concurrency = 1, fullBackupInterval } = props;
    const local = props.at === undefined ? undefined : cronInUtc(props.at);
    this.cron = local?.cron ?? props.cron ?? '';
    this.schedule = parseCron(this.cron);
    this.timeZone = props.timeZone ?? local?.timeZone;
    // Longhorn fills what is missing; written out, nothing differs from what the cluster has.
    new RecurringJobResource(this, 'Resource', {
      metadata: { name, namespace: props.namespace ?? LONGHORN_NAMESPACE, labels: ownLabels() },
      spec: {
        name,
        cron: this.cron,
        task: task as RecurringJobSpecTask,
        groups: [...groups],
        retain: KEEPS_NOTHING.includes(task) ? 0 : (props.retain ?? DEFAULT_RETAIN),
        concurrency,
        labels: { ...labels },
        parameters:
          fullBackupInterval !== undefined && INTERVAL_TASKS.includes(task)
            ? { 'full-backup-interval': String(fullBackupInterval + 1) }
            : {},
      },
    });
  }
}
