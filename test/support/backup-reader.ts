/** Reads a backup tree on an FTP server as the commands do. */
import { FtpSource } from '../../gateway/backups/ftp-source';
import type { BackupSource } from '../../gateway/backups/source';
import type { VerifyReport } from '../../gateway/backups/verify/report';
import { verify, type VerifyOptions } from '../../gateway/backups/verify/verify';
import { FtpRemoteTree } from '../../gateway/ftp/ftp-remote-tree';
import { createKeyring } from '../../gateway/seal/keyring';
import { RemoteLayout } from '../../gateway/store/remote-layout';
import { BUCKET } from './backup-tree';
import type { FtpAccount } from './gateway-process';

export interface ReaderOptions {
  /** The first is the write key. @default none */
  readonly keys?: readonly Buffer[];
  /** @default 3 */
  readonly connections?: number;
  /** Milliseconds after which a trouble is given up. @default 2,000 */
  readonly deadlineMs?: number;
}

export function openFtpSource(
  account: FtpAccount,
  { keys = [], connections = 3, deadlineMs = 2_000 }: ReaderOptions = {},
): BackupSource {
  const { host, port, user, password, tls, ca, path = '/' } = account;
  const [writeKey, ...readKeys] = keys;
  const security = tls === 'off' ? 'none' : tls;
  return new FtpSource({
    tree: new FtpRemoteTree({
      account: { host, port, user, password, security, ...(ca !== undefined && { ca }) },
      pool: { maxSessions: connections },
      retry: { deadlineMs, firstPauseMs: 20 },
    }),
    layout: new RemoteLayout(path),
    bucket: BUCKET,
    ...(writeKey && { keyring: createKeyring({ writeKey, readKeys }) }),
    readPlain: false,
    description: 'the test',
  });
}

/** Verifies everything at level 3 unless told otherwise. */
export function verifyAll(source: BackupSource, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
  return verify(source, {
    level: 3,
    path: '',
    volumes: [],
    concurrency: 4,
    now: Date.now,
    onProgress: () => undefined,
    ...options,
  });
}
