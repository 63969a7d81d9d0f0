/** The gateway as a real process, to be stopped, killed and measured. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Target } from './s3';

const REPOSITORY = join(__dirname, '..', '..');
const START_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 40_000;
const LOG_LINES_KEPT = 2_000;

/** The account that the gateway stores into. */
export interface FtpAccount {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Remote path of the directory that the gateway may use. @default '/' */
  readonly path?: string;
  readonly tls: 'off' | 'explicit' | 'implicit';
  /** PEM of the authority to trust, with TLS. */
  readonly ca?: string | undefined;
}

export interface GatewayOptions {
  readonly ftp: FtpAccount;
  /** 64 hex digits; without it objects are stored as they are. */
  readonly encryptionKey?: string;
  /** Kept when the process ends. By default a new one, removed with it. */
  readonly catalogDirectory?: string;
  /** A free one by default. */
  readonly port?: number;
  /** More variables of the gateway's configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program and its arguments, for a given environment. @default the sources, run by tsx */
  readonly command?: (env: Readonly<Record<string, string>>) => readonly [string, ...string[]];
}

const SOURCES = [process.execPath, '--import', 'tsx', 'gateway/server.ts'] as const;

export class GatewayProcess implements S3Target {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly metricsPort: number,
    env: Readonly<Record<string, string>>,
    /** The last lines of its log. */
    readonly log: readonly string[],
    private readonly scratch: string,
  ) {
    this.endpoint = `http://127.0.0.1:${port}`;
    this.accessKeyId = env['S3_ACCESS_KEY'] ?? '';
    this.secretAccessKey = env['S3_SECRET_KEY'] ?? '';
    this.bucket = env['S3_BUCKET'] ?? '';
  }

  /** Resolves when it listens; rejects with the end of its log if it does not. */
  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    const scratch = mkdtempSync(join(tmpdir(), 'longhaul-gateway-'));
    const env = environment(options, scratch);
    const [program, ...args] = options.command?.(env) ?? SOURCES;
    const child = spawn(program, args, {
      cwd: REPOSITORY,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    void once(child, 'exit').then(() => process.removeListener('exit', killWithUs));
    const log: string[] = [];
    try {
      const { port, metricsPort } = await listeningPorts(child, log);
      return new GatewayProcess(child, port, metricsPort, env, log, scratch);
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(scratch, { recursive: true, force: true });
      throw error;
    }
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The most memory it ever had resident, in bytes. */
  peakRssBytes(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** No file of its becomes longer than that from now on; as if the disk, or the address space for it, had an end there. */
  limitFiles(bytes: number | 'unlimited'): void {
    execFileSync('prlimit', ['--pid', String(this.child.pid), `--fsize=${bytes}:unlimited`]);
  }

  /** Processor time that it has used so far, in seconds. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
    // Fields 14 and 15, in ticks of 10 ms; the second field, in parentheses, may contain anything.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  }

  /** Resolves when `/ready` says that it may write and the FTP server answers. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await fetch(`${this.endpoint}/ready`)).ok) {
      if (Date.now() > deadline) throw new Error(`the gateway is not ready after ${timeoutMs} ms`);
      await sleep(50);
    }
  }

  /** SIGTERM; resolves with the exit code, null if it had to be killed. */
  async stop(): Promise<number | null> {
    return this.end('SIGTERM');
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.running) {
      const exited = once(this.child, 'exit');
      this.child.kill(signal);
      const impatience = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await exited;
      clearTimeout(impatience);
    }
    rmSync(this.scratch, { recursive: true, force: true });
    return this.child.exitCode;
  }
}

function environment(options: GatewayOptions, scratch: string): Record<string, string> {
  const { ftp } = options;
  const caFile = join(scratch, 'ca.pem');
  if (ftp.ca !== undefined) writeFileSync(caFile, ftp.ca);
  return {
    FTP_HOST: ftp.host,
    FTP_PORT: String(ftp.port),
    FTP_USER: ftp.user,
    FTP_PASSWORD: ftp.password,
    FTP_ROOT_PATH: ftp.path ?? '/',
    FTP_TLS: ftp.tls,
    ...(ftp.ca !== undefined && { FTP_CA_FILE: caFile }),
    S3_ACCESS_KEY: 'longhorn-access-key',
    S3_SECRET_KEY: 'longhorn-secret-key-of-a-test',
    S3_BIND_ADDRESS: '127.0.0.1',
    S3_PORT: String(options.port ?? 0),
    METRICS_BIND_ADDRESS: '127.0.0.1',
    METRICS_PORT: '0',
    S3_BUCKET: 'longhorn',
    ...(options.encryptionKey !== undefined && { ENCRYPTION_KEY: options.encryptionKey }),
    CATALOG_DIR: options.catalogDirectory ?? join(scratch, 'catalog'),
    LOG_LEVEL: 'info',
    ...options.env,
  };
}

interface Ports {
  readonly port: number;
  readonly metricsPort: number;
}

/** Reads the log until it names the ports. */
function listeningPorts(child: ChildProcess, log: string[]): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new Error(`the gateway ${reason}; its log ends with:\n${log.slice(-20).join('\n')}`));
    const impatience = setTimeout(() => fail('did not listen in time'), START_TIMEOUT_MS);
    child.once('error', (error) => fail(`did not start: ${error.message}`));
    child.once('exit', (code, signal) => {
      clearTimeout(impatience);
      fail(`ended (${code ?? signal})`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        if (log.length > LOG_LINES_KEPT) log.shift();
        const ports = portsOf(line);
        if (ports === undefined) return;
        clearTimeout(impatience);
        resolve(ports);
      });
    }
  });
}

function portsOf(line: string): Ports | undefined {
  if (!line.includes('"listening"')) return undefined;
  const entry = JSON.parse(line) as Partial<Ports> & { msg?: unknown };
  const { port, metricsPort } = entry;
  if (entry.msg !== 'listening' || typeof port !== 'number' || typeof metricsPort !== 'number')
    return undefined;
  return { port, metricsPort };
}
