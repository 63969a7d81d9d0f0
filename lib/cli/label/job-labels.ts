/** Longhorn's labels that put a Volume into recurring jobs, and how they are read. Pure. */
import {
  LABEL_ENABLED,
  RECURRING_JOB_SOURCE_LABEL,
  recurringJobGroupLabel,
  recurringJobLabel,
} from '../../names';
import type { KubeObject } from '../kinds';

const JOB_LABEL_PREFIX = recurringJobLabel('');
const GROUP_LABEL_PREFIX = recurringJobGroupLabel('');

export function hasLabel(object: KubeObject, key: string): boolean {
  return object.metadata.labels?.[key] === LABEL_ENABLED;
}

/** Whether Longhorn takes the job labels of this PVC's Volume from the PVC. */
export function isSource(pvc: KubeObject | undefined): boolean {
  return pvc !== undefined && hasLabel(pvc, RECURRING_JOB_SOURCE_LABEL);
}

/** Every job or group label of an object, whatever its value. */
export function jobLabels(object: KubeObject): string[] {
  return Object.keys(object.metadata.labels ?? {}).filter(
    (key) =>
      key !== RECURRING_JOB_SOURCE_LABEL &&
      (key.startsWith(JOB_LABEL_PREFIX) || key.startsWith(GROUP_LABEL_PREFIX)),
  );
}

/** The keys of the job and group labels that are enabled on an object: all that Longhorn looks at. */
export function enabledJobLabels(object: KubeObject): string[] {
  return jobLabels(object).filter((key) => hasLabel(object, key));
}

/** The job of a job's label; undefined for any other label. */
export function jobOfLabel(key: string): string | undefined {
  return key.startsWith(JOB_LABEL_PREFIX) ? key.slice(JOB_LABEL_PREFIX.length) : undefined;
}
