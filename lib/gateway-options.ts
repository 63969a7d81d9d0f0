/** The props of the gateway. */
import type { VerifyOptions } from './verify-job';

/** As the gateway reads `FTP_TLS`. */
export const FTP_TLS_MODES = ['explicit', 'implicit', 'off'] as const;
/** `explicit`: AUTH TLS on the control port. `implicit`: TLS from the first byte, port 990. `off`: none. */
export type FtpTlsMode = (typeof FTP_TLS_MODES)[number];

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** Pino's levels; `silent` for no log at all. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One key of a Secret or a ConfigMap that exists. Exactly one of the two names is needed. */
export interface KeyReference {
  /** Name of a Secret. @default - `configMap` says which */
  readonly secret?: string;
  /** Name of a ConfigMap. @default - `secret` says which */
  readonly configMap?: string;
  /** @default 'ca.crt' */
  readonly key?: string;
}

/** TCP ports, both ends included. */
export interface PortRange {
  /** The first one, 1 to 65535. */
  readonly from: number;
  /** The last one that belongs to it. */
  readonly to: number;
}

/** How the gateway reaches the FTP server; the account itself is in its Secret. */
export interface FtpOptions {
  /** `off` sends the password and, without encryption, every object readable over the network. @default 'explicit' */
  readonly tls?: FtpTlsMode;
  /** PEM of the authority that signed the server's certificate. @default - those that the image trusts */
  readonly ca?: KeyReference;
  /** Most connections at a time, 1 to 64; hosts allow 3 to 10. @default 4 */
  readonly connections?: number;
  /** Seconds, 0 to 3600, for which a fault of the server is waited for before Longhorn is told to slow down. @default 300 */
  readonly retrySeconds?: number;
  /** Seconds of silence, 1 to 600, after which a connection counts as dead. @default 30 */
  readonly stallSeconds?: number;
  /**
   * What uploads take of the line, in megabits a second: `10`, or by the time of day, `10@07:00-23:00,off`; the first rule whose time it is holds. By
   * UTC, unless `env.TZ` names a time zone. @default - all of it
   */
  readonly uploadLimit?: string;
  /** The same for downloads. The verification has a limit of its own besides, `verify.limit`. @default - all of it */
  readonly downloadLimit?: string;
  /** CIDR blocks of the server; the NetworkPolicy lets the gateway talk to no others. @default - any address */
  readonly addresses?: readonly string[];
  /**
   * The range from which the server picks the ports of data connections (passive mode). With it the NetworkPolicy allows these and
   * `port` alone; the cluster's network plugin must know port ranges (`endPort`, Kubernetes 1.25).
   * @default - any port: the server may pick any, and a port that is not allowed stops every transfer
   */
  readonly passivePorts?: PortRange;
  /** Control port for the NetworkPolicy, where `passivePorts` is given. The gateway itself takes it from its Secret. @default 21, with implicit TLS 990 */
  readonly port?: number;
}

/** A second FTP server that holds what the first one holds. */
export interface MirrorOptions {
  /** Secret with its account: `ftp_host`, `ftp_port`, `ftp_user`, `ftp_password`, `ftp_path`. @default 's3-to-ftp-mirror-credentials', with `-<name>` behind it for other targets */
  readonly credentialSecret?: string;
  /** The second FTP server. @default - explicit TLS, four connections */
  readonly ftp?: FtpOptions;
  /** Minutes, from 1, after which a change that is not on the mirror yet is warned of. @default 15 */
  readonly maxLagMinutes?: number;
}

/** Where the catalog lies. It may be lost: it is then rebuilt from the FTP server. */
export interface CatalogOptions {
  /** Of the `emptyDir`; a pod that exceeds it is evicted. @default '2Gi' */
  readonly sizeLimit?: string;
  /** PersistentVolumeClaim to keep it on instead; it must exist, and only one replica can use it. @default - an `emptyDir` */
  readonly claim?: string;
}

/** Quantities as Kubernetes writes them. */
export interface ResourceAmounts {
  /** Cores, such as `500m`. @default - that of `ResourceOptions` */
  readonly cpu?: string;
  /** Bytes, such as `512Mi`. @default - that of `ResourceOptions` */
  readonly memory?: string;
}

/** What a container asks for, and may take. */
export interface ResourceOptions {
  /** @default { cpu: '100m', memory: '128Mi' } */
  readonly requests?: ResourceAmounts;
  /** @default { cpu: '500m', memory: '512Mi' } */
  readonly limits?: ResourceAmounts;
}

/** The gateway of one backup target. */
export interface GatewayOptions {
  /** One writes; the others stand by for its lease and are not ready meanwhile. @default 1 */
  readonly replicas?: number;
  /** Port of the Service. @default 9000 */
  readonly servicePort?: number;
  /**
   * Secret of type `kubernetes.io/tls` for the host name of the Service, such as cert-manager makes: the S3 port then speaks TLS alone.
   * Longhorn's Secret must have the authority under `AWS_CERT`, and `https://` in `AWS_ENDPOINTS`.
   * @default - plain HTTP, which the NetworkPolicy closes off
   */
  readonly tlsSecret?: string;
  /**
   * Whether objects are sealed with AES-256-GCM. The Secret must have the key then: a pod without it does not start, rather than store
   * what everybody can read.
   * @default true
   */
  readonly encryption?: boolean;
  /** Secret with the FTP account, the S3 key pair and the encryption key. @default 's3-to-ftp-ftp-credentials', with `-<name>` behind it for other targets */
  readonly credentialSecret?: string;
  /** The FTP server. @default - explicit TLS, four connections */
  readonly ftp?: FtpOptions;
  /** A second FTP server, with a Secret of its own, that holds what the first one holds. @default - none */
  readonly mirror?: MirrorOptions;
  /** Where the catalog lies. @default - an `emptyDir` of 2 GiB */
  readonly catalog?: CatalogOptions;
  /** What the gateway's container asks for, and may take. @default - see `ResourceOptions` */
  readonly resources?: ResourceOptions;
  /** MiB of request bodies held in memory at a time, from 16. The memory limit must be 256 MiB above it. @default 64 */
  readonly memoryBudgetMib?: number;
  /** KiB of plaintext in a sealed segment: a power of two from 4 to 1024. @default 256 */
  readonly segmentSizeKib?: number;
  /** @default 'info' */
  readonly logLevel?: LogLevel;
  /** Whether only the pods of Longhorn's namespace reach the gateway, and it only DNS and the FTP server. @default true */
  readonly networkPolicy?: boolean;
  /**
   * Namespaces whose pods may read metrics and status page; they hold no secret, but names of volumes and backups. Counts with
   * `networkPolicy`. @default - every namespace
   */
  readonly metricsFrom?: readonly string[];
  /** Whether the pod carries the `prometheus.io` annotations that a Prometheus without operator finds it by. @default true */
  readonly scrapeAnnotations?: boolean;
  /** Verifies the backups regularly, in a pod of its own. @default - not */
  readonly verify?: VerifyOptions;
  /** Names of Secrets for the image's registry. @default - none */
  readonly imagePullSecrets?: readonly string[];
  /** Further environment variables of the gateway. @default - none */
  readonly env?: Readonly<Record<string, string>>;
}

/** The props of a gateway that stands by itself. */
export interface GatewayProps extends GatewayOptions {
  /** With a tag or a digest. */
  readonly image: string;
  /** Name of the backup target that it serves; its own names are made from it. @default 'default' */
  readonly target?: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** Bucket that exists without being created. @default 'longhorn-backups' */
  readonly bucket?: string;
}

export const DEFAULT_REQUESTS = { cpu: '100m', memory: '128Mi' } as const;
export const DEFAULT_LIMITS = { cpu: '500m', memory: '512Mi' } as const;
export const DEFAULT_CATALOG_SIZE = '2Gi';
export const DEFAULT_MEMORY_BUDGET_MIB = 64;
export const DEFAULT_CA_KEY = 'ca.crt';

export function controlPort({ tls, port }: FtpOptions): number {
  return port ?? (tls === 'implicit' ? 990 : 21);
}
