/** The gateway's configuration: environment in, one frozen object or every problem at once out. */

import { CATALOG_DIRECTORY, DEFAULT_BUCKET, METRICS_PORT, S3_PORT } from '../lib/names';
import { readAccessKeys } from './access-keys';
import { ConfigError } from './config-error';
import { readCertificateFiles, type CertificateFiles } from './certificate';
import { readEncryptionKeys } from './encryption-keys';
import { EnvironmentReader, type Variable } from './environment-reader';
import { readFtp, type FtpConfig } from './ftp-config';
import { readMirror, type MirrorConfig } from './mirror-config';
import type { AccessKey } from './s3/access-key';
import type { KeyringOptions } from './seal/keyring';

export interface GatewayConfig {
  readonly ftp: FtpConfig;
  /** A second account that holds what the first one holds. Absent: there is none. */
  readonly mirror?: MirrorConfig;
  readonly s3: {
    readonly bindAddress: string;
    /** 0 for any free port. */
    readonly port: number;
    /** That of `S3_ACCESS_KEY` first. */
    readonly accessKeys: readonly AccessKey[];
    /** Exists without being created. */
    readonly bucket: string;
    /** Where set, `<bucket>.<domain>` addresses a bucket too. */
    readonly domain?: string;
    /** Where set, the port speaks TLS and nothing else. */
    readonly tls?: CertificateFiles;
  };
  /** Where `/metrics` and the status page are. */
  readonly metrics: {
    readonly bindAddress: string;
    /** 0 for any free port. */
    readonly port: number;
  };
  /** Absent: objects are stored as they are. */
  readonly encryptionKeys?: KeyringOptions;
  /** Whether files without seal are served although there is a key, until all of them have been sealed. */
  readonly readPlainObjects: boolean;
  /** What happens to a delete of a block that a stored backup needs: refused, only logged, or not looked at. */
  readonly deleteGuard: 'enforce' | 'warn' | 'off';
  readonly trash: {
    /** How long deleted and replaced files rest before they leave the FTP server, in milliseconds; 0: not at all. */
    readonly keepMs: number;
    /** How long they rest while the account is full, in milliseconds: then what rested longer makes way. */
    readonly minKeepMs: number;
    /** Bytes of them on the FTP server above which the oldest leave before their time. */
    readonly maxBytes: number;
  };
  /** Plaintext bytes a second that a rotation of keys may seal anew; 0 for no limit. */
  readonly rotationBytesPerSecond: number;
  /** log2 of the plaintext bytes of a sealed segment. */
  readonly segmentLog2: number;
  /** Directory on local disk for the catalog. */
  readonly catalogDirectory: string;
  /** Milliseconds between copies of the catalog on the FTP server, where anything changed. */
  readonly checkpointMs: number;
  /** Milliseconds between looks at everything on the FTP server. */
  readonly crawlMs: number;
  /** Bytes of request bodies held in memory at a time. */
  readonly memoryBudgetBytes: number;
  /** Multipart uploads that nobody goes on with for this long are removed, in milliseconds; absent: never. */
  readonly uploadExpiryMs?: number;
  readonly logLevel: string;
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const DAY_MS = 86_400_000;

/** Reads the variables that docs/configuration.md lists. Throws `ConfigError` with all problems; touches nothing but the files that they name. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const read = new EnvironmentReader(env);
  const config = readAll(read);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return Object.freeze(config);
}

/** Every variable that `readConfig` asks for; more of them where `env` has other access keys. */
export function configVariables(env: Readonly<Record<string, string>>): readonly Variable[] {
  const read = new EnvironmentReader(env);
  readAll(read);
  return read.variables;
}

function readAll(read: EnvironmentReader): GatewayConfig {
  const domain = read.matching('S3_DOMAIN', /^[a-z0-9.-]+$/, 'a host name in lower case', undefined);
  const certificate = readCertificateFiles(read);
  const uploadExpiryDays = read.integer('UPLOAD_EXPIRY_DAYS', 0, 3650, 7);
  const encryptionKeys = readEncryptionKeys(read);
  const ftp = readFtp(read);
  const mirror = readMirror(read, ftp);
  return {
    ftp,
    ...(mirror && { mirror }),
    s3: {
      bindAddress: bindAddress(read, 'S3_BIND_ADDRESS'),
      port: read.integer('S3_PORT', 0, 65535, S3_PORT),
      accessKeys: readAccessKeys(read),
      bucket: readBucket(read),
      ...(domain !== undefined && { domain }),
      ...(certificate && { tls: certificate }),
    },
    metrics: {
      bindAddress: bindAddress(read, 'METRICS_BIND_ADDRESS'),
      port: read.integer('METRICS_PORT', 0, 65535, METRICS_PORT),
    },
    ...(encryptionKeys && { encryptionKeys }),
    readPlainObjects: readPlainObjects(read),
    deleteGuard: read.oneOf('DELETE_GUARD', ['enforce', 'warn', 'off'], 'enforce'),
    trash: {
      keepMs: read.integer('TRASH_DAYS', 0, 3650, 7) * DAY_MS,
      minKeepMs: read.integer('TRASH_MIN_DAYS', 0, 3650, 2) * DAY_MS,
      maxBytes: read.integer('TRASH_MAX_GIB', 1, 1_000_000, 256) * GIB,
    },
    rotationBytesPerSecond: read.integer('ROTATION_MIB_PER_SECOND', 0, 10_000, 0) * MIB,
    segmentLog2: Math.log2(read.integer('SEGMENT_SIZE_KIB', 4, 1024, 256, powerOfTwo) * 1024),
    catalogDirectory: read.text('CATALOG_DIR', 1, CATALOG_DIRECTORY),
    ...(uploadExpiryDays > 0 && { uploadExpiryMs: uploadExpiryDays * DAY_MS }),
    checkpointMs: read.integer('CHECKPOINT_MINUTES', 1, 10_080, 60) * 60_000,
    crawlMs: read.integer('CRAWL_HOURS', 1, 8_760, 24) * 3_600_000,
    memoryBudgetBytes: read.integer('MEMORY_BUDGET_MIB', 16, 65536, 64) * MIB,
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
  };
}

/** `CATALOG_DIR` alone, for what only talks to a running gateway. Throws `ConfigError`. */
export function readCatalogDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const read = new EnvironmentReader(env);
  const directory = read.text('CATALOG_DIR', 1, CATALOG_DIRECTORY);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return directory;
}

/** `S3_BUCKET`. */
export function readBucket(read: EnvironmentReader): string {
  const expected = 'a bucket name: 3 to 63 of a-z 0-9 . -';
  return read.matching('S3_BUCKET', BUCKET_NAME, expected, DEFAULT_BUCKET) ?? '';
}

/** `PLAIN_OBJECTS`. */
export function readPlainObjects(read: EnvironmentReader): boolean {
  return read.oneOf('PLAIN_OBJECTS', ['refuse', 'read'], 'refuse') === 'read';
}

function bindAddress(read: EnvironmentReader, name: string): string {
  return read.matching(name, /^[0-9A-Fa-f.:]+$|^localhost$/, 'an IP address', '::') ?? '::';
}

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

function powerOfTwo(value: number): string | undefined {
  return Number.isInteger(Math.log2(value)) ? undefined : 'a power of two';
}
