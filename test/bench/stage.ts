/** What a measurement needs: an FTP server, a slow line in front of it, the gateway at its end, and the bare client beside. */
import { execFile } from 'node:child_process';
import { mkdirSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startServer, type FtpServer, type ServerKind } from '../support/ftp-servers';
import { ACCOUNT_GID, ACCOUNT_UID } from '../support/ftp-servers/programs';
import { GatewayProcess } from '../support/gateway-process';
import type { BareOrder, BareResult } from './bare-client';
import type { BareCrawlOrder, BareCrawlResult } from './bare-crawler';
import type { BareAccount } from './bare-session';
import { LonghornLoad } from './longhorn-load';
import { gatewayCommand } from './program';
import { SeparateLine } from './separate-line';

const REPOSITORY = join(__dirname, '..', '..');
export const ENCRYPTION_KEY = '42'.repeat(32);
const MEGABIT = 1_000_000 / 8;

export interface Line {
  readonly name: string;
  readonly roundTripMs: number;
  /** Each way. */
  readonly megabits?: number;
}

export interface StageOptions {
  readonly kind: ServerKind;
  readonly tls: boolean;
  readonly line: Line;
  /** More variables of the gateway's configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Puts what is stored already below the gateway's FTP root, given as it lies on disk. @default nothing */
  readonly store?: (root: string) => Promise<void>;
}

export class Stage {
  private constructor(
    private readonly server: FtpServer,
    readonly line: SeparateLine,
    readonly gateway: GatewayProcess,
    readonly load: LonghornLoad,
    private readonly slowConnect: Readonly<Record<string, string>>,
    /** Variables of a command that reads what the gateway stored, over the same line. */
    readonly readerEnvironment: Readonly<Record<string, string>>,
  ) {}

  static async set({ kind, tls, line, env, store }: StageOptions): Promise<Stage> {
    const server = await startServer(kind, { tls });
    const { host, port, passivePorts, user, password, ca } = server;
    const { roundTripMs, megabits } = line;
    const slowLine = await SeparateLine.start({
      ...{ host, port, passivePorts, roundTripMs },
      ...(megabits !== undefined && { bytesPerSecond: megabits * MEGABIT }),
    });
    for (const directory of ['gateway', 'bare']) {
      mkdirSync(join(server.root, directory));
      chownSync(join(server.root, directory), ACCOUNT_UID, ACCOUNT_GID);
    }
    await store?.(join(server.root, 'gateway'));
    const slowConnect = { LONGHAUL_SLOW_CONNECT_MS: String(roundTripMs) };
    const gateway = await GatewayProcess.start({
      ftp: {
        ...{ host: slowLine.host, port, user, password, ca },
        ...{ path: `${server.path}/gateway`, tls: tls ? 'explicit' : 'off' },
      },
      encryptionKey: ENCRYPTION_KEY,
      env: { ...slowConnect, ...env },
      command: () => gatewayCommand('support/slow-connect'),
    });
    await gateway.ready();
    const reader = {
      ...slowConnect,
      ...{ FTP_HOST: slowLine.host, FTP_PORT: String(port), FTP_USER: user, FTP_PASSWORD: password },
      ...{ FTP_ROOT_PATH: `${server.path}/gateway`, FTP_TLS: tls ? 'explicit' : 'off' },
      ENCRYPTION_KEY,
      S3_BUCKET: gateway.bucket,
    };
    return new Stage(server, slowLine, gateway, new LonghornLoad(gateway), slowConnect, reader);
  }

  bare(order: Pick<BareOrder, 'direction' | 'connections' | 'files' | 'size'>): Promise<BareResult> {
    const directory = `${this.server.path}/bare`;
    return this.runBare('bare-client', { ...this.account, directory, ...order } satisfies BareOrder);
  }

  /** Goes through what is stored below the gateway's root. */
  bareCrawl(order: Pick<BareCrawlOrder, 'tree' | 'connections' | 'seconds'>): Promise<BareCrawlResult> {
    const tree = `${this.server.path}/gateway/${order.tree}`;
    return this.runBare('bare-crawler', { ...this.account, ...order, tree } satisfies BareCrawlOrder);
  }

  private get account(): BareAccount {
    const { user, password, ca, port } = this.server;
    return { host: this.line.host, port, user, password, ca };
  }

  private async runBare<T>(program: string, order: unknown): Promise<T> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', `test/bench/${program}.ts`],
      { cwd: REPOSITORY, env: { ...process.env, ...this.slowConnect, BARE_CLIENT: JSON.stringify(order) } },
    );
    return JSON.parse(stdout) as T;
  }

  async clear(): Promise<void> {
    this.load.close();
    await this.gateway.stop();
    await this.line.stop();
    await this.server.stop();
  }
}

export async function secondsOf(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
