/** The gateway's configuration: environment in, one frozen object or every problem at once out. */

import { readFileSync } from 'node:fs';
import { CATALOG_DIRECTORY, S3_PORT } from '../lib/names';

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
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
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
  const read = new Reader(env);
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
      accessKeyId:
        read.matching('S3_ACCESS_KEY', /^[\w.+=@-]{3,128}$/, '3 to 128 letters, digits or _.+=@-') ?? '',
      secretAccessKey: read.text('S3_SECRET_KEY', 8),
      bucket:
        read.matching(
          'S3_BUCKET',
          /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
          'a bucket name: 3 to 63 of a-z 0-9 . -',
          'longhorn',
        ) ?? '',
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
  const read = new Reader(env);
  const directory = read.text('CATALOG_DIR', 1, CATALOG_DIRECTORY);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return directory;
}

/** Printable ASCII, so that no server recodes it; no segment `.` or `..`. */
const REMOTE_PATH = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[\x20-\x7e]+$/;

function normalizeRoot(path: string): string {
  const names = path.split('/').filter((name) => name !== '');
  return `/${names.join('/')}`;
}

function powerOfTwo(value: number): string | undefined {
  return Number.isInteger(Math.log2(value)) ? undefined : 'a power of two';
}

/** Collects problems while it reads; what it returns for a bad variable is never used. */
class Reader {
  readonly problems: string[] = [];

  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  /** The value, or undefined (and a problem, if it is bad or required and missing). An empty variable counts as missing. */
  private value(
    name: string,
    expected: string,
    fallback: string | undefined,
    required: boolean,
  ): string | undefined {
    const raw = this.env[name];
    if (raw === undefined || raw === '') {
      if (required) this.problems.push(`${name} is not set: expected ${expected}`);
      return fallback;
    }
    if (raw !== raw.trim()) {
      this.problems.push(
        `${name} has a blank or a newline at its start or end (a Secret made with "echo" instead of "printf" has one): expected ${expected}`,
      );
      return undefined;
    }
    return raw;
  }

  /** Any text of at least `minLength` characters; without `fallback` it is required. */
  text(name: string, minLength = 1, fallback?: string): string {
    const expected = minLength > 1 ? `at least ${minLength} characters` : 'some text';
    const value = this.value(name, expected, fallback, fallback === undefined);
    if (value === undefined) return '';
    const problem = hasControlCharacter(value)
      ? 'holds a control character'
      : value.length < minLength
        ? 'is too short'
        : undefined;
    if (problem) this.problems.push(`${name} ${problem}: expected ${expected}`);
    return value;
  }

  /** Without `fallback` argument it is required; `undefined` as fallback makes it optional. */
  matching(
    name: string,
    pattern: RegExp,
    expected: string,
    ...fallback: [(string | undefined)?]
  ): string | undefined {
    const value = this.value(name, expected, fallback[0], fallback.length === 0);
    if (value !== undefined && !pattern.test(value))
      this.problems.push(`${name} is not valid: expected ${expected}`);
    return value;
  }

  integer(
    name: string,
    min: number,
    max: number,
    fallback: number,
    check?: (value: number) => string | undefined,
  ): number {
    const expected = `a whole number from ${min} to ${max}`;
    const value = this.value(name, expected, String(fallback), false);
    if (value === undefined) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
    if (!(number >= min && number <= max)) this.problems.push(`${name} is not valid: expected ${expected}`);
    else if (check?.(number))
      this.problems.push(`${name} is not valid: expected ${check(number)} from ${min} to ${max}`);
    return number;
  }

  oneOf<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.value(name, choices.join(', '), fallback, false);
    const choice = choices.find((c) => c === value);
    if (value !== undefined && choice === undefined) {
      this.problems.push(`${name} is not valid: expected one of ${choices.join(', ')}`);
    }
    return choice ?? fallback;
  }

  /** 64 hex digits as 32 bytes. The value appears in no problem. */
  key(name: string): Buffer | undefined {
    const value = this.value(name, '64 hex digits (make one with: openssl rand -hex 32)', undefined, false);
    if (value === undefined) return undefined;
    if (!/^[0-9a-fA-F]{64}$/.test(value)) {
      this.problems.push(
        `${name} is not valid: expected 64 hex digits (make one with: openssl rand -hex 32), found ${value.length} characters`,
      );
      return undefined;
    }
    return Buffer.from(value, 'hex');
  }

  file(name: string, expected: string): string | undefined {
    const path = this.value(name, `the path of a file with ${expected}`, undefined, false);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.problems.push(
        `${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): expected ${expected}`,
      );
      return undefined;
    }
  }
}

function hasControlCharacter(value: string): boolean {
  return [...value].some((char) => char < ' ' || char === '\x7f');
}
