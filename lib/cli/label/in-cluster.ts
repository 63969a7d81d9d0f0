/** What the label command that runs in the cluster is told: the wanted jobs where nobody says them on the command line. */
import { PART_OF, PART_OF_LABEL } from '../../names';
import type { Cluster } from '../cluster';
import { listCronJobs } from '../cron-jobs';
import { JOB, type PodTemplate } from '../kinds';
import { parseWantedJobs, type WantedJob } from './wanted';

/** From the CronJobs of ours, else from the Jobs; empty where none of them labels. */
export async function wantedInCluster(cluster: Cluster, namespace: string): Promise<WantedJob[]> {
  const ours = { namespace, labelSelector: `${PART_OF_LABEL}=${PART_OF}` };
  const cronJobs = await listCronJobs(cluster, ours);
  const scheduled = cronJobs.flatMap(({ spec }) => jobArguments(spec.jobTemplate?.spec?.template));
  if (scheduled.length > 0) return parseWantedJobs(scheduled);
  const jobs = await cluster.list(JOB, ours);
  return parseWantedJobs(jobs.flatMap(({ spec }) => jobArguments(spec?.template)));
}

/** The values of `--job` in the command of a pod that runs `label`. */
export function jobArguments(template: PodTemplate | undefined): string[] {
  const words = (template?.spec.containers ?? []).flatMap(({ command = [], args = [] }) => [
    ...command,
    ...args,
  ]);
  if (!words.includes('label')) return [];
  return words.flatMap((word, index) => {
    if (word.startsWith('--job=')) return [word.slice('--job='.length)];
    const value = words[index + 1];
    return word === '--job' && value !== undefined ? [value] : [];
  });
}
