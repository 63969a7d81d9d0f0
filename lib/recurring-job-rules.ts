/** What Longhorn, and good sense, ask of a recurring job. */
import { CronError, parseCron } from './cron';
import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelName } from './kube-names';
import { cronInUtc, LocalTimeError } from './local-time';
import { longhornHas } from './longhorn-version';
import { checkNamespace } from './namespace';
import { expect, inside, problem, warning, type Finding } from './problems';
import {
  DEFAULT_RETAIN,
  INTERVAL_TASKS,
  KEEPS_NOTHING,
  RECURRING_JOB_TASKS,
  type PvcReference,
  type RecurringJobProps,
  type RecurringJobTask,
} from './recurring-job-options';
import { isTimeZone } from './time-zone';

/** Longhorn's default for its setting `recurring-job-max-retention`. */
const MAX_RETAIN = 100;
const MAX_NAME_LENGTH = 40;
/** Longhorn writes these itself. */
const RESERVED_LABELS = ['KubernetesStatus', 'ranchervm-base-image'];

export function checkRecurringJob(props: RecurringJobProps): Finding[] {
  return [
    ...checkName(props.name),
    ...checkNamespace(props.namespace),
    ...checkTime(props),
    ...checkTask(props),
    ...checkRetention(props),
    ...expect(
      props.concurrency === undefined || (Number.isInteger(props.concurrency) && props.concurrency >= 1),
      'concurrency',
      props.concurrency,
      'expected a whole number from 1; a smaller one would crash the job',
    ),
    ...(props.groups ?? []).flatMap((group, index) =>
      expect(
        isLabelName(group) && group.length >= 2,
        `groups[${index}]`,
        group,
        'expected 2 to 63 letters, digits, dots, hyphens or underscores, a letter or digit at both ends',
      ),
    ),
    ...Object.entries(props.labels ?? {}).flatMap(([key, value]) => checkLabel(key, value)),
    ...checkPvcs(props),
  ];
}

function checkName(name: string): Finding[] {
  const good = isDnsSubdomain(name) && name.length >= 2 && name.length <= MAX_NAME_LENGTH;
  const reason =
    name.length > MAX_NAME_LENGTH
      ? `has ${name.length} characters: Longhorn cuts names of more than ${MAX_NAME_LENGTH} and adds a hash, and labels made from the name would not match`
      : 'expected 2 to 40 of a-z, 0-9, hyphens and dots, a letter or digit at both ends';
  return expect(good, 'name', name, reason);
}

function checkTime({ cron, at, timeZone }: RecurringJobProps): Finding[] {
  const findings: Finding[] = [];
  if ((cron === undefined) === (at === undefined)) {
    findings.push(problem('cron', cron, 'exactly one of `cron` (UTC) and `at` (a local time) is needed'));
  }
  if (cron !== undefined) findings.push(...cronFindings('cron', cron));
  if (at !== undefined) findings.push(...localTimeFindings(at));
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    findings.push(problem('timeZone', timeZone, 'expected an IANA name such as "Europe/Paris"'));
  }
  return findings;
}

/** Problems of any prop that holds cron. */
export function cronFindings(prop: string, cron: string): Finding[] {
  try {
    parseCron(cron);
    return [];
  } catch (error) {
    if (error instanceof CronError) return [problem(prop, cron, error.message)];
    throw error;
  }
}

function localTimeFindings(at: string): Finding[] {
  try {
    const { note } = cronInUtc(at);
    return note === undefined ? [] : [warning('at', at, note)];
  } catch (error) {
    if (error instanceof LocalTimeError) return [problem('at', at, error.message)];
    throw error;
  }
}

function checkTask({ task, longhornVersion, pvcs, groups }: RecurringJobProps): Finding[] {
  if (task !== undefined && !RECURRING_JOB_TASKS.includes(task)) {
    return [problem('task', task, `expected one of ${RECURRING_JOB_TASKS.join(', ')}`)];
  }
  if (task !== 'system-backup') return [];
  return [
    ...expect(
      longhornHas(longhornVersion, '1.9'),
      'task',
      task,
      `Longhorn has it since 1.9, and this is ${longhornVersion}`,
    ),
    ...expect(pvcs === undefined, 'pvcs', pvcs, 'a system backup is of the cluster, not of volumes'),
    ...expect(groups === undefined, 'groups', groups, 'a system backup is of the cluster, not of volumes'),
  ];
}

function checkRetention(props: RecurringJobProps): Finding[] {
  const { task = 'backup', retain, fullBackupInterval: interval } = props;
  return [
    ...(KEEPS_NOTHING.includes(task)
      ? expect(retain === undefined, 'retain', retain, `the task ${task} keeps nothing: leave \`retain\` out`)
      : expect(
          retain === undefined || (Number.isInteger(retain) && retain >= 1 && retain <= MAX_RETAIN),
          'retain',
          retain,
          `expected a whole number from 1 to ${MAX_RETAIN}`,
        )),
    ...(interval === undefined ? [] : checkInterval(task, interval, props)),
  ];
}

function checkInterval(
  task: RecurringJobTask,
  interval: number,
  { retain = DEFAULT_RETAIN, longhornVersion }: RecurringJobProps,
): Finding[] {
  const prop = 'fullBackupInterval';
  if (!INTERVAL_TASKS.includes(task)) {
    return [
      problem(
        prop,
        interval,
        `the task ${task} makes no backups: only ${INTERVAL_TASKS.join(' and ')} take it`,
      ),
    ];
  }
  if (!Number.isInteger(interval) || interval < 0) {
    return [problem(prop, interval, 'expected a whole number from 0 (0: every backup is full)')];
  }
  return [
    ...expect(
      longhornHas(longhornVersion, '1.7'),
      prop,
      interval,
      `Longhorn has full backups since 1.7, and this is ${longhornVersion}`,
    ),
    ...retainAgainst(interval, retain),
  ];
}

function retainAgainst(interval: number, retain: number): Finding[] {
  const good = `the smallest good \`retain\` is ${interval + 2}`;
  if (retain <= interval) {
    return [
      problem(
        'retain',
        retain,
        `must be greater than fullBackupInterval (${interval}): otherwise there are times when no full backup is among those kept, and a block damaged on the target stays in all of them until the next full one; ${good}`,
      ),
    ];
  }
  // With 0 every backup is full, so there is none that could be missing.
  if (retain > interval + 1 || interval === 0) return [];
  return [
    warning(
      'retain',
      retain,
      `is only one more than fullBackupInterval (${interval}): one full backup is kept, and none after a full run that failed; ${good}`,
    ),
  ];
}

function checkLabel(key: string, value: string): Finding[] {
  const prop = `labels.${key}`;
  return [
    ...expect(
      isLabelKey(key),
      prop,
      value,
      'the key is no label key of Kubernetes (`name` or `prefix/name`)',
    ),
    ...expect(!RESERVED_LABELS.includes(key), prop, value, 'Longhorn keeps this key for itself'),
    ...expect(value !== '', prop, value, 'Longhorn refuses an empty value'),
  ];
}

function checkPvcs({ pvcs, groups, task = 'backup' }: RecurringJobProps): Finding[] {
  if (pvcs === undefined) {
    return groups === undefined && task !== 'system-backup'
      ? [
          warning(
            'pvcs',
            undefined,
            'neither `pvcs` nor `groups` is given: no volume is in the job unless something else labels it',
          ),
        ]
      : [];
  }
  const seen = new Map<string, number>();
  return pvcs.flatMap((pvc, index) => {
    const key = `${pvc.namespace}/${pvc.name}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    return [
      ...inside(`pvcs[${index}]`, checkPvc(pvc)),
      ...expect(first === undefined, `pvcs[${index}]`, key, `is in the list already, as pvcs[${first}]`),
    ];
  });
}

function checkPvc({ namespace, name }: PvcReference): Finding[] {
  return [
    ...expect(
      namespace !== undefined && isDnsLabel(namespace),
      'namespace',
      namespace,
      'expected the namespace of the PVC: at most 63 of a-z, 0-9 and inner hyphens',
    ),
    ...expect(
      name !== undefined && isDnsSubdomain(name),
      'name',
      name,
      'expected the name of the PVC: a-z, 0-9, inner hyphens and dots',
    ),
  ];
}
