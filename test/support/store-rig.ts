/** An FtpStore over any remote tree, with its catalog in a temporary directory; can be stopped, crashed and started again. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pino, type Logger } from 'pino';
import type { RemoteTree } from '../../gateway/ftp/remote-tree';
import { createKeyring, type KeyringOptions } from '../../gateway/seal/keyring';
import { Catalog } from '../../gateway/store/catalog';
import type { CatalogDamagedError } from '../../gateway/store/catalog-error';
import { Checkpoints } from '../../gateway/store/checkpoints';
import type { GuardMode } from '../../gateway/store/delete-guard';
import { FtpRoot } from '../../gateway/store/ftp-root';
import { FtpStore } from '../../gateway/store/ftp-store';
import { KeyCheck } from '../../gateway/store/key-check';
import type { LeaseTiming } from '../../gateway/store/lease';
import { ObjectFiles } from '../../gateway/store/object-files';
import type { TrashSettings } from '../../gateway/store/trash';
import { RemoteLayout } from '../../gateway/store/remote-layout';

const DAY_MS = 86_400_000;

export interface RigOptions {
  readonly tree: RemoteTree;
  /** @default true */
  readonly sealed?: boolean;
  /** Where sealed. @default one key */
  readonly keys?: KeyringOptions;
  /** @default false */
  readonly readPlain?: boolean;
  /** @default '/root' */
  readonly rootPath?: string;
  readonly now?: () => number;
  readonly log?: Logger;
  /** 16 hex digits. @default that of the one gateway of most tests */
  readonly holder?: string;
  readonly leaseTiming?: LeaseTiming;
  readonly patienceMs?: number;
  /** @default 'enforce' */
  readonly deleteGuard?: GuardMode;
  /** @default that of the gateway */
  readonly trash?: Partial<TrashSettings>;
  /** Of a second location. @default none */
  readonly mirror?: RemoteTree;
  /** @default nobody is told */
  readonly onDamage?: (error: CatalogDamagedError) => void;
  /** How often they are taken, in milliseconds; and one is when it stops in order, and it starts from them. @default none are */
  readonly checkpoints?: { readonly intervalMs: number; readonly tickMs: number };
  /** Of a rig that was stopped, to go on with its catalog. @default a new one */
  readonly directory?: string;
}

export class StoreRig {
  readonly directory: string;
  catalog!: Catalog;
  store!: FtpStore;
  root!: FtpRoot;
  keyCheck!: KeyCheck;
  checkpoints!: Checkpoints;

  constructor(private options: RigOptions) {
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'longhaul-store-'));
    this.start();
  }

  start(changes: Partial<RigOptions> = {}): void {
    this.options = { ...this.options, ...changes };
    const { tree, sealed = true, readPlain = false, rootPath = '/root', now = Date.now } = this.options;
    const log = this.options.log ?? pino({ level: 'silent' });
    const layout = new RemoteLayout(rootPath);
    this.catalog = new Catalog(join(this.directory, 'catalog'));
    const shared = { tree, catalog: this.catalog, layout, log, now };
    const { holder = '0123456789abcdef', leaseTiming, patienceMs, deleteGuard = 'enforce' } = this.options;
    const { keys = { writeKey: Buffer.alloc(32, 7) } } = this.options;
    const keyring = sealed ? createKeyring(keys) : undefined;
    const keyCheck = new KeyCheck({ tree, layout, readPlain, ...(keyring && { keyring }) });
    const { checkpoints } = this.options;
    const root = new FtpRoot({
      ...shared,
      ...(checkpoints && { restore: (names, id) => this.checkpoints.restore(names, id) }),
      holder,
      bucket: 'bucket',
      onTaken: (epoch, id) => this.store.begin(epoch, id),
      keyCheck,
      monotonicMs: () => performance.now(),
      ...(leaseTiming && { leaseTiming }),
      ...(patienceMs !== undefined && { patienceMs }),
    });
    this.root = root;
    const reading = {
      ...(keyring && { keyring }),
      segmentLog2: 12,
      readPlain: () => keyCheck.readsPlain,
      temporaryPath: () => root.temporaryPath(),
      asidePath: (path: string) => layout.aside(path),
    };
    const files = new ObjectFiles({ ...reading, tree });
    this.checkpoints = new Checkpoints({
      ...shared,
      files,
      directory: this.directory,
      isOpen: () => root.isOpen,
      ...checkpoints,
    });
    if (checkpoints) this.checkpoints.start();
    const { mirror } = this.options;
    const second = mirror && {
      tree: mirror,
      layout,
      files: new ObjectFiles({ ...reading, tree: mirror }),
      connections: 4,
      maxLagMs: 60_000,
      firstPauseMs: 10,
      idleMs: 10,
    };
    const trash = { keepMs: 7 * DAY_MS, minKeepMs: 2 * DAY_MS, maxBytes: 2 ** 38, ...this.options.trash };
    this.keyCheck = keyCheck;
    this.store = new FtpStore({
      ...shared,
      root,
      files,
      onDamage: (error) => this.options.onDamage?.(error),
      deleteGuard,
      trash,
      keyCheck,
      ...(keyring && { keyring }),
      connections: 4,
      ...(second && { mirror: second }),
      monotonicMs: () => performance.now(),
    });
  }

  /** Looks at everything on the server once more. */
  async crawl(): Promise<void> {
    const { crawler } = this.store;
    const { checks } = crawler.progress;
    crawler.start();
    crawler.checkSoon();
    while (crawler.progress.checks === checks || crawler.progress.state !== 'idle')
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** As after kill -9: nothing is closed in order. `losesDisk`: the catalog is gone too. `changes`: it comes back with another configuration. */
  async restart(losesDisk = false, changes: Partial<RigOptions> = {}): Promise<void> {
    this.root.abandon();
    await this.store.crawler.stop();
    await this.checkpoints.stop();
    await this.store.trashKeeper.close();
    await this.store.keys.rotation?.close();
    await this.store.mirror?.close();
    await this.catalog.close(false);
    if (losesDisk) rmSync(join(this.directory, 'catalog'), { recursive: true });
    this.start(changes);
  }

  /** In order. */
  async stop(): Promise<void> {
    await this.store.crawler.stop();
    await this.checkpoints.stop();
    await this.store.trashKeeper.close();
    await this.store.keys.rotation?.close();
    await this.store.mirror?.close();
    if (this.options.checkpoints) await this.checkpoints.take(true);
    await this.root.close();
    await this.catalog.close(true);
  }

  async close(): Promise<void> {
    this.root.abandon();
    await this.store.crawler.stop();
    await this.checkpoints.stop();
    await this.store.trashKeeper.close();
    await this.store.keys.rotation?.close();
    await this.store.mirror?.close();
    await this.catalog.close(false);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
