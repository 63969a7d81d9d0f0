/** The real thing under the model: an FTP server behind a relay that can be cut, and on it the store in this process or a gateway process. Both can die. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { AdminClient } from '../../gateway/admin/client';
import type { CatalogReport } from '../../gateway/admin/catalog';
import { FtpRemoteTree } from '../../gateway/ftp/ftp-remote-tree';
import type { CrawlProgress } from '../../gateway/store/crawler';
import { RemoteLayout } from '../../gateway/store/remote-layout';
import { ConnectionRelay } from '../chaos/connection-relay';
import type { FtpServer } from '../support/ftp-servers';
import { ACCOUNT_GID, ACCOUNT_UID } from '../support/ftp-servers/programs';
import { accountOf } from '../support/ftp-servers/test-servers';
import { GatewayProcess } from '../support/gateway-process';
import { s3Client } from '../support/s3';
import { StoreRig } from '../support/store-rig';
import type { Version } from './s3-model';
import { HttpSubject, StoreSubject, type Subject } from './subject';

const REPOSITORY = join(__dirname, '..', '..');
/** Where its native modules are found from. */
const BUNDLE = join(REPOSITORY, 'build', 'model', 'gateway.cjs');
/** Each is soon out of date, and there is one wherever the disk is lost. */
const CHECKPOINTS = { intervalMs: 700, tickMs: 100 };
const LOOK_TIMEOUT_MS = 30_000;
const RECOVERY_MS = 15_000;

/** The store or the gateway, which can die at any moment and come back. */
export interface Host {
  readonly subject: Subject;
  /** At once, with whatever is on its way. */
  die(): void;
  /** After `die`, or after a stop in order; without the catalog, if it was lost. */
  revive(losesDisk: boolean): Promise<void>;
  stopInOrder(): Promise<void>;
  /** Resolves when a crawl has gone through everything; false if it could not look at all of it. */
  lookAgain(): Promise<boolean>;
  end(): Promise<void>;
}

export class World {
  /** Files as they were, by key, to be put back behind the gateway. */
  readonly kept = new Map<string, { readonly bytes: Buffer; readonly version: Version }>();
  versions = 0;
  /** Until when a request may still be told to come again, by the monotonic clock: logins that failed are not tried again at once. */
  troubledUntil = 0;
  /** What happened how often. */
  readonly tally: Record<string, number> = {};

  private constructor(
    readonly server: FtpServer,
    readonly relay: ConnectionRelay,
    readonly host: Host,
    private readonly layout: RemoteLayout,
    private readonly bucket: string,
  ) {}

  /** @param hasTrash without it, a version that is replaced is gone with one rename */
  static async withStore(server: FtpServer, name: string, hasTrash: boolean): Promise<World> {
    const relay = await ConnectionRelay.start(server.host, server.port);
    const layout = new RemoteLayout(`${server.path}/${name}`);
    const host = new StoreHost(server, relay, layout.root, hasTrash);
    // A root that holds a foreign file before any gateway was there is refused: it may be anybody's.
    await host.subject.head('none');
    return new World(server, relay, host, layout, 'bucket');
  }

  /** Once, before the first `withProcess`: started from a bundle, a gateway is back soon after a crash. */
  static bundleGateway(): void {
    const entry = join(REPOSITORY, 'gateway', 'server.ts');
    const external = ['lmdb', 'lz4-napi'];
    buildSync({
      entryPoints: [entry],
      outfile: BUNDLE,
      external,
      bundle: true,
      platform: 'node',
      format: 'cjs',
    });
  }

  static async withProcess(server: FtpServer, name: string, hasTrash: boolean): Promise<World> {
    const relay = await ConnectionRelay.start(server.host, server.port);
    const layout = new RemoteLayout(`${server.path}/${name}`);
    const host = await ProcessHost.start(server, relay, layout.root, hasTrash);
    await host.subject.head('none');
    return new World(server, relay, host, layout, 'longhorn');
  }

  get subject(): Subject {
    return this.host.subject;
  }

  trouble(): void {
    this.troubledUntil = performance.now() + RECOVERY_MS;
  }

  get isTroubled(): boolean {
    return performance.now() < this.troubledUntil;
  }

  count(what: string): void {
    this.tally[what] = (this.tally[what] ?? 0) + 1;
  }

  /** Remembers the first version of a key, as far as it is all in its own file. */
  keep(key: string, version: Version): void {
    const bytes = this.kept.has(key) || version.isMultipart ? undefined : this.file(key)?.read();
    if (bytes) this.kept.set(key, { bytes, version });
  }

  /** The file of an object, on the disk of the FTP server; undefined where there is none. */
  file(key: string): { size: number; read(): Buffer; cutTo(size: number): void; remove(): void } | undefined {
    const path = this.#onDisk(this.layout.object({ bucket: this.bucket, key }));
    if (!existsSync(path) || !statSync(path).isFile()) return undefined;
    return {
      size: statSync(path).size,
      read: () => readFileSync(path),
      cutTo: (size) => truncateSync(path, size),
      remove: () => rmSync(path),
    };
  }

  /** False, and nothing is done, where a file or a directory is in the way. */
  writeFile(key: string, bytes: Buffer): boolean {
    const path = this.#onDisk(this.layout.object({ bucket: this.bucket, key }));
    const missing: string[] = [];
    for (let above = dirname(path); !existsSync(above); above = dirname(above)) missing.unshift(above);
    if (existsSync(path) && !statSync(path).isFile()) return false;
    for (const each of missing) mkdirSync(each);
    writeFileSync(path, bytes);
    for (const each of [...missing, path]) chownSync(each, ACCOUNT_UID, ACCOUNT_GID);
    return true;
  }

  /** Removes a directory with all that is in it. */
  removeDirectory(segments: readonly string[]): void {
    rmSync(this.#onDisk(this.layout.directory(this.bucket, segments)), { recursive: true, force: true });
  }

  /** False, and nothing is done, where there is no such directory. */
  setReadable(segments: readonly string[], isReadable: boolean): boolean {
    const path = this.#onDisk(this.layout.directory(this.bucket, segments));
    if (!existsSync(path)) return false;
    chmodSync(path, isReadable ? 0o755 : 0);
    return true;
  }

  async end(): Promise<void> {
    this.relay.calm();
    await this.host.end();
    await this.relay.stop();
  }

  #onDisk(remote: string): string {
    return join(this.server.root, remote.slice(this.server.path.length));
  }
}

class StoreHost implements Host {
  #tree: FtpRemoteTree;
  readonly #rig: StoreRig;

  constructor(
    private readonly server: FtpServer,
    private readonly relay: ConnectionRelay,
    rootPath: string,
    hasTrash: boolean,
  ) {
    this.#tree = this.#newTree();
    const trash = hasTrash ? {} : { trash: { keepMs: 0 } };
    this.#rig = new StoreRig({
      tree: this.#tree,
      rootPath,
      patienceMs: 1_500,
      checkpoints: CHECKPOINTS,
      ...trash,
    });
  }

  get subject(): Subject {
    return new StoreSubject(this.#rig.store, 'bucket');
  }

  /** Nothing that it asks reaches the server any more. */
  die(): void {
    this.relay.cut(Infinity);
    this.#rig.root.abandon();
  }

  async revive(losesDisk: boolean): Promise<void> {
    await this.#tree.close(0);
    this.relay.calm();
    this.#tree = this.#newTree();
    await this.#rig.restart(losesDisk, { tree: this.#tree });
  }

  async stopInOrder(): Promise<void> {
    await this.#rig.stop();
    this.#rig.start();
  }

  async lookAgain(): Promise<boolean> {
    const { store } = this.#rig;
    await store.headBucket('bucket');
    store.crawler.start();
    return lookedAgain(
      () => store.crawler.checkSoon(),
      () => store.crawler.progress,
    );
  }

  async end(): Promise<void> {
    await this.#rig.close();
    await this.#tree.close(0);
  }

  #newTree(): FtpRemoteTree {
    return new FtpRemoteTree({
      account: { ...accountOf(this.server), port: this.relay.port },
      timeouts: { silenceMs: 2_000 },
      retry: { deadlineMs: 400, firstPauseMs: 10, longestPauseMs: 50 },
    });
  }
}

class ProcessHost implements Host {
  subject!: Subject;
  #gateway!: GatewayProcess;
  readonly #directory = mkdtempSync(join(tmpdir(), 'longhaul-model-'));
  #dead: Promise<void> = Promise.resolve();

  private constructor(
    private readonly server: FtpServer,
    private readonly relay: ConnectionRelay,
    private readonly rootPath: string,
    private readonly hasTrash: boolean,
  ) {}

  static async start(
    server: FtpServer,
    relay: ConnectionRelay,
    rootPath: string,
    hasTrash: boolean,
  ): Promise<ProcessHost> {
    const host = new ProcessHost(server, relay, rootPath, hasTrash);
    await host.#start();
    return host;
  }

  die(): void {
    this.#dead = this.#gateway.kill();
  }

  /** It keeps the name under which it holds the lease, which is in a file beside the catalog. */
  async revive(losesDisk: boolean): Promise<void> {
    await this.#dead;
    if (losesDisk) rmSync(join(this.#directory, 'lmdb'), { recursive: true, force: true });
    await this.#start();
  }

  async stopInOrder(): Promise<void> {
    if ((await this.#gateway.stop()) !== 0) throw new Error('the gateway did not stop in order');
    await this.#start();
  }

  async lookAgain(): Promise<boolean> {
    await this.#gateway.ready();
    const admin = new AdminClient(this.#directory);
    let report = await admin.call<CatalogReport>('GET', '/catalog');
    const ask = async (method: 'GET' | 'POST', path: string): Promise<void> => {
      report = await admin.call<CatalogReport>(method, path);
    };
    return lookedAgain(
      () => ask('POST', '/catalog/check'),
      () => report.crawl,
      () => ask('GET', '/catalog'),
    );
  }

  async end(): Promise<void> {
    await this.#gateway.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(): Promise<void> {
    const { user, password, host } = this.server;
    this.#gateway = await GatewayProcess.start({
      ftp: { host, port: this.relay.port, user, password, path: this.rootPath, tls: 'off' },
      encryptionKey: '42'.repeat(32),
      catalogDirectory: this.#directory,
      command: () => [process.execPath, BUNDLE],
      env: { FTP_RETRY_SECONDS: '1', FTP_STALL_SECONDS: '2', ...(!this.hasTrash && { TRASH_DAYS: '0' }) },
    });
    this.subject = new HttpSubject(s3Client(this.#gateway, { maxAttempts: 1 }), this.#gateway.bucket);
  }
}

async function lookedAgain(
  ask: () => unknown,
  progress: () => CrawlProgress,
  refresh: () => Promise<void> = () => Promise.resolve(),
): Promise<boolean> {
  await refresh();
  const { checks } = progress();
  await ask();
  const deadline = Date.now() + LOOK_TIMEOUT_MS;
  while (progress().checks === checks || progress().state !== 'idle') {
    if (Date.now() > deadline) throw new Error(`no crawl has looked again within ${LOOK_TIMEOUT_MS} ms`);
    await sleep(5);
    await refresh();
  }
  return progress().failed === 0;
}
