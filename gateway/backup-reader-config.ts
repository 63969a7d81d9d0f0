/** The variables that the commands need which read backups: the gateway's own, as far as they matter to a reader. */

import { readBucket, readPlainObjects } from './config';
import { ConfigError } from './config-error';
import { readEncryptionKeys } from './encryption-keys';
import { EnvironmentReader } from './environment-reader';
import type { KeyringOptions } from './seal/keyring';
import { readFtp, type FtpConfig } from './ftp-config';

type Environment = Readonly<Record<string, string | undefined>>;

/** To read straight from the FTP server. */
export interface FtpReaderConfig {
  readonly ftp: FtpConfig;
  readonly bucket: string;
  /** Absent: only files without seal are read. */
  readonly encryptionKeys?: KeyringOptions;
  /** Whether a file without seal is read although there is a key. */
  readonly readPlainObjects: boolean;
}

/** To read through a gateway. */
export interface S3ReaderConfig {
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/**
 * Throws `ConfigError`.
 * @param prefix of the FTP account's variables: that of the mirror, or none
 */
export function readFtpReaderConfig(env: Environment, prefix = ''): FtpReaderConfig {
  return readAll(env, (read) => {
    const encryptionKeys = readEncryptionKeys(read);
    return {
      ftp: readFtp(read, prefix),
      bucket: readBucket(read),
      ...(encryptionKeys && { encryptionKeys }),
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
