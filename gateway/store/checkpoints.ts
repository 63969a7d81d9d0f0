/**
 * Copies of the catalog on the FTP server, sealed like objects: what a gateway without its local disk starts from. A checkpoint is a hint, which is
 * proved like any other, unless it was taken at a clean stop and nobody held the lease since.
 */

import { createReadStream, createWriteStream, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip, constants } from 'node:zlib';
import type { Logger } from 'pino';
import type { RemoteTree } from '../ftp/remote-tree';
import type { Catalog } from './catalog';
import { CatalogDamagedError, messageOf } from './catalog-error';
import { isDamage, type ObjectFiles } from './object-files';
import type { RemoteLayout } from './remote-layout';

const NAME = /^checkpoint-(\d{1,15})-(\d{1,15})$/;
/** The last one, and the one before in case that is damaged. */
const KEPT = 2;
/** Changes after which a checkpoint does not wait for its interval. */
const MANY_CHANGES = 10_000;
const INTERVAL_MS = 3_600_000;
/** Milliseconds between looks whether one is due, which is the least time between two. */
const TICK_MS = 5 * 60_000;
/** Taking them costs at most one part in so many of the time. */
const REST_FACTOR = 20;

export interface CheckpointsOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
  /** Local, for the file that is sent. */
  readonly directory: string;
  /** Whether the FTP root may be written to. */
  readonly isOpen: () => boolean;
  readonly log: Logger;
  readonly now: () => number;
  /** Milliseconds between checkpoints where anything changed. @default 1 hour */
  readonly intervalMs?: number;
  /** @default 5 minutes */
  readonly tickMs?: number;
}

export interface CheckpointStats {
  /** Milliseconds since the epoch; absent if none was taken or started from. */
  readonly lastAt?: number;
  /** Bytes on the FTP server. */
  readonly lastSize?: number;
  /** Changes of the catalog since. */
  readonly changesSince: number;
  readonly taken: number;
  readonly failed: number;
  /** Milliseconds between two where anything changed. */
  readonly intervalMs: number;
}

export class Checkpoints {
  #timer: NodeJS.Timeout | undefined;
  #taking: Promise<void> | undefined;
  #count = 0;
  #lastAt: number | undefined;
  #lastSize: number | undefined;
  #lastTookMs = 0;
  #changesThen = 0;
  #failed = 0;
  #startedAt: number;

  constructor(private readonly options: CheckpointsOptions) {
    this.#startedAt = options.now();
  }

  get stats(): CheckpointStats {
    return {
      ...(this.#lastAt !== undefined && { lastAt: this.#lastAt }),
      ...(this.#lastSize !== undefined && { lastSize: this.#lastSize }),
      changesSince: this.options.catalog.changes - this.#changesThen,
      taken: this.#count,
      failed: this.#failed,
      intervalMs: this.options.intervalMs ?? INTERVAL_MS,
    };
  }

  /** Takes one whenever it is due, until `stop`. */
  start(): void {
    const { tickMs = TICK_MS, log } = this.options;
    this.#timer ??= setInterval(() => {
      if (!this.#isDue() || this.#taking) return;
      this.#taking = this.take(false)
        .catch((error: unknown) => {
          this.#failed += 1;
          log.warn({ reason: messageOf(error) }, 'a checkpoint of the catalog could not be taken');
        })
        .finally(() => (this.#taking = undefined));
    }, tickMs).unref();
  }

  /** Resolves when none is on its way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#taking;
  }

  /** @param clean nothing is on its way, and nothing more will be written before the lease is given back */
  async take(clean: boolean): Promise<void> {
    const { catalog, files, layout, directory, log, now } = this.options;
    const startedAt = now();
    const changes = catalog.changes;
    const local = join(directory, 'checkpoint.tmp');
    const name = `checkpoint-${catalog.epoch}-${++this.#count}`;
    try {
      const gzip = createGzip({ level: constants.Z_BEST_SPEED });
      await pipeline(catalog.dump(clean), gzip, createWriteStream(local, { mode: 0o600 }));
      const { size } = statSync(local);
      const { storedSize } = await files.write({
        path: `${layout.own}/${name}`,
        context: contextOf(name),
        size,
        body: () => createReadStream(local) as AsyncIterable<Buffer>,
        replayable: true,
        metadata: () => ({ size, etag: '', lastModified: startedAt, headers: {}, metadata: {} }),
      });
      [this.#lastAt, this.#lastSize, this.#lastTookMs] = [startedAt, storedSize, now() - startedAt];
      this.#changesThen = changes;
      log.info({ name, bytes: storedSize, clean }, 'a checkpoint of the catalog is on the FTP server');
    } finally {
      rmSync(local, { force: true });
    }
    await this.#removeOld();
  }

  /**
   * Starts the catalog from the newest checkpoint that is whole, if it knows more than the catalog does. Throws what the tree throws.
   * @param names in the gateway's own directory
   * @param root the FTP root's name for itself
   */
  async restore(names: readonly string[], root: string): Promise<void> {
    const { catalog, log } = this.options;
    for (const name of newestFirst(names)) {
      try {
        if (!(await catalog.restore(this.#read(name), root))) return;
        const { files, directories } = catalog.counts;
        log.info({ name, files, directories }, 'the catalog starts from a checkpoint');
        return;
      } catch (error) {
        const isUnusable = isDamage(error) || error instanceof CatalogDamagedError || isZlibError(error);
        if (!isUnusable) throw error;
        log.error(
          { name, reason: messageOf(error) },
          'a checkpoint is damaged, of another version, or sealed with another key: it is not used',
        );
      }
    }
  }

  async *#read(name: string): AsyncGenerator<Buffer> {
    const { tree, files, layout } = this.options;
    const path = `${layout.own}/${name}`;
    const storedSize = await tree.size(path);
    if (storedSize === undefined) throw new CatalogDamagedError('it has no size');
    const facts = await files.readFacts(path, contextOf(name), storedSize);
    const size = facts.metadata?.size ?? storedSize;
    const sealed = Readable.from(files.read({ ...facts, path, context: contextOf(name), size }));
    const gunzip = createGunzip();
    const done = pipeline(sealed, gunzip);
    done.catch(() => undefined);
    yield* gunzip as AsyncIterable<Buffer>;
    await done;
  }

  #isDue(): boolean {
    const { isOpen, now, intervalMs = INTERVAL_MS } = this.options;
    const { changesSince } = this.stats;
    const restedMs = now() - (this.#lastAt ?? this.#startedAt);
    if (!isOpen() || changesSince === 0 || restedMs < REST_FACTOR * this.#lastTookMs) return false;
    return restedMs >= intervalMs || changesSince >= MANY_CHANGES;
  }

  async #removeOld(): Promise<void> {
    const { tree, layout } = this.options;
    const listing = await tree.list(layout.own);
    if (listing.outcome !== 'listed') return;
    const names = newestFirst(listing.entries.map(({ name }) => name));
    for (const name of names.slice(KEPT)) await tree.remove(`${layout.own}/${name}`);
  }
}

function contextOf(name: string): { bucket: string; key: string } {
  return { bucket: '_longhaul', key: name };
}

function newestFirst(names: readonly string[]): string[] {
  const numbered = names.flatMap((name) => {
    const match = NAME.exec(name);
    return match ? [{ name, epoch: Number(match[1]), number: Number(match[2]) }] : [];
  });
  return numbered.sort((a, b) => b.epoch - a.epoch || b.number - a.number).map(({ name }) => name);
}

function isZlibError(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('Z_');
}
