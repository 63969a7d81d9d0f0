/** Where the commands that read backups read them: the FTP server itself, or a gateway. */
import { Option, InvalidArgumentError, type Command } from 'commander';
import { FailedError, RefusedError, UsageError } from '../../lib/cli/output';
import { FtpSource } from '../backups/ftp-source';
import { RateLimit } from '../backups/rate-limit';
import { TargetError, TargetExistsError } from '../backups/restore/target';
import { S3Source } from '../backups/s3-source';
import { SourceUnavailableError, type BackupSource } from '../backups/source';
import { ProgressFileError } from '../backups/verify/progress-file';
import { RecordFiles } from '../backups/verify/record-files';
import { ConfigError } from '../config-error';
import { readFtpReaderConfig, readS3ReaderConfig } from '../backup-reader-config';
import { ftpTree } from '../ftp-config';
import { MIRROR_PREFIX } from '../mirror-config';
import { createKeyring } from '../seal/keyring';
import { RemoteLayout } from '../store/remote-layout';

export interface SourceOptions {
  /** Of a gateway. Absent: straight from the FTP server. */
  readonly endpoint?: string;
  /** Straight from the mirror instead. */
  readonly mirror?: true;
  /** The backup target's path: empty, or ending in `/`. */
  readonly path: string;
  /** Bytes a second. */
  readonly limit?: number;
}

export interface OpenSource {
  readonly source: BackupSource;
  /** Objects to read at a time. */
  readonly concurrency: number;
  readonly limit?: RateLimit;
  /** Where verifications are recorded. Absent: not through a gateway, which takes objects alone. */
  readonly records?: RecordFiles;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Objects read at a time through a gateway: what its FTP connections are by default, and two to decompress meanwhile. */
const S3_CONCURRENCY = 6;
/** Objects at hand beside those on their way, so that no connection waits for a decompression. */
const AHEAD = 2;

/** Adds the options that every command which reads backups has. */
export function addSourceOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--endpoint <url>',
        'read through this gateway with S3_ACCESS_KEY (default: the FTP server itself)',
      ).argParser(parseEndpoint),
    )
    .addOption(
      new Option(
        '--mirror',
        'read the mirror (MIRROR_FTP_HOST and the like) instead of the first FTP server',
      ).conflicts('endpoint'),
    )
    .addOption(
      new Option('--path <path>', "the path in the backup target's URL").default('').argParser(parsePath),
    )
    .addOption(
      new Option('--limit <rate>', 'read at most so many bytes a second, such as 500K or 20M').argParser(
        parseRate,
      ),
    );
}

/** Runs `use` with an open source, and closes it. What goes wrong is said in the program's own errors. */
export async function withSource<T>(
  env: Environment,
  options: SourceOptions,
  use: (open: OpenSource) => Promise<T>,
): Promise<T> {
  let open: OpenSource | undefined;
  try {
    open = openSource(env, options);
    return await use(open);
  } catch (error) {
    throw inProgramsWords(error);
  } finally {
    await open?.source.close();
  }
}

function openSource(env: Environment, { endpoint, mirror, limit }: SourceOptions): OpenSource {
  const limited = limit === undefined ? {} : { limit: new RateLimit(limit) };
  if (endpoint !== undefined) {
    const source = new S3Source({ ...readS3ReaderConfig(env), endpoint });
    return { source, concurrency: S3_CONCURRENCY, ...limited };
  }
  const { ftp, bucket, encryptionKeys, readPlainObjects } = readFtpReaderConfig(
    env,
    mirror ? MIRROR_PREFIX : '',
  );
  const tree = ftpTree(ftp);
  const shared = {
    tree,
    layout: new RemoteLayout(ftp.root),
    bucket,
    ...(encryptionKeys && { keyring: createKeyring(encryptionKeys) }),
    readPlain: readPlainObjects,
  };
  const description = `bucket ${bucket} below ${ftp.root} on ${ftp.host}`;
  return {
    source: new FtpSource({ ...shared, description }),
    concurrency: ftp.connections + AHEAD,
    ...limited,
    records: new RecordFiles({ ...shared, now: Date.now }),
  };
}

function inProgramsWords(error: unknown): unknown {
  if (error instanceof ConfigError) return new UsageError(error.message);
  if (error instanceof TargetExistsError) return new RefusedError(error.message);
  const isExplained =
    error instanceof SourceUnavailableError ||
    error instanceof TargetError ||
    error instanceof ProgressFileError ||
    isSystemError(error);
  return isExplained ? new FailedError(error.message) : error;
}

/** What the local file system says, such as a full disk. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

function parseEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '')
    throw new InvalidArgumentError('Write it as http://host:port, without a path.');
  return url.origin;
}

/** As in the target's URL: `/` and nothing are the same. */
function parsePath(text: string): string {
  const names = text.split('/').filter((name) => name !== '');
  return names.map((name) => `${name}/`).join('');
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

function parseRate(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,9})([KMG]?)$/.exec(text) ?? [];
  const rate = Number(number) * (UNITS[unit] ?? 0);
  if (number === '' || rate < 1024)
    throw new InvalidArgumentError('Write bytes a second, such as 500K or 20M.');
  return rate;
}
