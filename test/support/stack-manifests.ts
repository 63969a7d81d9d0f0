/** The manifests of a small backup stack, in numbered files as `cdk8s synth` writes them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

const namespace = 'longhorn-system';
const partOf = { 'app.kubernetes.io/part-of': 'longhaul' };
const gateway = { name: 's3-to-ftp', namespace, labels: partOf };
const container = {
  name: 'gateway',
  image: 'registry.example/longhaul:1.0.0',
  ports: [{ containerPort: 9000 }],
};

export interface StackOptions {
  /** @default registry.example/longhaul:1.0.0 */
  readonly image?: string;
  /** @default s3://longhorn@box/ */
  readonly backupTargetURL?: string;
}

export function stackManifests(options: StackOptions = {}): Record<string, object[]> {
  const { image = container.image, backupTargetURL = 's3://longhorn@box/' } = options;
  const longhorn = { apiVersion: 'longhorn.io/v1beta2' };
  const labels = { app: 's3-to-ftp' };
  const labelContainer = { name: 'label', image, command: ['longhaul', 'label', '--job', 'daily=app/data'] };
  return {
    '0000-secrets.yaml': [
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 's3-to-ftp-ftp-credentials', namespace },
        stringData: {
          ftp_host: 'ftp.example',
          ftp_port: '21',
          ftp_user: 'homelab',
          ftp_password: 'correct horse',
          ftp_path: '/Homelab',
          s3_access_key: 'longhorn',
          s3_secret_key: 'battery staple',
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'longhorn-backup-s3-credentials', namespace },
        stringData: {
          AWS_ACCESS_KEY_ID: 'longhorn',
          AWS_SECRET_ACCESS_KEY: 'battery staple',
          AWS_ENDPOINTS: 'http://s3-to-ftp.longhorn-system.svc.cluster.local:9000',
        },
      },
    ],
    '0001-gateway.yaml': [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: gateway,
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ ...container, image }] } },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: gateway,
        spec: { selector: labels, ports: [{ name: 's3-api', port: 9000, protocol: 'TCP' }] },
      },
      {
        apiVersion: 'policy/v1',
        kind: 'PodDisruptionBudget',
        metadata: gateway,
        spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
      },
    ],
    '0002-longhorn.yaml': [
      {
        ...longhorn,
        kind: 'Setting',
        metadata: { name: 'allow-recurring-job-while-volume-detached', namespace },
        value: 'true',
      },
      {
        ...longhorn,
        kind: 'BackupTarget',
        metadata: { name: 'default', namespace },
        spec: { backupTargetURL, credentialSecret: 'longhorn-backup-s3-credentials', pollInterval: '5m0s' },
      },
      {
        ...longhorn,
        kind: 'RecurringJob',
        metadata: { name: 'daily', namespace, labels: partOf },
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
      },
    ],
    '0003-labels.yaml': [
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'longhaul-label', namespace, labels: partOf },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [labelContainer] } } },
      },
    ],
  };
}

/** Writes them to a fresh directory and returns its path. */
export function writeManifests(files: Readonly<Record<string, readonly object[]>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-manifests-'));
  for (const [file, objects] of Object.entries(files)) {
    writeFileSync(join(directory, file), objects.map((object) => stringify(object)).join('---\n'));
  }
  return directory;
}
