/** Finds everything of ours in the cluster. A list that fails is an error: half a picture must not look like nothing to do. */
import { DEFAULT_TARGET, PART_OF, PART_OF_LABEL, targetNames } from '../../names';
import type { Cluster, ListOptions } from '../cluster';
import {
  BACKUP,
  BACKUP_TARGET,
  CLUSTER_ROLE,
  CLUSTER_ROLE_BINDING,
  CONFIG_MAP,
  CRON_JOB,
  CRON_JOB_BETA,
  DEPLOYMENT,
  JOB,
  MONITORING_KINDS,
  NETWORK_POLICY,
  PERSISTENT_VOLUME_CLAIM,
  POD_DISRUPTION_BUDGET,
  RECURRING_JOB,
  ROLE,
  ROLE_BINDING,
  SECRET,
  SERVICE,
  SERVICE_ACCOUNT,
  VOLUME,
  type Kind,
  type KubeObject,
} from '../kinds';
import type { Located, UninstallFacts } from './plan';

const OURS = `${PART_OF_LABEL}=${PART_OF}`;

const LABELLER_KINDS: readonly Kind[] = [CRON_JOB, CRON_JOB_BETA, JOB];

/** In the order of their removal. */
const PART_KINDS: readonly Kind[] = [
  ...MONITORING_KINDS,
  DEPLOYMENT,
  SERVICE,
  NETWORK_POLICY,
  POD_DISRUPTION_BUDGET,
  CONFIG_MAP,
  PERSISTENT_VOLUME_CLAIM,
  CLUSTER_ROLE_BINDING,
  CLUSTER_ROLE,
  ROLE_BINDING,
  ROLE,
  SERVICE_ACCOUNT,
];

export async function gatherUninstall(cluster: Cluster, namespace: string): Promise<UninstallFacts> {
  const labellers = await listOurs(cluster, namespace, LABELLER_KINDS);
  const parts = await listOurs(cluster, namespace, PART_KINDS);
  return {
    // The label command in the cluster is the only thing of ours that runs as a job.
    labellers: onlyOnce(labellers),
    parts: onlyOnce([...parts, ...(await listNamed(cluster, namespace, parts))]),
    pvcs: await cluster.list(PERSISTENT_VOLUME_CLAIM),
    volumes: await listServed(cluster, VOLUME, { namespace }),
    recurringJobs: await listServed(cluster, RECURRING_JOB, { namespace, labelSelector: OURS }),
    backupTargets: await listServed(cluster, BACKUP_TARGET, { namespace }),
    backups: await listServed(cluster, BACKUP, { namespace }),
  };
}

async function listOurs(cluster: Cluster, namespace: string, kinds: readonly Kind[]): Promise<Located[]> {
  const found: Located[] = [];
  for (const kind of kinds) {
    const scope = kind.namespaced ? { namespace } : {};
    const objects = await listServed(cluster, kind, { ...scope, labelSelector: OURS });
    found.push(...objects.map((object) => ({ kind, object })));
  }
  return found;
}

/** A kind that the cluster does not serve (Longhorn has gone first) has no objects; any other failure is an error. */
async function listServed<T extends KubeObject>(
  cluster: Cluster,
  kind: Kind<T>,
  options: ListOptions,
): Promise<T[]> {
  return (await cluster.serves(kind)) ? cluster.list(kind, options) : [];
}

/** What other ways of installing leave without our label: by its name. The Secrets are mostly made by hand or by another tool. */
async function listNamed(cluster: Cluster, namespace: string, parts: readonly Located[]): Promise<Located[]> {
  const { gateway } = targetNames(DEFAULT_TARGET);
  const gateways = new Set([
    gateway,
    ...parts.filter(({ kind }) => kind === DEPLOYMENT).map(({ object }) => object.metadata.name),
  ]);
  const found: Located[] = [];
  const add = async (kind: Kind, name: string): Promise<void> => {
    const object = await cluster.get(kind, name, namespace);
    if (object !== undefined) found.push({ kind, object });
  };
  for (const name of gateways) {
    const target = name === gateway ? DEFAULT_TARGET : name.slice(gateway.length + 1);
    await add(DEPLOYMENT, name);
    await add(SERVICE, name);
    await add(SECRET, targetNames(target).ftpSecret);
    await add(SECRET, targetNames(target).mirrorSecret);
    await add(SECRET, targetNames(target).longhornSecret);
  }
  return found;
}

function onlyOnce(located: readonly Located[]): Located[] {
  const seen = new Map(located.map((each) => [`${each.kind.kind} ${each.object.metadata.name}`, each]));
  return [...seen.values()];
}
