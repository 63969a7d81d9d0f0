/** Real FTP servers on loopback, started as root for one test file. `.ci/ftp-servers` unpacks them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverCertificate } from './certificate';
import { signalTree } from './process-tree';
import { ACCOUNT_GID, ACCOUNT_UID, PROGRAMS, programEnv, type Invocation, type ServerKind } from './programs';

export type { ServerKind } from './programs';

export interface StartOptions {
  /** Explicit TLS, demanded for both connections, with session reuse demanded by vsftpd and proftpd. @default false */
  readonly tls?: boolean;
  /** Connections at once. @default 20 */
  readonly maxClients?: number;
  /** Entries of a directory that pure-ftpd lists; the others have no such limit. @default 10,000 */
  readonly maxListed?: number;
}

const USER = 'anonymous';
const PASSWORD = 'secret';
const FILES = 'files';
const START_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5_000;

/** Where the servers were unpacked; LONGHAUL_FTP_SERVERS names it. */
function installation(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return process.env.LONGHAUL_FTP_SERVERS ?? join(cache, 'longhaul/ftp-servers');
}

const KINDS = ['vsftpd', 'proftpd', 'pure-ftpd'] as const satisfies readonly ServerKind[];

/** Those that can be started here: unpacked, and we are root. */
export function availableServers(): ServerKind[] {
  if (process.getuid?.() !== 0) return [];
  return KINDS.filter((kind) => existsSync(join(installation(), 'usr/sbin', kind)));
}

export function missingServers(): ServerKind[] {
  const available = availableServers();
  return KINDS.filter((kind) => !available.includes(kind));
}

export async function startServer(kind: ServerKind, options: StartOptions = {}): Promise<FtpServer> {
  const directory = mkdtempSync(join(tmpdir(), `longhaul-${kind}-`));
  chmodSync(directory, 0o755);
  const root = join(directory, 'root');
  const files = join(root, FILES);
  mkdirSync(files, { recursive: true });
  chownSync(files, ACCOUNT_UID, ACCOUNT_GID);
  const ports = await freePortBlock();
  const invocation = PROGRAMS[kind]({
    installation: installation(),
    directory,
    root,
    port: ports.port,
    passivePorts: ports.passivePorts,
    user: USER,
    password: PASSWORD,
    tls: options.tls ?? false,
    maxClients: options.maxClients ?? 20,
    maxListed: options.maxListed ?? 10_000,
  });
  const server = new FtpServer(kind, directory, files, ports, invocation, options.tls ?? false);
  await server.start();
  return server;
}

export class FtpServer {
  readonly host = '127.0.0.1';
  readonly user = USER;
  readonly password = PASSWORD;
  /** Remote path of the directory that the account may write to. */
  readonly path = `/${FILES}`;
  /** PEM of the authority to trust, with TLS. */
  readonly ca: string | undefined;
  private process: ChildProcess | undefined;

  constructor(
    readonly kind: ServerKind,
    private readonly directory: string,
    /** Where `path` lies on disk. */
    readonly root: string,
    private readonly ports: PortBlock,
    private readonly invocation: Invocation,
    readonly tls: boolean,
  ) {
    this.ca = tls ? serverCertificate().ca : undefined;
  }

  get port(): number {
    return this.ports.port;
  }

  /** First and last. */
  get passivePorts(): PortBlock['passivePorts'] {
    return this.ports.passivePorts;
  }

  async start(): Promise<void> {
    const { command, args } = this.invocation;
    const child = spawn(command, args, {
      env: programEnv(installation()),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4_000);
      });
    }
    this.process = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await greets(this.port))) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await this.stop();
        throw new Error(`${this.kind} did not start: ${output}`);
      }
      await sleep(20);
    }
  }

  /** SIGKILL to the server and its sessions. */
  async kill(): Promise<void> {
    const { process: child } = this;
    this.process = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    signalTree(child.pid, 'SIGCONT');
    signalTree(child.pid, 'SIGKILL');
    await Promise.race([exit, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  /** The server and its sessions stop answering, without closing anything. */
  freeze(): void {
    if (this.process?.pid) signalTree(this.process.pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.process?.pid) signalTree(this.process.pid, 'SIGCONT');
  }

  /** Kills the server and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    this.ports.guard.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const PORTS_PER_SERVER = 500;
/** Below the ports that the kernel hands out by itself. */
const FIRST_PORT = 20_000;
const PORT_BLOCKS = 24;

/** Ports of one server: a control port, and passive ports after it. */
interface PortBlock {
  readonly port: number;
  readonly passivePorts: readonly [first: number, last: number];
  /** Listens on the last port, which keeps others off the block: pure-ftpd would share its control port with a second one. */
  readonly guard: Server;
}

async function freePortBlock(): Promise<PortBlock> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = FIRST_PORT + PORTS_PER_SERVER * Math.floor(Math.random() * PORT_BLOCKS);
    const last = port + PORTS_PER_SERVER - 1;
    const guard = await listening(last);
    if (guard && (await isFree(port))) return { port, passivePorts: [port + 1, last - 1], guard };
    guard?.close();
  }
  throw new Error('no free block of ports');
}

/** Also used by what was killed, and left its server behind. */
async function isFree(port: number): Promise<boolean> {
  const probe = await listening(port);
  if (!probe) return false;
  await new Promise((resolve) => probe.close(resolve));
  return true;
}

/** Undefined if the port is taken. */
function listening(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer().unref();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (greeted: boolean) => {
      socket.destroy();
      resolve(greeted);
    };
    socket.setTimeout(2_000, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('end', () => settle(false));
    socket.once('data', (data) => settle(data.toString().startsWith('220')));
  });
}
