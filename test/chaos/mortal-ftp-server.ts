/** An FTP server that can be killed and brought back on the same port and files, with its control connections through a relay that can be cut. */
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { availableServers, startServer } from '../support/ftp-servers';
import type { FtpAccount } from '../support/gateway-process';
import { ConnectionRelay } from './connection-relay';

export class MortalFtpServer {
  private constructor(
    readonly name: string,
    readonly account: FtpAccount,
    private readonly relay: ConnectionRelay,
    private readonly server: { kill(): Promise<void>; stop(): Promise<void> },
    private readonly startAgain: () => Promise<void>,
  ) {}

  /** proftpd if it is there, the embedded server otherwise. */
  static async start(): Promise<MortalFtpServer> {
    if (!availableServers().includes('proftpd')) {
      const server = await EmbeddedFtpServer.start();
      const relay = await ConnectionRelay.start(server.host, server.port);
      const account = { ...loginOf(server), port: relay.port };
      return new MortalFtpServer('the embedded server', account, relay, server, () => server.listen());
    }
    const server = await startServer('proftpd');
    const relay = await ConnectionRelay.start(server.host, server.port);
    const account = { ...loginOf(server), port: relay.port };
    return new MortalFtpServer('proftpd', account, relay, server, () => server.start());
  }

  /** Kills the server with all its sessions, and starts it again after a while. */
  async killFor(outageMs: number, sleep: (ms: number) => Promise<unknown>): Promise<void> {
    await this.server.kill();
    await sleep(outageMs);
    await this.startAgain();
  }

  /** Cuts every control connection; the server then ends the session and its transfer. */
  cutConnections(): void {
    this.relay.cut();
  }

  async stop(): Promise<void> {
    await this.relay.stop();
    await this.server.stop();
  }
}

function loginOf(server: {
  host: string;
  user: string;
  password: string;
  path: string;
}): Omit<FtpAccount, 'port'> {
  const { host, user, password, path } = server;
  return { host, user, password, path, tls: 'off' };
}
