/** The gateway's configuration: environment in, one frozen object or every problem at once out. */

import { CATALOG_DIRECTORY, S3_PORT } from '../lib/names';
import { readAccessKeys } from './access-keys';
import { EnvironmentReader } from './environment-reader';
import type { AccessKey } from './s3/access-key';

export type FtpTlsMode = 'explicit' | 'implicit' | 'off';

export interface GatewayConfig {
  readonly ftp: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    /** Directory on the FTP server that belongs to this gateway; absolute, no `/` at its end unless it is the root itself. */
    readonly root: string;
    readonly tls: FtpTlsMode;
    /** PEM of the authorities that may sign the server's certificate, instead of the system's. */
    readonly ca?: string;
    /** Most control connections at a time. */
    readonly connections: number;
    /** How long a fault is waited for and retried before the client is told, in milliseconds. */
    readonly retryMs: number;
    /** Silence on a connection in use after which it counts as dead, in milliseconds. */
    readonly stallMs: number;
  };
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
  };
  /** 32 bytes; absent: objects are stored as they are. */
  readonly encryptionKey?: Buffer;
  /** Whether a file without seal is served although there is a key. */
  readonly readPlainObjects: boolean;
  /** log2 of the plaintext bytes of a sealed segment. */
  readonly segmentLog2: number;
  /** Directory on local disk for the catalog. */
  readonly catalogDirectory: string;
  /** Bytes of request bodies held in memory at a time. */
  readonly memoryBudgetBytes: number;
  readonly logLevel: string;
}

/** Every problem of the environment, one sentence each. Never holds a secret's value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(
      `the configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((p) => `- ${p}`).join('\n')}`,
    );
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const TLS_MODES = ['explicit', 'implicit', 'off'] as const;
const MIB = 1024 * 1024;

/** Reads the variables that README.md lists. Throws `ConfigError` with all problems; touches nothing but the file of `FTP_CA_FILE`. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const read = new EnvironmentReader(env);
  const tls = read.oneOf('FTP_TLS', TLS_MODES, 'explicit');
  const ca = read.file('FTP_CA_FILE', 'PEM certificates');
  const domain = read.matching('S3_DOMAIN', /^[a-z0-9.-]+$/, 'a host name in lower case', undefined);
  const encryptionKey = read.key('ENCRYPTION_KEY');
  const config: GatewayConfig = {
    ftp: {
      host:
        read.matching('FTP_HOST', /^[A-Za-z0-9._:-]+$/, 'a host name or address without scheme or path') ??
        '',
      port: read.integer('FTP_PORT', 1, 65535, tls === 'implicit' ? 990 : 21),
      user: read.text('FTP_USER'),
      password: read.text('FTP_PASSWORD'),
      root: normalizeRoot(
        read.matching(
          'FTP_ROOT_PATH',
          REMOTE_PATH,
          'a path of printable ASCII characters without `.` or `..` segments',
          '/',
        ) ?? '/',
      ),
      tls,
      ...(ca !== undefined && { ca }),
      connections: read.integer('FTP_CONNECTIONS', 1, 64, 4),
      retryMs: read.integer('FTP_RETRY_SECONDS', 0, 3600, 300) * 1000,
      stallMs: read.integer('FTP_STALL_SECONDS', 1, 600, 30) * 1000,
    },
    s3: {
      bindAddress:
        read.matching('S3_BIND_ADDRESS', /^[0-9A-Fa-f.:]+$|^localhost$/, 'an IP address', '::') ?? '::',
      port: read.integer('S3_PORT', 0, 65535, S3_PORT),
      accessKeys: readAccessKeys(read),
      bucket:
        read.matching('S3_BUCKET', BUCKET_NAME, 'a bucket name: 3 to 63 of a-z 0-9 . -', 'longhorn') ?? '',
      ...(domain !== undefined && { domain }),
    },
    ...(encryptionKey && { encryptionKey }),
    readPlainObjects: read.oneOf('PLAIN_OBJECTS', ['refuse', 'read'], 'refuse') === 'read',
    segmentLog2: Math.log2(read.integer('SEGMENT_SIZE_KIB', 4, 1024, 256, powerOfTwo) * 1024),
    catalogDirectory: read.text('CATALOG_DIR', 1, CATALOG_DIRECTORY),
    memoryBudgetBytes: read.integer('MEMORY_BUDGET_MIB', 16, 65536, 64) * MIB,
    logLevel: read.oneOf('LOG_LEVEL', LOG_LEVELS, 'info'),
  };
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return Object.freeze(config);
}

/** `CATALOG_DIR` alone, for what only talks to a running gateway. Throws `ConfigError`. */
export function readCatalogDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const read = new EnvironmentReader(env);
  const directory = read.text('CATALOG_DIR', 1, CATALOG_DIRECTORY);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return directory;
}

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Printable ASCII, so that no server recodes it; no segment `.` or `..`. */
const REMOTE_PATH = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[\x20-\x7e]+$/;

function normalizeRoot(path: string): string {
  const names = path.split('/').filter((name) => name !== '');
  return `/${names.join('/')}`;
}

function powerOfTwo(value: number): string | undefined {
  return Number.isInteger(Math.log2(value)) ? undefined : 'a power of two';
}
