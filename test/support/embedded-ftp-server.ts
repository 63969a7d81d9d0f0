/** A small FTP server for tests and the demo: plain or TLS, over a directory on disk, with faults on demand. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { FaultPlan, type Fault } from './embedded-ftp-server-faults';
import { EmbeddedFtpSession } from './embedded-ftp-server-session';
import { serverCertificate } from './ftp-servers/certificate';

export interface EmbeddedFtpServerOptions {
  /** Directory that the account sees as `/`. @default a new one under the system's temporary directory, removed by stop() */
  readonly root?: string;
  /** @default 'off' */
  readonly tls?: 'off' | 'explicit' | 'implicit';
  /** @default 'longhaul' */
  readonly user?: string;
  /** @default 'secret' */
  readonly password?: string;
  /** A free one by default. */
  readonly port?: number;
  /** Milliseconds before each reply: the round trip. @default 0 */
  readonly latencyMs?: number;
  /** Connections at once; more are turned away with `limitReply`. @default no limit */
  readonly maxConnections?: number;
  /** A 421 comes as the greeting, a 530 in answer to PASS. @default '421 Too many connections.' */
  readonly limitReply?: string;
  /** Whether FEAT offers MLST and MLSD works. @default true */
  readonly mlsd?: boolean;
  /** What LIST answers for a directory that is missing: an error, or success and nothing as vsftpd does. @default 'refuse' */
  readonly listMissing?: 'refuse' | 'empty';
  /** Whether listings have the directory itself as an entry (`.` or cdir). @default true */
  readonly listsItself?: boolean;
  /** Whether RNTO replaces a file; if not, it answers 550. @default true */
  readonly replacesOnRename?: boolean;
  /**
   * What becomes of a command that comes during an upload: it waits (vsftpd), SIZE is answered with the bytes so far (proftpd), it is refused
   * (pure-ftpd), or nobody ever hears of it. @default 'waits'
   */
  readonly duringUpload?: 'waits' | 'size' | 'refused' | 'lost';
  /** Bytes that may be stored in all before STOR answers 552. @default no limit */
  readonly quotaBytes?: number;
}

export class EmbeddedFtpServer {
  readonly host = '127.0.0.1';
  readonly user: string;
  readonly password: string;
  /** Remote path of the directory that the account may write to. */
  readonly path = '/';
  /** Where `path` lies on disk. */
  readonly root: string;
  /** PEM of the authority to trust, with TLS. */
  readonly ca: string | undefined;
  /** Commands seen, by verb. */
  readonly commands = new Map<string, number>();
  /** May be changed at any time. */
  settings: Required<
    Pick<
      EmbeddedFtpServerOptions,
      | 'latencyMs'
      | 'maxConnections'
      | 'limitReply'
      | 'mlsd'
      | 'listMissing'
      | 'listsItself'
      | 'replacesOnRename'
      | 'duringUpload'
      | 'quotaBytes'
    >
  >;
  readonly faults = new FaultPlan();
  readonly tls: 'off' | 'explicit' | 'implicit';
  readonly secureContext: SecureContext | undefined;
  private readonly removesRoot: boolean;
  private readonly sessions = new Set<EmbeddedFtpSession>();
  private server: Server | undefined;
  private listeningPort: number;

  private constructor(options: EmbeddedFtpServerOptions) {
    this.user = options.user ?? 'longhaul';
    this.password = options.password ?? 'secret';
    this.removesRoot = options.root === undefined;
    this.root = options.root ?? mkdtempSync(join(tmpdir(), 'longhaul-ftp-'));
    this.tls = options.tls ?? 'off';
    this.listeningPort = options.port ?? 0;
    const certificate = this.tls === 'off' ? undefined : serverCertificate();
    this.ca = certificate?.ca;
    this.secureContext = certificate && createSecureContext({ cert: certificate.cert, key: certificate.key });
    this.settings = {
      latencyMs: options.latencyMs ?? 0,
      maxConnections: options.maxConnections ?? Infinity,
      limitReply: options.limitReply ?? '421 Too many connections.',
      mlsd: options.mlsd ?? true,
      listMissing: options.listMissing ?? 'refuse',
      listsItself: options.listsItself ?? true,
      replacesOnRename: options.replacesOnRename ?? true,
      duringUpload: options.duringUpload ?? 'waits',
      quotaBytes: options.quotaBytes ?? Infinity,
    };
  }

  static async start(options: EmbeddedFtpServerOptions = {}): Promise<EmbeddedFtpServer> {
    const server = new EmbeddedFtpServer(options);
    await server.listen();
    return server;
  }

  get port(): number {
    return this.listeningPort;
  }

  /** Control connections open now. */
  get connections(): number {
    return this.sessions.size;
  }

  /** How often a verb was seen. */
  count(verb: string): number {
    return this.commands.get(verb) ?? 0;
  }

  inject(...faults: readonly Fault[]): void {
    for (const fault of faults) this.faults.add(fault);
  }

  /** Cuts every connection, without a word; the server goes on listening. */
  dropConnections(): void {
    for (const session of this.sessions) session.reset();
  }

  /** Cuts every connection and stops listening; `listen` brings the server back on the same port. */
  async kill(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    this.dropConnections();
    await closed;
  }

  async listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.accept(socket));
    server.listen(this.listeningPort, this.host);
    await once(server, 'listening');
    this.server = server;
    this.listeningPort = (server.address() as AddressInfo).port;
  }

  /** Kills the server, and removes its directory if it made it. */
  async stop(): Promise<void> {
    await this.kill();
    if (this.removesRoot) rmSync(this.root, { recursive: true, force: true });
  }

  private accept(socket: Socket): void {
    const session = new EmbeddedFtpSession(this, socket, this.sessions.size >= this.settings.maxConnections);
    this.sessions.add(session);
    socket.once('close', () => this.sessions.delete(session));
    session.start();
  }
}
