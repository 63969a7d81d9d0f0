/** A cluster with the backup stack in it, in order; tests plant faults. */
import type { ApiServer } from './api-server';
import type { ApiFront } from './api-front';
import { createGatewayPod, DEPLOYMENT_PATH } from './cluster-players';
import { createVolume, paths } from './longhorn-objects';

const namespace = 'longhorn-system';
const LONGHORN = { apiVersion: 'longhorn.io/v1beta2' };
const partOf = { 'app.kubernetes.io/part-of': 'longhaul' };
const HOUR_MS = 3_600_000;

export const SECRET_ACCESS_KEY = 'a-secret-that-nobody-shows';
const credentials = { s3_access_key: 'longhorn', s3_secret_key: SECRET_ACCESS_KEY };

export function ago(hours: number, now: Date): string {
  return new Date(now.getTime() - hours * HOUR_MS).toISOString().replace(/\.\d+/, '');
}

/** Whether the server has batch/v1 CronJobs; before Kubernetes 1.21 they are v1beta1. */
export async function cronJobsPath(server: ApiServer): Promise<string> {
  const { resources } = (await server.read('/apis/batch/v1')) as { resources: { name: string }[] };
  const version = resources.some(({ name }) => name === 'cronjobs') ? 'v1' : 'v1beta1';
  return `/apis/batch/${version}/namespaces/${namespace}/cronjobs`;
}

export interface BackupOptions {
  readonly name: string;
  readonly volume: string;
  readonly status: object;
}

export async function createBackup(
  server: ApiServer,
  { name, volume, status }: BackupOptions,
): Promise<void> {
  const labels = { 'backup-target': 'default', 'backup-volume': volume };
  await server.create(paths.longhorn('backups'), {
    ...LONGHORN,
    kind: 'Backup',
    metadata: { name, labels },
    spec: {},
  });
  await server.patch(`${paths.longhorn('backups', name)}/status`, { status });
}

/** Gateway, Secrets, target, setting, the job `daily` at 02:00 UTC, and the volumes `app/good` and `app/other` in it. */
export async function createLonghornCluster(server: ApiServer, now: Date): Promise<void> {
  const core = `/api/v1/namespaces/${namespace}`;
  const labels = { app: 's3-to-ftp', ...partOf };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'gateway', image: 'registry.example/longhaul:1.0.0' }] },
  };
  await server.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name: 's3-to-ftp', labels },
    spec: { replicas: 1, selector: { matchLabels: { app: 's3-to-ftp' } }, template },
  });
  await server.patch(`${DEPLOYMENT_PATH}/status`, {
    status: {
      observedGeneration: 1,
      replicas: 1,
      updatedReplicas: 1,
      readyReplicas: 1,
      availableReplicas: 1,
    },
  });
  await createGatewayPod(server, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] });
  await server.create(`${core}/services`, {
    metadata: { name: 's3-to-ftp', labels },
    spec: { selector: { app: 's3-to-ftp' }, ports: [{ name: 's3-api', port: 9000 }] },
  });
  await server.create(`${core}/secrets`, {
    metadata: { name: 's3-to-ftp-ftp-credentials' },
    stringData: {
      ftp_host: 'ftp.example',
      ftp_port: '21',
      ftp_user: 'u',
      ftp_password: 'p',
      ftp_path: '/',
      ...credentials,
    },
  });
  await server.create(`${core}/secrets`, {
    metadata: { name: 'longhorn-backup-s3-credentials' },
    stringData: {
      AWS_ACCESS_KEY_ID: credentials.s3_access_key,
      AWS_SECRET_ACCESS_KEY: credentials.s3_secret_key,
      AWS_ENDPOINTS: 'http://s3-to-ftp.longhorn-system.svc.cluster.local:9000',
    },
  });
  await server.create(`${core}/pods`, {
    metadata: { name: 'longhorn-manager-1', labels: { app: 'longhorn-manager' } },
    spec: { containers: [{ name: 'longhorn-manager', image: 'longhornio/longhorn-manager:v1.12.1' }] },
  });
  for (const [name, value] of [
    ['current-longhorn-version', 'v1.12.1'],
    ['allow-recurring-job-while-volume-detached', 'true'],
  ]) {
    await server.create(paths.longhorn('settings'), {
      ...LONGHORN,
      kind: 'Setting',
      metadata: { name },
      value,
    });
  }
  await server.create(paths.longhorn('backuptargets'), {
    ...LONGHORN,
    kind: 'BackupTarget',
    metadata: { name: 'default' },
    spec: {
      backupTargetURL: 's3://longhorn@box/',
      credentialSecret: 'longhorn-backup-s3-credentials',
      pollInterval: '5m0s',
    },
  });
  await server.patch(`${paths.longhorn('backuptargets', 'default')}/status`, {
    status: { available: true, lastSyncedAt: ago(0.05, now), conditions: [] },
  });
  await server.create(paths.longhorn('recurringjobs'), {
    ...LONGHORN,
    kind: 'RecurringJob',
    metadata: { name: 'daily', labels: partOf },
    spec: {
      name: 'daily',
      cron: '0 2 * * *',
      task: 'backup',
      groups: [],
      retain: 7,
      concurrency: 1,
      labels: {},
      parameters: {},
    },
  });
  await server.patch(`${paths.longhorn('recurringjobs', 'daily')}/status`, { status: { executionCount: 5 } });
  await createCronJob(server, now);
  for (const name of ['good', 'other']) {
    await createVolume(server, {
      pvc: `app/${name}`,
      volumeLabels: { 'recurring-job.longhorn.io/daily': 'enabled' },
    });
    const snapshotCreatedAt = ago(1, now);
    await createBackup(server, {
      name: `backup-${name}`,
      volume: `pvc-${name}`,
      status: {
        state: 'Completed',
        volumeName: `pvc-${name}`,
        snapshotCreatedAt,
        backupCreatedAt: snapshotCreatedAt,
        size: '1073741824',
      },
    });
  }
}

async function createCronJob(server: ApiServer, now: Date): Promise<void> {
  const path = await cronJobsPath(server);
  const container = { name: 'daily', image: 'longhornio/longhorn-manager:v1.12.1' };
  await server.create(path, {
    metadata: { name: 'daily' },
    spec: {
      schedule: '0 2 * * *',
      jobTemplate: { spec: { template: { spec: { restartPolicy: 'OnFailure', containers: [container] } } } },
    },
  });
  const lastRun = new Date(now);
  lastRun.setUTCHours(2, 0, 0, 0);
  if (lastRun > now) lastRun.setUTCDate(lastRun.getUTCDate() - 1);
  await server.patch(`${path}/daily/status`, { status: { lastScheduleTime: ago(0, lastRun) } });
}

/** The kubelet's part: the gateway answers its probes, and longhorn-manager has this log. */
export function playPods(
  front: ApiFront,
  log = 'time="2026-11-24T00:00:00Z" level=info msg="Started"\n',
): void {
  front.play = (_method, path) => {
    if (/\/pods\/[^/]+:9000\/proxy\/health$/.test(path)) return { body: { status: 'ok', version: '1.0.0' } };
    if (/\/pods\/[^/]+:9000\/proxy\/ready$/.test(path)) return { body: { ready: true } };
    if (/\/pods\/longhorn-manager-1\/log\?/.test(path)) return { body: log };
    return undefined;
  };
}
