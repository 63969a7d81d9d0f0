/** The Kubernetes and Longhorn objects that the cluster commands read and write: only the fields they look at, as JSON has them. A list of declarations. */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339, UTC. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
}

export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** Where a kind lives in the API; `T` is the shape of its objects. */
export interface Kind<T extends KubeObject = KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it ties the shape to the kind for the compiler. */
  readonly shape?: T;
}

function kind<T extends KubeObject>(
  apiVersion: string,
  name: string,
  plural: string,
  namespaced = true,
): Kind<T> {
  return { apiVersion, kind: name, plural, namespaced };
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Service extends KubeObject {
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly { readonly name?: string; readonly port: number }[];
  };
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly terminated?: { readonly reason?: string; readonly exitCode: number; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
}

export interface Pod extends KubeObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface PodTemplate {
  readonly spec: {
    readonly containers: readonly {
      readonly readinessProbe?: { readonly httpGet?: { readonly scheme?: string } };
      readonly name: string;
      readonly image?: string;
      readonly command?: readonly string[];
      readonly args?: readonly string[];
    }[];
  };
}

export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly selector: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface KubeEvent extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
}

export interface Job extends KubeObject {
  readonly spec?: { readonly template?: PodTemplate };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly succeeded?: number;
    readonly failed?: number;
  };
}

export interface CronJob extends KubeObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplate } };
  };
  readonly status?: { readonly lastScheduleTime?: string };
}

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec?: { readonly volumeName?: string };
  readonly status?: { readonly phase?: string };
}

export interface PersistentVolume extends KubeObject {
  readonly spec?: {
    readonly csi?: { readonly driver: string; readonly volumeHandle: string };
    readonly claimRef?: { readonly namespace?: string; readonly name?: string };
  };
}

export interface Setting extends KubeObject {
  readonly value: string;
}

export interface BackupTarget extends KubeObject {
  readonly spec?: {
    readonly backupTargetURL?: string;
    readonly credentialSecret?: string;
    readonly pollInterval?: string;
  };
  readonly status?: {
    readonly available?: boolean;
    readonly conditions?: readonly Condition[] | null;
    readonly lastSyncedAt?: string | null;
  };
}

export interface RecurringJob extends KubeObject {
  readonly spec: {
    readonly cron?: string;
    readonly task?: string;
    readonly groups?: readonly string[] | null;
    readonly retain?: number;
    readonly concurrency?: number;
    readonly parameters?: Readonly<Record<string, string>> | null;
  };
  readonly status?: { readonly executionCount?: number };
}

export interface Volume extends KubeObject {
  readonly spec?: { readonly backupTargetName?: string; readonly size?: string };
  readonly status?: {
    readonly state?: string;
    readonly robustness?: string;
    readonly lastBackup?: string;
    readonly lastBackupAt?: string;
    readonly kubernetesStatus?: { readonly namespace?: string; readonly pvcName?: string };
  };
}

export interface Backup extends KubeObject {
  readonly spec?: {
    readonly snapshotName?: string;
    readonly backupMode?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  };
  readonly status?: {
    readonly state?: string;
    readonly error?: string;
    readonly progress?: number;
    /** Bytes, as a decimal string: blocks times block size, not what was sent. */
    readonly size?: string;
    /** Bytes sent, as a decimal string. */
    readonly newlyUploadDataSize?: string;
    readonly volumeName?: string;
    readonly backupCreatedAt?: string;
    readonly snapshotCreatedAt?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
  };
}

export interface Snapshot extends KubeObject {
  readonly spec: { readonly volume: string; readonly createSnapshot: boolean };
  readonly status?: { readonly readyToUse?: boolean; readonly error?: string };
}

const LONGHORN_API = 'longhorn.io/v1beta2';

export const SECRET = kind<Secret>('v1', 'Secret', 'secrets');
export const CONFIG_MAP = kind<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const SERVICE = kind<Service>('v1', 'Service', 'services');
export const SERVICE_ACCOUNT = kind('v1', 'ServiceAccount', 'serviceaccounts');
export const POD = kind<Pod>('v1', 'Pod', 'pods');
export const EVENT = kind<KubeEvent>('v1', 'Event', 'events');
export const PERSISTENT_VOLUME_CLAIM = kind<PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const PERSISTENT_VOLUME = kind<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', false);
export const DEPLOYMENT = kind<Deployment>('apps/v1', 'Deployment', 'deployments');
export const JOB = kind<Job>('batch/v1', 'Job', 'jobs');
export const CRON_JOB = kind<CronJob>('batch/v1', 'CronJob', 'cronjobs');
/** What Kubernetes before 1.21 serves instead. */
export const CRON_JOB_BETA = kind<CronJob>('batch/v1beta1', 'CronJob', 'cronjobs');
export const NETWORK_POLICY = kind('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies');
export const POD_DISRUPTION_BUDGET = kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const ROLE = kind('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const ROLE_BINDING = kind('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings');
export const CLUSTER_ROLE = kind('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false);
export const CLUSTER_ROLE_BINDING = kind(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  false,
);
export const SETTING = kind<Setting>(LONGHORN_API, 'Setting', 'settings');
export const BACKUP_TARGET = kind<BackupTarget>(LONGHORN_API, 'BackupTarget', 'backuptargets');
export const RECURRING_JOB = kind<RecurringJob>(LONGHORN_API, 'RecurringJob', 'recurringjobs');
export const VOLUME = kind<Volume>(LONGHORN_API, 'Volume', 'volumes');
export const BACKUP = kind<Backup>(LONGHORN_API, 'Backup', 'backups');
export const SNAPSHOT = kind<Snapshot>(LONGHORN_API, 'Snapshot', 'snapshots');

const MONITORING_API = 'monitoring.coreos.com/v1';
/** Kinds of the Prometheus operator, where it is installed. */
export const MONITORING_KINDS: readonly Kind[] = [
  kind(MONITORING_API, 'ServiceMonitor', 'servicemonitors'),
  kind(MONITORING_API, 'PrometheusRule', 'prometheusrules'),
];

/** `Secret longhorn-system/x`, the way every message names an object. */
export function describeObject(kindName: string, name: string, namespace?: string): string {
  return `${kindName} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
