/** The directory on the FTP server that belongs to this gateway: taken and prepared before anything is answered from it. */

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { S3Error } from '../errors';
import { RemoteRefused, type RemoteEntry, type RemoteTree } from '../ftp/remote-tree';
import { isBucketName } from '../s3/bucket-name';
import type { Catalog } from './catalog';
import type { KeyCheck } from './key-check';
import { epochDirectory, fence, makePath, removeDirectories } from './epoch-directories';
import { Lease, LEASE_TIMING, type Acquired, type LeaseTiming } from './lease';
import type { RemoteLayout } from './remote-layout';

/** Names an FTP root, as a directory in the gateway's own. */
export const ROOT_ID = /^root-[0-9a-f]{16}$/;
/** How long a request waits for the root before it is told to come back: start-up and a short loss of the server pass unseen. */
const PATIENCE_MS = 10_000;
/** Pause after the root could not be prepared. */
const RETRY_MS = 1_000;

export interface FtpRootOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly layout: RemoteLayout;
  /** 16 hex digits that this gateway keeps over a restart on the same disk. */
  readonly holder: string;
  /** Exists without being created. */
  readonly bucket: string;
  /** What else has to be done in a new epoch before anything is answered. */
  readonly onTaken: (epoch: number, root: string) => Promise<void>;
  /** Starts the catalog from what a former gateway left on the server. Gets the names in the gateway's own directory, and the root's name for itself. */
  readonly restore?: (names: readonly string[], root: string) => Promise<void>;
  /** Proves that the root may be used with the keys at hand; throws where it may not. */
  readonly keyCheck: Pick<KeyCheck, 'check' | 'readable'>;
  readonly log: Logger;
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly leaseTiming?: LeaseTiming;
  readonly patienceMs?: number;
}

export class FtpRoot {
  readonly #lease: Lease;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  #serving: Promise<void> | undefined;
  /** This epoch's directory for files on their way: nobody else writes there, and whoever comes next moves it away. */
  #temporary: string | undefined;
  #count = 0;
  /** Why the root could not be prepared, when it was last tried. */
  #trouble: unknown;

  constructor(private readonly options: FtpRootOptions) {
    this.#lease = new Lease({
      tree: options.tree,
      directory: options.layout.own,
      holder: options.holder,
      timing: options.leaseTiming ?? LEASE_TIMING,
      log: options.log,
      monotonicMs: options.monotonicMs,
      signal: this.#stop.signal,
      // Whether it gets to disk decides how much is believed after a crash, not whether the lease is held.
      onRenewal: (renewals) => void options.catalog.noteRenewal(renewals).catch(() => undefined),
      onRenewed: () => {
        if (this.isOpen) this.#wake();
      },
    });
  }

  /** Whether the root may be used now. */
  get isOpen(): boolean {
    return this.#temporary !== undefined && this.#lease.isHeld;
  }

  /** Whether this gateway holds the root, as far as it knows, and the server has not answered for too long to be sure. */
  get isOutOfReach(): boolean {
    return this.#temporary !== undefined && !this.#lease.isHeld;
  }

  /** Whether it is not open because another gateway has it. */
  get isStandby(): boolean {
    return this.#trouble === undefined && this.#lease.isHeldByOther;
  }

  /** For people: why it is not open. */
  get reason(): string {
    return this.#trouble instanceof Error ? this.#trouble.message : this.#lease.reason;
  }

  /** Takes the root, and takes it again whenever it was lost, until `close`. */
  start(): void {
    this.#serving ??= this.#serve();
  }

  /** Resolves while the root may be used; waits a short time for that, and then throws `SlowDown`. */
  async open(): Promise<void> {
    if (this.isOpen) return;
    this.start();
    const { patienceMs = PATIENCE_MS } = this.options;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, patienceMs);
      const waiting = this.#waiting;
      waiting.add(done);
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
    });
    if (!this.isOpen) throw new S3Error('SlowDown', { cause: this.#trouble ?? new Error(this.reason) });
  }

  /** Names a file in this epoch's own directory; never the same twice. */
  temporaryPath(): string {
    if (this.#temporary === undefined) throw new S3Error('SlowDown', { cause: new Error(this.reason) });
    this.#count += 1;
    return `${this.#temporary}/${this.#count}`;
  }

  async createBucket(bucket: string): Promise<boolean> {
    const { tree, catalog, layout, now } = this.options;
    if (catalog.bucket(bucket)) return false;
    const outcome = await tree.makeDir(layout.bucket(bucket));
    await catalog.addBucket(bucket, now(), outcome === 'created');
    return outcome === 'created';
  }

  /** Removes a bucket that holds no object. */
  async removeBucket(bucket: string): Promise<void> {
    await this.options.catalog.removeBucket(bucket);
    await this.#removeEmpty(this.options.layout.bucket(bucket));
  }

  /** Stops, in order: what is on its way is over by now, and the lease is given back. */
  async close(): Promise<void> {
    this.abandon();
    await this.#serving;
    if (!this.#lease.isHeld || this.#temporary === undefined) return;
    await removeDirectories(this.options.tree, [this.#temporary]);
    await this.#lease.release();
  }

  /** Stops as a crash would: the lease is left to stand still. */
  abandon(): void {
    this.#stop.abort(new Error('the gateway stops'));
    this.#wake();
  }

  async #serve(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await makePath(this.options.tree, this.options.layout.own);
        const acquired = await this.#lease.acquire();
        await this.#prepareOrRelease(acquired);
        this.#trouble = undefined;
        this.#wake();
        await this.#lease.keep();
        this.#temporary = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#trouble = error;
        this.options.log.warn(
          { reason: error instanceof Error ? error.message : String(error) },
          'the FTP root is not ready',
        );
        await this.#lease.pause(RETRY_MS).catch(() => undefined);
      }
    }
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** A gateway that may not use the root, for a wrong key, must not keep it from the one that may. */
  async #prepareOrRelease(acquired: Acquired): Promise<void> {
    try {
      await this.#prepare(acquired);
    } catch (error) {
      await this.#lease.release().catch(() => undefined);
      throw error;
    }
  }

  /** What every holder does first, before it answers anything. */
  async #prepare({ epoch, former }: Acquired): Promise<void> {
    const { tree, catalog, layout, bucket, keyCheck, onTaken, restore } = this.options;
    await tree.makeDir(layout.uploads);
    const fenced = await fence(tree, layout.own, await this.#ownNames());
    const temporary = epochDirectory(layout.own, epoch);
    await tree.makeDir(temporary);
    // Read anew: until it was fenced, a former holder may have added a key.
    const own = await this.#ownNames();
    await keyCheck.check(own, `${temporary}/key-check`);
    const id = await this.#identify(own);
    await restore?.(own, id);
    await catalog.begin(epoch, former, id, keyCheck.readable);
    await onTaken(epoch, id);
    await this.#findBuckets();
    await this.createBucket(bucket);
    this.#temporary = temporary;
    this.#sweep(fenced);
  }

  /** The name that this root was given by whoever held it first: so that a catalog of another root is known for one. */
  async #identify(names: readonly string[]): Promise<string> {
    const known = names.find((name) => ROOT_ID.test(name));
    if (known !== undefined) return known;
    const id = `root-${randomBytes(8).toString('hex')}`;
    await this.options.tree.makeDir(`${this.options.layout.own}/${id}`);
    return id;
  }

  async #ownNames(): Promise<string[]> {
    return (await this.#read(this.options.layout.own)).map(({ name }) => name);
  }

  async #findBuckets(): Promise<void> {
    const { catalog, layout, log, now } = this.options;
    const names = new Set<string>();
    for (const { name, type, modifiedAt } of await this.#read(layout.root)) {
      if (type !== 'directory' || !isBucketName(name)) continue;
      names.add(name);
      await catalog.addBucket(name, modifiedAt ?? now(), false);
    }
    for (const { name } of catalog.buckets()) {
      if (names.has(name)) continue;
      log.warn({ bucket: name }, 'a bucket went away behind the gateway');
      await catalog.removeBucket(name);
    }
  }

  /** The entries of a directory that is surely there. */
  async #read(path: string): Promise<readonly RemoteEntry[]> {
    const listing = await this.options.tree.list(path);
    if (listing.outcome === 'listed') return listing.entries;
    const cause = new Error(`the server does not show what ${path} holds: ${listing.outcome}`);
    throw new S3Error('SlowDown', { cause });
  }

  #sweep(directories: readonly string[]): void {
    removeDirectories(this.options.tree, directories).catch((error: unknown) => {
      this.options.log.warn({ reason: String(error) }, 'files of a former epoch are left for the next start');
    });
  }

  /** Removes a tree of directories without any file; one that holds a file stays. */
  async #removeEmpty(directory: string): Promise<void> {
    const { tree, log } = this.options;
    const listing = await tree.list(directory);
    if (listing.outcome === 'refused') return;
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    for (const { name, type } of entries) {
      if (type === 'directory') await this.#removeEmpty(`${directory}/${name}`);
    }
    try {
      await tree.removeDir(directory);
    } catch (error) {
      if (!(error instanceof RemoteRefused)) throw error;
      log.warn({ directory }, 'a directory of a deleted bucket holds something else and is left alone');
    }
  }
}
