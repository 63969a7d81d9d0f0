/** The FTP servers that a contract is tested against: every real one found here, and the embedded one. */
import type { FtpAccount } from '../../../gateway/ftp/session';
import { EmbeddedFtpServer } from '../embedded-ftp-server';
import { availableServers, missingServers, startServer } from './index';

/** A server in use, real or embedded. */
export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly ca: string | undefined;
  /** Remote path of the directory that the account may write to. */
  readonly path: string;
  /** Where that lies on disk. */
  readonly root: string;
  stop(): Promise<void>;
}

export interface TestServer {
  /** Such as `proftpd, TLS`. */
  readonly name: string;
  readonly tls: boolean;
  readonly start: () => Promise<RunningServer>;
}

/** For `describe.each`. Names those not found on stderr; with LONGHAUL_REQUIRE_FTP_SERVERS=1 one not found is an error. */
export function testServers(): TestServer[] {
  const missing = missingServers();
  if (missing.length > 0) {
    const notice = `FTP servers not found, so not tested: ${missing.join(', ')} (.ci/ftp-servers unpacks them)`;
    if (process.env.LONGHAUL_REQUIRE_FTP_SERVERS === '1') throw new Error(notice);
    process.stderr.write(`${notice}\n`);
  }
  return [false, true].flatMap((tls) => [
    ...availableServers().map((kind) => ({
      name: tls ? `${kind}, TLS` : kind,
      tls,
      start: () => startServer(kind, { tls }),
    })),
    {
      name: tls ? 'embedded, TLS' : 'embedded',
      tls,
      start: () => EmbeddedFtpServer.start({ tls: tls ? 'explicit' : 'off' }),
    },
  ]);
}

/** How to log in to a server. */
export function accountOf(server: Omit<RunningServer, 'path' | 'root' | 'stop'>): FtpAccount {
  const { host, port, user, password, ca } = server;
  return {
    host,
    port,
    user,
    password,
    ...(ca === undefined ? { security: 'none' } : { security: 'explicit', ca }),
  };
}
