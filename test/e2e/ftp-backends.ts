/** The FTP servers that tests of the whole gateway run on: the real ones that are there, or else the embedded one. */
import { testServers } from '../support/ftp-servers/test-servers';
import type { FtpAccount } from '../support/gateway-process';

export interface FtpBackend {
  /** For the title of a test, such as `vsftpd, TLS`. */
  readonly name: string;
  readonly tls: boolean;
  readonly start: () => Promise<RunningBackend>;
}

export interface RunningBackend {
  readonly account: FtpAccount;
  readonly stop: () => Promise<void>;
}

/** Throws if a real server is missing where all are required. */
export function ftpBackends(): FtpBackend[] {
  const servers = testServers();
  const real = servers.filter(({ name }) => !name.startsWith('embedded'));
  return (real.length > 0 ? real : servers).map((backend) => ({
    name: backend.name,
    tls: backend.tls,
    async start() {
      const server = await backend.start();
      const { host, port, user, password, path, ca } = server;
      return {
        account: { host, port, user, password, path, ca, tls: backend.tls ? 'explicit' : 'off' },
        stop: () => server.stop(),
      };
    },
  }));
}
