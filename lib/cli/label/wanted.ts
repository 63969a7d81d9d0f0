/** Which PVCs belong to which recurring job, as the user says it. */
import { UsageError } from '../output';
import type { PvcRef } from '../pvc-volume';

export interface WantedJob {
  /** Name of the RecurringJob. */
  readonly job: string;
  readonly pvcs: readonly PvcRef[];
}

/** Longhorn's rule for the names of recurring jobs. */
const JOB_NAME = /^[a-z0-9][a-z0-9_.-]{1,39}$/;
const DNS_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/**
 * `<namespace>/<pvc>`.
 * @throws UsageError
 */
export function parsePvcRef(text: string): PvcRef {
  const [namespace, name, ...rest] = text.split('/');
  if (!namespace || !name || rest.length > 0 || !DNS_NAME.test(namespace) || !DNS_NAME.test(name)) {
    throw new UsageError(`"${text}" is no PVC: write <namespace>/<name>.`);
  }
  return { namespace, name };
}

/**
 * `<job>=<namespace>/<pvc>[,<namespace>/<pvc>…]`, each job once or several times; no PVC after the `=` means that the job has none.
 * @throws UsageError
 */
export function parseWantedJobs(texts: readonly string[]): WantedJob[] {
  const jobs = new Map<string, PvcRef[]>();
  for (const text of texts) {
    const separator = text.indexOf('=');
    const job = text.slice(0, Math.max(separator, 0));
    if (!JOB_NAME.test(job))
      throw new UsageError(`"${text}" is no job: write <job>=<namespace>/<pvc>[,<namespace>/<pvc>…].`);
    const list = text.slice(separator + 1);
    const pvcs = list === '' ? [] : list.split(',').map(parsePvcRef);
    jobs.set(job, [...(jobs.get(job) ?? []), ...pvcs]);
  }
  return [...jobs].map(([job, pvcs]) => ({ job, pvcs }));
}
