/** The variables of one FTP account, and the tree that they lead to. */

import { ConfigError } from './config-error';
import { EnvironmentReader } from './environment-reader';
import { parseBandwidth, rateAt, type BandwidthRule } from './ftp/bandwidth';
import { FtpRemoteTree } from './ftp/ftp-remote-tree';
import type { FtpAccount } from './ftp/session';

export type FtpTlsMode = 'explicit' | 'implicit' | 'off';

export interface FtpConfig {
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
  /** What uploads and downloads may take of the line. @default all of it */
  readonly uploadLimit?: readonly BandwidthRule[];
  readonly downloadLimit?: readonly BandwidthRule[];
}

const TLS_MODES = ['explicit', 'implicit', 'off'] as const;
/** Printable ASCII, so that no server recodes it; no segment `.` or `..`. */
const REMOTE_PATH = /^(?!(?:.*\/)?\.{1,2}(?:\/|$))[\x20-\x7e]+$/;

/** The `FTP_*` variables, with a prefix for another account than the first; its problems are left with the reader. */
export function readFtp(read: EnvironmentReader, prefix = ''): FtpConfig {
  const name = (variable: string): string => `${prefix}FTP_${variable}`;
  const tls = read.oneOf(name('TLS'), TLS_MODES, 'explicit');
  const ca = read.file(name('CA_FILE'), 'PEM certificates');
  return {
    host:
      read.matching(name('HOST'), /^[A-Za-z0-9._:-]+$/, 'a host name or address without scheme or path') ??
      '',
    port: read.integer(name('PORT'), 1, 65535, tls === 'implicit' ? 990 : 21),
    user: read.text(name('USER')),
    password: read.text(name('PASSWORD')),
    root: normalizeRoot(
      read.matching(
        name('ROOT_PATH'),
        REMOTE_PATH,
        'a path of printable ASCII characters without `.` or `..` segments',
        '/',
      ) ?? '/',
    ),
    tls,
    ...(ca !== undefined && { ca }),
    connections: read.integer(name('CONNECTIONS'), 1, 64, 4),
    retryMs: read.integer(name('RETRY_SECONDS'), 0, 3600, 300) * 1000,
    stallMs: read.integer(name('STALL_SECONDS'), 1, 600, 30) * 1000,
    uploadLimit: readLimit(read, name('UPLOAD_LIMIT')),
    downloadLimit: readLimit(read, name('DOWNLOAD_LIMIT')),
  };
}

function readLimit(read: EnvironmentReader, name: string): readonly BandwidthRule[] {
  const expected = 'megabits a second, each with or without a time of day, such as 10@07:00-23:00,off';
  const text = read.matching(name, /^[\d.:@,\- of]+$/, expected, undefined);
  if (text === undefined) return [];
  const rules = parseBandwidth(text);
  if (!rules) read.problems.push(`${name} is not valid: expected ${expected}`);
  return rules ?? [];
}

/** The `FTP_*` variables alone, for what works on the FTP server without a gateway. Throws `ConfigError`. */
export function readFtpConfig(env: Readonly<Record<string, string | undefined>>): FtpConfig {
  const read = new EnvironmentReader(env);
  const config = readFtp(read);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}

export function ftpAccount({ host, port, user, password, tls, ca }: FtpConfig): FtpAccount {
  const security = tls === 'off' ? 'none' : tls;
  return { host, port, user, password, security, ...(ca !== undefined && { ca }) };
}

/** Connects when it is first used. */
export function ftpTree(config: FtpConfig): FtpRemoteTree {
  return new FtpRemoteTree({
    account: ftpAccount(config),
    timeouts: { silenceMs: config.stallMs },
    pool: { maxSessions: config.connections },
    retry: { deadlineMs: config.retryMs },
    rates: {
      upload: () => rateAt(config.uploadLimit ?? [], new Date()),
      download: () => rateAt(config.downloadLimit ?? [], new Date()),
    },
    flowOf: volumeOf,
  });
}

/** Volumes take turns. Longhorn has a directory for each, two levels below `volumes`. */
function volumeOf(path: string): string {
  return /\/volumes\/[^/]+\/[^/]+\/[^/]+(?=\/)/.exec(path)?.[0] ?? '';
}

function normalizeRoot(path: string): string {
  const names = path.split('/').filter((name) => name !== '');
  return `/${names.join('/')}`;
}
