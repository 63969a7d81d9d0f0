/** Finds out everything that the checks need. What cannot be found out becomes the reason why. Reads only. */
import {
  FTP_SECRET_KEYS,
  GATEWAY_NAME,
  HEALTH_PATH,
  PART_OF,
  PART_OF_LABEL,
  READY_PATH,
  S3_PORT,
} from '../../names';
import type { Cluster } from '../cluster';
import { ClusterError, kindMissing } from '../cluster-error';
import {
  BACKUP,
  BACKUP_TARGET,
  CONFIG_MAP,
  DEPLOYMENT,
  EVENT,
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  RECURRING_JOB,
  SECRET,
  SERVICE,
  SETTING,
  VOLUME,
  type BackupTarget,
  type Deployment,
  type Pod,
} from '../kinds';
import { listCronJobs } from '../cron-jobs';
import { wantedInCluster } from '../label/in-cluster';
import type { WantedJob } from '../label/wanted';
import { gatewaySecretName } from './checks/credentials';
import { DEFAULT_RESOURCE_NAME } from './checks/default-resource';
import {
  known,
  unknown,
  type Fact,
  type Facts,
  type GatewayAnswers,
  type GatewayFacts,
  type LogFacts,
  type SecretFacts,
} from './facts';
import { gatewaySecretFacts, longhornSecretFacts } from './secret-facts';

const LOG_LINES = 2000;

export interface GatherOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly now: Date;
  readonly version: string;
  /** As the user says it; undefined: look what the label command in the cluster is told. */
  readonly wanted: readonly WantedJob[] | undefined;
}

/** @throws ClusterError where there is nothing to diagnose: the cluster cannot be reached, or has no Longhorn */
export async function gatherFacts({
  cluster,
  namespace,
  now,
  version,
  wanted,
}: GatherOptions): Promise<Facts> {
  if ((await cluster.discover(VOLUME.apiVersion)).length === 0)
    throw kindMissing(VOLUME.apiVersion, VOLUME.plural);
  const deployments = await attempt(() => gatewayDeployments(cluster, namespace));
  const backupTargets = await attempt(() => cluster.list(BACKUP_TARGET, { namespace }));
  const cronJobs = await attempt(() => listCronJobs(cluster, { namespace }));
  const managerPods = await attempt(() =>
    cluster.list(POD, { namespace, labelSelector: 'app=longhorn-manager' }),
  );
  return {
    now,
    namespace,
    version,
    wanted: wanted === undefined ? await attempt(() => wantedInCluster(cluster, namespace)) : known(wanted),
    gateways: await mapFact(deployments, (value) =>
      Promise.all(value.map((each) => gatewayFacts(cluster, each))),
    ),
    events: await attempt(() => cluster.list(EVENT, { namespace })),
    services: await attempt(() => cluster.list(SERVICE, { namespace })),
    secrets: await secretFacts(cluster, namespace, deployments, backupTargets),
    backupTargets,
    settings: await attempt(() => cluster.list(SETTING, { namespace })),
    defaultResource: await attempt(() => cluster.get(CONFIG_MAP, DEFAULT_RESOURCE_NAME, namespace)),
    recurringJobs: await attempt(() => cluster.list(RECURRING_JOB, { namespace })),
    cronJobs,
    volumes: await attempt(() => cluster.list(VOLUME, { namespace })),
    pvcs: await attempt(() => cluster.list(PERSISTENT_VOLUME_CLAIM)),
    persistentVolumes: await attempt(() => cluster.list(PERSISTENT_VOLUME)),
    backups: await attempt(() => cluster.list(BACKUP, { namespace })),
    managerPods,
    logs: await mapFact(managerPods, (pods) => logFacts(cluster, namespace, pods)),
  };
}

async function attempt<T>(find: () => Promise<T>): Promise<Fact<T>> {
  try {
    return known(await find());
  } catch (error) {
    if (error instanceof ClusterError) return unknown(error.message);
    throw error;
  }
}

async function mapFact<T, U>(fact: Fact<T>, next: (value: T) => Promise<U>): Promise<Fact<U>> {
  return fact.known ? attempt(() => next(fact.value)) : fact;
}

/** Ours by their label; one deployed by other means by its name. */
async function gatewayDeployments(cluster: Cluster, namespace: string): Promise<Deployment[]> {
  const deployments = await cluster.list(DEPLOYMENT, { namespace });
  return deployments.filter(
    ({ metadata }) => metadata.labels?.[PART_OF_LABEL] === PART_OF || metadata.name === GATEWAY_NAME,
  );
}

async function gatewayFacts(cluster: Cluster, deployment: Deployment): Promise<GatewayFacts> {
  const { namespace = '' } = deployment.metadata;
  const labels = Object.entries(deployment.spec.selector.matchLabels ?? {});
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(',');
  const pods = await attempt(() => cluster.list(POD, { namespace, labelSelector }));
  return { deployment, pods, answers: await askGateway(cluster, deployment, pods) };
}

/** Asks the pod that serves, else one that runs and can say why it does not. */
async function askGateway(
  cluster: Cluster,
  deployment: Deployment,
  pods: Fact<readonly Pod[]>,
): Promise<GatewayAnswers> {
  if (!pods.known) return { version: pods, readiness: pods };
  const running = pods.value.filter((pod) => pod.status?.phase === 'Running');
  const isReady = (pod: Pod): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const pod = running.find(isReady) ?? running[0];
  if (pod === undefined) {
    const nobody = unknown('no pod of the gateway runs, so none can be asked');
    return { version: nobody, readiness: nobody };
  }
  const ask = (path: string): Promise<Fact<Record<string, unknown>>> =>
    askPod(cluster, deployment, pod.metadata.name, path);
  const [health, readiness] = [await ask(HEALTH_PATH), await ask(READY_PATH)];
  return {
    version: await mapFact(health, ({ version }) =>
      Promise.resolve(typeof version === 'string' ? version : 'of unknown version'),
    ),
    readiness: await mapFact(readiness, ({ ready, reason, freeBytes }) =>
      Promise.resolve({
        ready: ready === true,
        ...(typeof reason === 'string' && { reason }),
        ...(typeof freeBytes === 'number' && { freeBytes }),
      }),
    ),
  };
}

/** The gateway answers its probes with a JSON object, whatever the status; anything else comes from somebody on the way. */
async function askPod(
  cluster: Cluster,
  { metadata: { namespace = '' }, spec }: Deployment,
  pod: string,
  path: string,
): Promise<Fact<Record<string, unknown>>> {
  // With TLS on its port, the gateway is probed over it.
  const isTls = spec.template.spec.containers.some(
    ({ readinessProbe }) => readinessProbe?.httpGet?.scheme === 'HTTPS',
  );
  const scheme = isTls ? 'https' : 'http';
  const answer = await attempt(() => cluster.podHttpGet(pod, namespace, { scheme, port: S3_PORT, path }));
  if (!answer.known) return answer;
  const { status, text } = answer.value;
  const body = parseObject(text);
  const isOurs = body !== undefined && ('ready' in body || 'version' in body) && body['kind'] !== 'Status';
  if (isOurs) return known(body);
  const said = typeof body?.['message'] === 'string' ? body['message'] : text.trim().slice(0, 200);
  return unknown(`pod ${pod} cannot be asked for ${path} through the API server (HTTP ${status}): ${said}`);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** One by one by name: the right to list all Secrets of the namespace is not needed. */
async function secretFacts(
  cluster: Cluster,
  namespace: string,
  deployments: Fact<readonly Deployment[]>,
  targets: Fact<readonly BackupTarget[]>,
): Promise<Fact<SecretFacts[]>> {
  if (!deployments.known) return deployments;
  if (!targets.known) return targets;
  return attempt(async () => {
    const facts: SecretFacts[] = [];
    for (const deployment of deployments.value) {
      const secret = await cluster.get(SECRET, gatewaySecretName(deployment), namespace);
      if (secret !== undefined) facts.push(gatewaySecretFacts(secret, { encryption: readsKey(deployment) }));
    }
    for (const name of new Set(targets.value.map((target) => target.spec?.credentialSecret ?? ''))) {
      const secret = name === '' ? undefined : await cluster.get(SECRET, name, namespace);
      if (secret !== undefined) facts.push(longhornSecretFacts(secret));
    }
    return facts;
  });
}

/** The key is in the environment of the gateway only where encryption is on. */
function readsKey(deployment: Deployment): boolean {
  return JSON.stringify(deployment.spec.template).includes(`"${FTP_SECRET_KEYS.encryption_key}"`);
}

async function logFacts(cluster: Cluster, namespace: string, managers: readonly Pod[]): Promise<LogFacts[]> {
  const jobPods = await cluster.list(POD, { namespace, labelSelector: 'recurring-job.longhorn.io' });
  const facts: LogFacts[] = [];
  for (const { metadata } of [...managers, ...jobPods]) {
    const lines = await attempt(async () =>
      (await cluster.podLog(metadata.name, namespace, LOG_LINES)).split('\n').filter((line) => line !== ''),
    );
    facts.push({ pod: metadata.name, lines });
  }
  return facts;
}
