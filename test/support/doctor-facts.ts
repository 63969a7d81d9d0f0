/** The facts of a cluster whose backups are in order; tests change one thing at a time. */
import { known, type Facts, type SecretFacts } from '../../lib/cli/doctor/facts';
import type {
  Backup,
  BackupTarget,
  CronJob,
  Deployment,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  RecurringJob,
  Volume,
} from '../../lib/cli/kinds';

const namespace = 'longhorn-system';
export const NOW = new Date('2026-11-24T10:00:00Z');
/** The run of the job `daily` before NOW. */
export const LAST_RUN = '2026-11-24T02:00:00Z';

export const deployment: Deployment = {
  metadata: { name: 's3-to-ftp', namespace, generation: 1 },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 's3-to-ftp' } },
    template: { spec: { containers: [{ name: 'gateway', image: 'registry.example/longhaul:1.0.0' }] } },
  },
  status: { observedGeneration: 1, updatedReplicas: 1, readyReplicas: 1 },
};

export const pod: Pod = {
  metadata: { name: 's3-to-ftp-abc', namespace },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
};

export const gatewaySecret: SecretFacts = {
  name: 's3-to-ftp-ftp-credentials',
  keys: ['ftp_host', 'ftp_user'],
  faults: [],
  credentialDigest: 'same',
};

export const longhornSecret: SecretFacts = {
  name: 'longhorn-backup-s3-credentials',
  keys: ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_ENDPOINTS'],
  faults: [],
  endpoint: 'http://s3-to-ftp.longhorn-system.svc.cluster.local:9000',
  credentialDigest: 'same',
};

export const target: BackupTarget = {
  metadata: { name: 'default', namespace },
  spec: {
    backupTargetURL: 's3://longhorn@box/',
    credentialSecret: 'longhorn-backup-s3-credentials',
    pollInterval: '5m0s',
  },
  status: { available: true, lastSyncedAt: '2026-11-24T09:58:00Z', conditions: [] },
};

export const job: RecurringJob = {
  metadata: { name: 'daily', namespace, creationTimestamp: '2026-11-01T00:00:00Z' },
  spec: { cron: '0 2 * * *', task: 'backup', groups: [], retain: 7, concurrency: 1 },
  status: { executionCount: 23 },
};

export const cronJob: CronJob = {
  metadata: { name: 'daily', namespace },
  spec: { schedule: '0 2 * * *' },
  status: { lastScheduleTime: LAST_RUN },
};

export const pvc: PersistentVolumeClaim = {
  metadata: { name: 'data', namespace: 'app' },
  spec: { volumeName: 'pvc-1' },
  status: { phase: 'Bound' },
};

export const persistentVolume: PersistentVolume = {
  metadata: { name: 'pvc-1' },
  spec: { csi: { driver: 'driver.longhorn.io', volumeHandle: 'pvc-1' } },
};

export const volume: Volume = {
  metadata: {
    name: 'pvc-1',
    namespace,
    creationTimestamp: '2026-11-01T00:00:00Z',
    labels: { 'recurring-job.longhorn.io/daily': 'enabled' },
  },
  spec: { backupTargetName: 'default' },
  status: { state: 'attached', kubernetesStatus: { namespace: 'app', pvcName: 'data' } },
};

export const backup: Backup = {
  metadata: {
    name: 'backup-1',
    namespace,
    creationTimestamp: LAST_RUN,
    labels: { 'backup-volume': 'pvc-1' },
  },
  status: { state: 'Completed', snapshotCreatedAt: LAST_RUN, volumeName: 'pvc-1' },
};

export const healthyFacts: Facts = {
  now: NOW,
  namespace,
  version: '1.0.0',
  wanted: known([{ job: 'daily', pvcs: [{ namespace: 'app', name: 'data' }] }]),
  gateways: known([
    {
      deployment,
      pods: known([pod]),
      answers: { version: known('1.0.0'), readiness: known({ ready: true }) },
    },
  ]),
  events: known([]),
  services: known([
    { metadata: { name: 's3-to-ftp', namespace }, spec: { ports: [{ name: 's3-api', port: 9000 }] } },
  ]),
  secrets: known([gatewaySecret, longhornSecret]),
  backupTargets: known([target]),
  settings: known([
    { metadata: { name: 'current-longhorn-version', namespace }, value: 'v1.13.0' },
    { metadata: { name: 'allow-recurring-job-while-volume-detached', namespace }, value: 'true' },
  ]),
  defaultResource: known(undefined),
  recurringJobs: known([job]),
  cronJobs: known([cronJob]),
  volumes: known([volume]),
  pvcs: known([pvc]),
  persistentVolumes: known([persistentVolume]),
  backups: known([backup]),
  managerPods: known([{ metadata: { name: 'longhorn-manager-1', namespace } }]),
  logs: known([
    { pod: 'longhorn-manager-1', lines: known(['time="2026-11-24T09:59:00Z" level=info msg="all is well"']) },
  ]),
};
