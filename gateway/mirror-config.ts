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
  if (isOnePlace(ftp, first))
    read.problems.push(
      `MIRROR_FTP_HOST, MIRROR_FTP_PORT and MIRROR_FTP_ROOT_PATH name a place that FTP_HOST, FTP_PORT and FTP_ROOT_PATH name too, or one within it: expected another server, or at least a directory apart`,
    );
  return { ftp, maxLagMs };
}

/** Where one directory lies in the other, the objects of one would be taken for those of the other. Who logs in as somebody else may see another directory. */
function isOnePlace(a: FtpConfig, b: FtpConfig): boolean {
  if (a.host.toLowerCase() !== b.host.toLowerCase() || a.port !== b.port) return false;
  const isWithin = (inner: string, outer: string): boolean =>
    `${inner}/`.startsWith(outer === '/' ? '/' : `${outer}/`);
  return a.root === b.root || (a.user === b.user && (isWithin(a.root, b.root) || isWithin(b.root, a.root)));
}
