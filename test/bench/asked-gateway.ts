/** The gateway as the image runs it, over an embedded FTP server and a prepared catalog, asked on one connection with signed requests. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signRequest } from '../../gateway/sigv4/sign-request';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { sha256Hex } from '../support/sign-request';
import { gatewayCommand } from './program';
import { prepareCatalog } from './prepared-catalog';

const MIB = 1_048_576;
const EMPTY = sha256Hex('');
/** What keeps the lease and the connections. */
const UPKEEP = ['RNFR', 'RNTO', 'NOOP'];
/** After its start the gateway looks at what it left on the FTP server. */
const QUIET_MS = 5_000;

export class AskedGateway {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #gateway: GatewayProcess | undefined;

  private constructor(
    private readonly ftp: EmbeddedFtpServer,
    readonly keys: readonly string[],
    private readonly directory: string,
    private readonly encryptionKey: string,
  ) {}

  /** Not started. */
  static async over(objects: number): Promise<AskedGateway> {
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-bench-'));
    const ftp = await EmbeddedFtpServer.start();
    const { keys, encryptionKey } = await prepareCatalog(join(directory, 'catalog'), ftp.root, objects);
    return new AskedGateway(ftp, keys, directory, encryptionKey);
  }

  /** Seconds from the start of its process until it answers that an object is there. */
  async start(): Promise<number> {
    // Bundled by then, if it was not.
    gatewayCommand();
    const startedAt = performance.now();
    await this.listen();
    while ((await this.ask('HEAD', `/longhorn/${this.keys[0]}`).catch(() => undefined)) === undefined)
      continue;
    return (performance.now() - startedAt) / 1000;
  }

  /** Seconds from the start of its process until it listens: then its catalog is open. */
  async listen(): Promise<number> {
    const { host, port, user, password } = this.ftp;
    const command = gatewayCommand();
    const startedAt = performance.now();
    this.#gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, tls: 'off' },
      encryptionKey: this.encryptionKey,
      catalogDirectory: join(this.directory, 'catalog'),
      command: () => command,
    });
    return (performance.now() - startedAt) / 1000;
  }

  /** In order: it leaves a checkpoint. */
  async stop(): Promise<void> {
    if ((await this.#gateway?.stop()) !== 0) throw new Error('the gateway did not stop in order');
  }

  async kill(): Promise<void> {
    await this.#gateway?.kill();
  }

  /** Keeps what the FTP server holds; what it returns brings that back, and takes the gateway's disk away. */
  keepRoot(): () => void {
    const kept = join(this.directory, 'root');
    cpSync(this.ftp.root, kept, { recursive: true });
    return () => {
      rmSync(join(this.directory, 'catalog'), { recursive: true, force: true });
      rmSync(join(this.ftp.root, '_longhaul'), { recursive: true });
      cpSync(kept, this.ftp.root, { recursive: true });
    };
  }

  /** The most memory that it had resident, in MiB. */
  get peakRss(): number {
    return (this.#gateway?.peakRssBytes() ?? NaN) / MIB;
  }

  /** Resolves when it asks the FTP server for nothing but what keeps the lease and the connections. */
  async untilQuiet(): Promise<void> {
    for (let before = this.ftpCommands(); ; before = this.ftpCommands()) {
      await sleep(QUIET_MS);
      if (total(this.ftpCommands()) === total(before)) return;
    }
  }

  /** Commands so far by verb, other than those that keep the lease and the connections. */
  ftpCommands(): Map<string, number> {
    return new Map([...this.ftp.commands].filter(([verb]) => !UPKEEP.includes(verb)));
  }

  ask(method: string, target: string): Promise<string> {
    const gateway = this.#gateway;
    if (!gateway) throw new Error('the gateway is not started');
    const host = `127.0.0.1:${gateway.port}`;
    const unsigned = { method, target, headers: { host, 'x-amz-content-sha256': EMPTY }, payloadHash: EMPTY };
    const { headers } = signRequest(unsigned, { ...gateway, at: Date.now() });
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...{ host: '127.0.0.1', port: gateway.port, method, path: target },
        ...{ headers: { ...headers }, agent: this.#agent },
      });
      outgoing.once('response', (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        reply.once('end', () =>
          reply.statusCode === 200
            ? resolve(text)
            : reject(new Error(`${reply.statusCode} to ${method} ${target}: ${text}`)),
        );
      });
      outgoing.once('error', reject).end();
    });
  }

  list(prefix: string): Promise<string> {
    return this.ask('GET', `/longhorn?delimiter=%2F&max-keys=1000&prefix=${encodeURIComponent(prefix)}`);
  }

  async clear(): Promise<void> {
    this.#agent.destroy();
    await this.kill();
    await this.ftp.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function total(commands: ReadonlyMap<string, number>): number {
  return [...commands.values()].reduce((sum, count) => sum + count, 0);
}
