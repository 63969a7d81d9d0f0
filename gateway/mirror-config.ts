/** The variables of the mirror: a second FTP account that holds what the first one holds. */

import type { EnvironmentReader } from './environment-reader';
import { readFtp, type FtpConfig } from './ftp-config';

/** Before the names of the variables of the first account. */
export const MIRROR_PREFIX = 'MIRROR_';

export interface MirrorConfig {
  readonly ftp: FtpConfig;
  /** Age of a change that is still to be carried over above which somebody is told, in milliseconds. */
  readonly maxLagMs: number;
}

/** Undefined without `MIRROR_FTP_HOST`. Its problems are left with the reader. */
export function readMirror(read: EnvironmentReader, first: FtpConfig): MirrorConfig | undefined {
  const given = read.suffixes(/^MIRROR_([A-Z_]+)$/);
  if (given.length === 0) return undefined;
  const maxLagMs = read.integer('MIRROR_MAX_LAG_MINUTES', 1, 10_080, 15) * 60_000;
  const ftp = readFtp(read, MIRROR_PREFIX);
  if (ftp.host === first.host && ftp.port === first.port && ftp.root === first.root)
    read.problems.push(
      `MIRROR_FTP_HOST, MIRROR_FTP_PORT and MIRROR_FTP_ROOT_PATH name the same place as FTP_HOST, FTP_PORT and FTP_ROOT_PATH: expected another server, or at least another directory`,
    );
  return { ftp, maxLagMs };
}
