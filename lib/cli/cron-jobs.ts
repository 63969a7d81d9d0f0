import type { Cluster, ListOptions } from './cluster';
import { CRON_JOB, CRON_JOB_BETA, type CronJob } from './kinds';

/** CronJobs, of whichever API version the cluster serves. */
export async function listCronJobs(cluster: Cluster, options: ListOptions): Promise<CronJob[]> {
  return cluster.list((await cluster.serves(CRON_JOB)) ? CRON_JOB : CRON_JOB_BETA, options);
}
