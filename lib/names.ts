/** Names that constructs, gateway and cluster commands share. Imports nothing. */

/** Namespace of Longhorn and so of everything Longhaul adds to it. */
export const LONGHORN_NAMESPACE = 'longhorn-system';

/** The gateway's Deployment, Service, ServiceAccount and `app` label. */
export const GATEWAY_NAME = 's3-to-ftp';

/** The S3 port. */
export const S3_PORT = 9000;
/** Name of the S3 port in Service and Pod. */
export const S3_PORT_NAME = 's3-api';

/** The port of metrics and status page. */
export const METRICS_PORT = 9464;
/** Name of that port in Service and Pod. */
export const METRICS_PORT_NAME = 'metrics';
/** Path of the metrics on their port. */
export const METRICS_PATH = '/metrics';

/** Secret with what the gateway needs to log in to FTP, to check S3 signatures and to seal. */
export const FTP_SECRET_NAME = 's3-to-ftp-ftp-credentials';

/** Keys of that Secret, each with the gateway's environment variable that it feeds. */
export const FTP_SECRET_KEYS = {
  ftp_host: 'FTP_HOST',
  ftp_port: 'FTP_PORT',
  ftp_user: 'FTP_USER',
  ftp_password: 'FTP_PASSWORD',
  ftp_path: 'FTP_ROOT_PATH',
  s3_access_key: 'S3_ACCESS_KEY',
  s3_secret_key: 'S3_SECRET_KEY',
  encryption_key: 'ENCRYPTION_KEY',
} as const;

/** Secret with the account of the second FTP server. */
export const MIRROR_SECRET_NAME = 's3-to-ftp-mirror-credentials';

/** Keys of that Secret, each with the gateway's environment variable that it feeds. */
export const MIRROR_SECRET_KEYS = {
  ftp_host: 'MIRROR_FTP_HOST',
  ftp_port: 'MIRROR_FTP_PORT',
  ftp_user: 'MIRROR_FTP_USER',
  ftp_password: 'MIRROR_FTP_PASSWORD',
  ftp_path: 'MIRROR_FTP_ROOT_PATH',
} as const;

/** A key that the gateway's Secret may have besides: older encryption keys, which only open, with commas between them. */
export const OLDER_KEYS_SECRET_KEY = 'encryption_keys';
/** The gateway's environment variable that it feeds. */
export const OLDER_KEYS_VARIABLE = 'ENCRYPTION_KEYS';

/** Secret that Longhorn's BackupTarget names; its keys are Longhorn's. */
export const LONGHORN_SECRET_NAME = 'longhorn-backup-s3-credentials';

/** Liveness: the process works. */
export const HEALTH_PATH = '/health';
/** Readiness: it may write, and the FTP server answers. */
export const READY_PATH = '/ready';

/** Setting that lets recurring jobs attach a detached volume for their run. */
export const DETACHED_SETTING = 'allow-recurring-job-while-volume-detached';

/** The CronJob that verifies backups. */
export const VERIFY_NAME = 'longhaul-verify';
/** The one that verifies those on the mirror. */
export const VERIFY_MIRROR_NAME = 'longhaul-mirror-verify';

/** Bucket that Longhorn's URL and the gateway name unless they are told another. */
export const DEFAULT_BUCKET = 'longhorn-backups';

/** BackupTarget that Longhorn makes by itself and gives to every volume that names no other. */
export const DEFAULT_TARGET = 'default';

/** What belongs to one backup target: with the names above for `default`, with the target's name behind them for any other. */
export interface TargetNames {
  /** Deployment, Service, ServiceAccount, `app` label. */
  readonly gateway: string;
  /** Secret of the gateway. */
  readonly ftpSecret: string;
  /** Secret of the gateway's mirror. */
  readonly mirrorSecret: string;
  /** Secret of Longhorn. */
  readonly longhornSecret: string;
  /** CronJob that verifies the backups. */
  readonly verify: string;
  /** CronJob that verifies those on the mirror. */
  readonly verifyMirror: string;
}

/** The names of what belongs to a target. */
export function targetNames(target: string = DEFAULT_TARGET): TargetNames {
  const suffix = target === DEFAULT_TARGET ? '' : `-${target}`;
  return {
    gateway: GATEWAY_NAME + suffix,
    ftpSecret: FTP_SECRET_NAME + suffix,
    mirrorSecret: MIRROR_SECRET_NAME + suffix,
    longhornSecret: LONGHORN_SECRET_NAME + suffix,
    verify: VERIFY_NAME + suffix,
    verifyMirror: VERIFY_MIRROR_NAME + suffix,
  };
}

/** URL of the gateway of a target, as Longhorn's Secret has it. */
export function gatewayEndpoint({
  target,
  namespace = LONGHORN_NAMESPACE,
  servicePort = S3_PORT,
  tlsSecret,
}: {
  readonly target?: string | undefined;
  readonly namespace?: string | undefined;
  readonly servicePort?: number | undefined;
  readonly tlsSecret?: string | undefined;
}): string {
  return `${tlsSecret === undefined ? 'http' : 'https'}://${targetNames(target).gateway}.${namespace}.svc.cluster.local:${servicePort}`;
}

/** Keys of Longhorn's Secret. */
export const LONGHORN_SECRET_KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_ENDPOINTS'] as const;

/** The gateway's environment variables that do not come from a Secret. */
export const GATEWAY_ENV = {
  ftpTls: 'FTP_TLS',
  ftpCaFile: 'FTP_CA_FILE',
  ftpConnections: 'FTP_CONNECTIONS',
  ftpRetrySeconds: 'FTP_RETRY_SECONDS',
  ftpStallSeconds: 'FTP_STALL_SECONDS',
  mirrorFtpTls: 'MIRROR_FTP_TLS',
  mirrorFtpCaFile: 'MIRROR_FTP_CA_FILE',
  mirrorFtpConnections: 'MIRROR_FTP_CONNECTIONS',
  mirrorFtpRetrySeconds: 'MIRROR_FTP_RETRY_SECONDS',
  mirrorFtpStallSeconds: 'MIRROR_FTP_STALL_SECONDS',
  mirrorFtpUploadLimit: 'MIRROR_FTP_UPLOAD_LIMIT',
  mirrorFtpDownloadLimit: 'MIRROR_FTP_DOWNLOAD_LIMIT',
  mirrorMaxLagMinutes: 'MIRROR_MAX_LAG_MINUTES',
  ftpUploadLimit: 'FTP_UPLOAD_LIMIT',
  ftpDownloadLimit: 'FTP_DOWNLOAD_LIMIT',
  s3BindAddress: 'S3_BIND_ADDRESS',
  s3Port: 'S3_PORT',
  s3Bucket: 'S3_BUCKET',
  s3Domain: 'S3_DOMAIN',
  s3TlsCertFile: 'S3_TLS_CERT_FILE',
  s3TlsKeyFile: 'S3_TLS_KEY_FILE',
  metricsBindAddress: 'METRICS_BIND_ADDRESS',
  metricsPort: 'METRICS_PORT',
  segmentSizeKib: 'SEGMENT_SIZE_KIB',
  memoryBudgetMib: 'MEMORY_BUDGET_MIB',
  catalogDirectory: 'CATALOG_DIR',
  trashDays: 'TRASH_DAYS',
  logLevel: 'LOG_LEVEL',
} as const;

/** Where the volume for the catalog is mounted, and the directory in it that the gateway makes, so that nobody else can read it. */
export const CATALOG_MOUNT_PATH = '/var/lib/longhaul';
/** The directory for the catalog within the volume, made by the gateway. */
export const CATALOG_DIRECTORY = `${CATALOG_MOUNT_PATH}/catalog`;

/** User and group that everything of ours runs as. */
export const USER_ID = 65532;

/** On every object that Longhaul puts into a cluster. */
export const PART_OF_LABEL = 'app.kubernetes.io/part-of';
/** Value of that label. */
export const PART_OF = 'longhaul';

/** Starts a cluster command in the gateway's image; its arguments follow. */
export const LONGHAUL_COMMAND = ['node', '/app/longhaul.js'] as const;

/** The CronJob, the ServiceAccount and the roles of the command `label`; the Job has a suffix made from what it does. */
export const LABEL_VOLUMES_NAME = 'longhaul-label-volumes';

/** Value of every label that puts a volume into a recurring job. */
export const LABEL_ENABLED = 'enabled';
/** Key of the label that puts a volume into a job. */
export const recurringJobLabel = (job: string): string => `recurring-job.longhorn.io/${job}`;
/** Key of the label that puts a volume into a group of jobs. */
export const recurringJobGroupLabel = (group: string): string => `recurring-job-group.longhorn.io/${group}`;
/** On a PVC: Longhorn takes the job labels of its Volume from this PVC. */
export const RECURRING_JOB_SOURCE_LABEL = 'recurring-job.longhorn.io/source';

/** On a PVC or Volume: the label keys there that we set, comma-separated. Only these do we ever remove. */
export const OUR_LABELS_ANNOTATION = 'longhaul.io/labels';

/** The CSI driver whose volumes are Longhorn's. */
export const LONGHORN_CSI_DRIVER = 'driver.longhorn.io';
