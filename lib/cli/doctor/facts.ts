/** What `doctor` has found out about a cluster. Each fact is a value or the reason why it is not known; no fact holds a secret. */
import type {
  Backup,
  BackupTarget,
  ConfigMap,
  CronJob,
  Deployment,
  KubeEvent,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  RecurringJob,
  Service,
  Setting,
  Volume,
} from '../kinds';
import type { WantedJob } from '../label/wanted';

export type Fact<T> =
  { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

export function known<T>(value: T): Fact<T> {
  return { known: true, value };
}

export function unknown(why: string): { readonly known: false; readonly why: string } {
  return { known: false, why };
}

/** What the gateway's pod says about itself. */
export interface GatewayAnswers {
  /** From `/health`. */
  readonly version: Fact<string>;
  /** From `/ready`: whether it serves, and with it whether the FTP server answers. */
  readonly readiness: Fact<{
    readonly ready: boolean;
    readonly reason?: string;
    readonly freeBytes?: number;
  }>;
}

export interface GatewayFacts {
  readonly deployment: Deployment;
  readonly pods: Fact<readonly Pod[]>;
  readonly answers: GatewayAnswers;
}

/** A Secret without its values. */
export interface SecretFacts {
  readonly name: string;
  /** The key, and what is wrong with its value; never the value. */
  readonly faults: readonly { readonly key: string; readonly reason: string }[];
  /** Keys that are there. */
  readonly keys: readonly string[];
  /** AWS_ENDPOINTS, which is no secret. */
  readonly endpoint?: string;
  /** Of access key and secret key together: two Secrets agree where theirs are equal. */
  readonly credentialDigest?: string;
}

export interface LogFacts {
  readonly pod: string;
  readonly lines: Fact<readonly string[]>;
}

export interface Facts {
  readonly now: Date;
  readonly namespace: string;
  /** This command's own version. */
  readonly version: string;
  /** From the command line, longhaul.yaml, or the label command that runs in the cluster; empty where none of them is there. */
  readonly wanted: Fact<readonly WantedJob[]>;
  readonly gateways: Fact<readonly GatewayFacts[]>;
  readonly events: Fact<readonly KubeEvent[]>;
  readonly services: Fact<readonly Service[]>;
  /** The Secrets of the gateways and those that backup targets name, as far as they exist. */
  readonly secrets: Fact<readonly SecretFacts[]>;
  readonly backupTargets: Fact<readonly BackupTarget[]>;
  readonly settings: Fact<readonly Setting[]>;
  /** ConfigMap longhorn-default-resource. */
  readonly defaultResource: Fact<ConfigMap | undefined>;
  readonly recurringJobs: Fact<readonly RecurringJob[]>;
  readonly cronJobs: Fact<readonly CronJob[]>;
  readonly volumes: Fact<readonly Volume[]>;
  readonly pvcs: Fact<readonly PersistentVolumeClaim[]>;
  readonly persistentVolumes: Fact<readonly PersistentVolume[]>;
  readonly backups: Fact<readonly Backup[]>;
  readonly managerPods: Fact<readonly Pod[]>;
  /** Of longhorn-manager and of the pods of recurring jobs. */
  readonly logs: Fact<readonly LogFacts[]>;
}
