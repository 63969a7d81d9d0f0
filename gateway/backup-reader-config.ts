/** The variables that the commands need which read backups: the gateway's own, as far as they matter to a reader. */

import { readBucket, readPlainObjects } from './config';
import { ConfigError } from './config-error';
import { EnvironmentReader } from './environment-reader';
import { readFtp, type FtpConfig } from './ftp-config';

type Environment = Readonly<Record<string, string | undefined>>;

/** To read straight from the FTP server. */
export interface FtpReaderConfig {
  readonly ftp: FtpConfig;
  readonly bucket: string;
  /** 32 bytes; absent: files are the bare bytes. */
  readonly encryptionKey?: Buffer;
  /** Whether a file without seal is read although there is a key. */
  readonly readPlainObjects: boolean;
}

/** To read through a gateway. */
export interface S3ReaderConfig {
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Throws `ConfigError`. */
export function readFtpReaderConfig(env: Environment): FtpReaderConfig {
  return readAll(env, (read) => {
    const encryptionKey = read.key('ENCRYPTION_KEY');
    return {
      ftp: readFtp(read),
      bucket: readBucket(read),
      ...(encryptionKey && { encryptionKey }),
      readPlainObjects: readPlainObjects(read),
    };
  });
}

/** Throws `ConfigError`. */
export function readS3ReaderConfig(env: Environment): S3ReaderConfig {
  return readAll(env, (read) => ({
    bucket: readBucket(read),
    accessKeyId: read.text('S3_ACCESS_KEY'),
    secretAccessKey: read.text('S3_SECRET_KEY'),
  }));
}

function readAll<Config>(env: Environment, readFrom: (read: EnvironmentReader) => Config): Config {
  const read = new EnvironmentReader(env);
  const config = readFrom(read);
  if (read.problems.length > 0) throw new ConfigError(read.problems);
  return config;
}
