/**
 * Where deleted and replaced files rest before they leave the FTP server: moved there by one rename, and deleted when their time is over or room is short,
 * the oldest first. Each epoch of the lease has a directory, and in it numbered batches that are filled one after the other. Whoever takes the lease over renames
 * the directory of the epoch before, so that a late command of the former holder finds no place to move a file to.
 */

import type { Logger } from 'pino';
import { parseKey } from '../backupstore/layout';
import { S3Error } from '../errors';
import { RemoteRefused, type RemoteEntry, type RemoteTree } from '../ftp/remote-tree';
import type { BlockReferences } from './block-references';
import type { Catalog } from './catalog';
import { KeyLock } from './concurrency';
import type { FileRecord } from './object-record';
import type { ObjectRef } from './object-store';
import type { RemoteLayout } from './remote-layout';
import { isContinued } from './remote-path';
import { parseTrashNames, trashNames, type TrashedVersion } from './trash-name';
import { TrashRows, type Batch, type TrashEntry } from './trash-rows';

export interface TrashSettings {
  /** Milliseconds that a file rests in it; 0: nothing is put into it. */
  readonly keepMs: number;
  /** Milliseconds that it rests there even while the account is full. */
  readonly minKeepMs: number;
  /** Bytes on the FTP server above which the oldest leave before their time. */
  readonly maxBytes: number;
}

export interface TrashOptions extends TrashSettings {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly layout: RemoteLayout;
  readonly references: BlockReferences;
  /** Deletes the parts of an object that is gone, when nobody reads them any more. */
  readonly discardParts: (uploadId: string) => void;
  readonly log: Logger;
  readonly now: () => number;
}

export interface TrashStats {
  entries: number;
  bytes: number;
  /** Since the start. */
  kept: number;
  expired: number;
  /** Deleted before their time for want of room. */
  evicted: number;
  restored: number;
}

/** FTP servers list large directories slowly. */
const BATCH_ENTRIES = 1_000;
const OPEN = 'open-';
const EPOCH = /^(?:open-)?(\d{1,12})$/;
const NUMBER = /^\d{1,9}$/;
/** Rows looked at before other work gets its turn. */
const PAGE = 1_000;
const FIRST = { bucket: '', key: '', removedAt: 0 };

export class Trash {
  readonly rows: TrashRows;
  readonly stats: TrashStats = { entries: 0, bytes: 0, kept: 0, expired: 0, evicted: 0, restored: 0 };
  readonly #opening = new KeyLock();
  #open: Batch | undefined;
  #filled = 0;
  #lastRemovedAt = 0;

  constructor(private readonly options: TrashOptions) {
    this.rows = new TrashRows(options.catalog);
  }

  /** Whether a version of an object goes into the trash. Locks last minutes, and a stub names nothing; both are written again and again. */
  keeps(ref: ObjectRef, record: FileRecord): boolean {
    if (this.options.keepMs === 0) return false;
    const key = parseKey(ref.key);
    if (key?.kind === 'lock') return false;
    return key?.kind !== 'backup-config' || !this.options.references.isStub(ref, record);
  }

  /** Makes a place for a version that is about to go. The caller moves the file to `pathOf` it, and puts the row together with what else changes. */
  async reserve({ bucket, key }: ObjectRef, record: FileRecord): Promise<TrashEntry> {
    const batch = await this.#opening.hold('', () => this.#openBatch());
    this.#lastRemovedAt = Math.max(this.options.now(), this.#lastRemovedAt + 1);
    const object = record.kind === 'object' ? record : undefined;
    const parts = object?.parts?.reduce((sum, part) => sum + part.storedSize, 0) ?? 0;
    const entry: TrashEntry = {
      bucket,
      key,
      removedAt: this.#lastRemovedAt,
      modifiedAt: object?.lastModified ?? 0,
      ...(object?.upload !== undefined && { upload: object.upload }),
      batch,
      bytes: record.storedSize + parts,
    };
    await this.#makeLevels(entry);
    return entry;
  }

  /** Takes a replaced file away that a crash left at its aside. */
  async putAway(ref: ObjectRef, aside: string, record: FileRecord): Promise<void> {
    const { tree } = this.options;
    if (!this.keeps(ref, record)) return tree.remove(aside);
    const entry = await this.reserve(ref, record);
    await tree.rename(aside, this.pathOf(entry));
    await this.add(entry);
  }

  /** Puts the row of an entry. */
  async add(entry: TrashEntry): Promise<void> {
    this.stats.kept += 1;
    this.#count(entry, 1);
    await this.rows.put(entry);
  }

  /** Forgets an entry whose file is no longer in the trash. */
  async forget(entry: TrashEntry): Promise<void> {
    if (!this.rows.get(entry.bucket, entry.key, entry.removedAt)) return;
    this.#count(entry, -1);
    await this.rows.remove(entry);
  }

  pathOf(entry: TrashEntry): string {
    return [this.#pathOfBatch(entry.batch), ...trashNames(entry)].join('/');
  }

  /** Deletes an entry for good. */
  async purge(entry: TrashEntry): Promise<void> {
    const { tree, discardParts } = this.options;
    const path = this.pathOf(entry);
    // A row may outlive a delete that a crash undid: then the parts belong to an object that is there.
    const hasParts = entry.upload !== undefined && (await tree.size(path)) !== undefined;
    await tree.remove(path);
    await this.#removeLevels(entry);
    if (hasParts) discardParts(entry.upload);
    await this.forget(entry);
  }

  /** What every holder of the lease does first: whatever was open is closed, under another name. */
  async begin(epoch: number): Promise<void> {
    const { tree, layout } = this.options;
    this.#open = undefined;
    const isNew = (await tree.makeDir(layout.trash)) === 'created';
    for (const { name, former } of isNew ? [] : await this.#epochs()) {
      if (former < epoch && name.startsWith(OPEN))
        await tree.rename(`${layout.trash}/${name}`, `${layout.trash}/${former}`);
    }
    await tree.makeDir(`${layout.trash}/${OPEN}${epoch}`);
  }

  /** Makes the rows say what lies there: after a crash, or without the catalog that knew. */
  async reconcile(signal: AbortSignal): Promise<void> {
    const { layout, catalog } = this.options;
    const { epoch } = catalog;
    const found = new Set<string>();
    for (const { name, former } of await this.#epochs()) {
      if (former >= epoch) continue;
      const directory = `${layout.trash}/${name}`;
      for (const { name: number, type } of await this.#read(directory)) {
        signal.throwIfAborted();
        if (type !== 'directory' || !NUMBER.test(number)) continue;
        found.add(`${former}/${number}`);
        await this.#reconcileBatch({ epoch: former, number: Number(number) });
      }
      if ((await this.#read(directory)).length === 0) await this.#removeDir(directory);
    }
    for (const batch of [...this.rows.batches()]) {
      if (batch.epoch >= epoch || found.has(`${batch.epoch}/${batch.number}`)) continue;
      for (const entry of [...this.rows.inBatch(batch)]) await this.rows.remove(entry);
    }
    await this.#recount();
  }

  /** Deletes what has rested long enough, and the oldest of what is too much. */
  async expire(signal: AbortSignal): Promise<void> {
    const { keepMs, maxBytes } = this.options;
    await this.#purgeOldest(signal, (restedMs) => restedMs >= keepMs || this.stats.bytes > maxBytes);
  }

  /** Deletes the oldest of what has rested for the least time until so many bytes are free. Returns how many are. */
  async makeRoom(bytes: number, signal: AbortSignal): Promise<number> {
    let freed = 0;
    await this.#purgeOldest(signal, (restedMs, entry) => {
      if (freed >= bytes || restedMs < this.options.minKeepMs) return false;
      freed += entry.bytes;
      return true;
    });
    return freed;
  }

  /** @param isDue asked of the oldest in each batch, until it is not */
  async #purgeOldest(
    signal: AbortSignal,
    isDue: (restedMs: number, entry: TrashEntry) => boolean,
  ): Promise<void> {
    const { keepMs, now } = this.options;
    for (const batch of this.rows.batches()) {
      for (;;) {
        signal.throwIfAborted();
        const [oldest] = this.rows.inBatch(batch);
        const restedMs = now() - (oldest?.removedAt ?? 0);
        if (!oldest || !isDue(restedMs, oldest)) break;
        await this.purge(oldest);
        if (restedMs >= keepMs) this.stats.expired += 1;
        else this.stats.evicted += 1;
      }
      await this.removeIfEmpty(batch);
    }
  }

  /** Removes the directory of a batch that is closed and holds nothing any more. */
  async removeIfEmpty(batch: Batch): Promise<void> {
    const isOpen = this.#open?.epoch === batch.epoch && this.#open.number === batch.number;
    if (isOpen || !this.rows.inBatch(batch).next().done) return;
    await this.#removeDir(this.#pathOfBatch(batch));
  }

  async #openBatch(): Promise<Batch> {
    const { catalog, tree } = this.options;
    const { epoch } = catalog;
    const isCurrent = this.#open?.epoch === epoch;
    if (!this.#open || !isCurrent || this.#filled === BATCH_ENTRIES) {
      const batch = { epoch, number: this.#open && isCurrent ? this.#open.number + 1 : 1 };
      await tree.makeDir(this.#pathOfBatch(batch));
      this.#open = batch;
      this.#filled = 0;
    }
    this.#filled += 1;
    return this.#open;
  }

  /** A name that is too long goes on in directories of its own. */
  async #makeLevels(entry: TrashEntry): Promise<void> {
    for (const path of this.#levelsOf(entry)) await this.options.tree.makeDir(path);
  }

  async #removeLevels(entry: TrashEntry): Promise<void> {
    for (const path of this.#levelsOf(entry).reverse()) await this.#removeDir(path);
  }

  #levelsOf(entry: TrashEntry): string[] {
    const names = trashNames(entry).slice(0, -1);
    return names.map((_, i) => [this.#pathOfBatch(entry.batch), ...names.slice(0, i + 1)].join('/'));
  }

  async #removeDir(path: string): Promise<void> {
    try {
      await this.options.tree.removeDir(path);
    } catch (error) {
      if (!(error instanceof RemoteRefused)) throw error;
      this.options.log.warn({ path }, 'a directory of the trash holds something else and is left alone');
    }
  }

  async #reconcileBatch(batch: Batch): Promise<void> {
    const found = await this.#find(this.#pathOfBatch(batch), []);
    const names = new Set(found.map(({ version }) => trashNames(version).join('/')));
    for (const entry of [...this.rows.inBatch(batch)]) {
      if (!names.has(trashNames(entry).join('/'))) await this.rows.remove(entry);
    }
    const missing = found.filter(({ version: v }) => !this.rows.get(v.bucket, v.key, v.removedAt));
    await Promise.all(missing.map(({ version, bytes }) => this.rows.put({ ...version, batch, bytes })));
    if (found.length === 0) await this.removeIfEmpty(batch);
  }

  /** The versions in a directory of a batch; of names that go on, in deeper ones. */
  async #find(
    path: string,
    levels: readonly string[],
  ): Promise<{ version: TrashedVersion; bytes: number }[]> {
    const found: { version: TrashedVersion; bytes: number }[] = [];
    for (const { name, type, size = 0 } of await this.#read(path)) {
      const names = [...levels, name];
      if (type === 'directory') {
        if (isContinued(name)) found.push(...(await this.#find(`${path}/${name}`, names)));
        continue;
      }
      const version = parseTrashNames(names);
      if (version) found.push({ version, bytes: size });
    }
    return found;
  }

  /** The entries of a directory that is surely there. */
  async #read(path: string): Promise<readonly RemoteEntry[]> {
    const { tree } = this.options;
    const listing = await tree.list(path);
    if (listing.outcome === 'listed') return listing.entries;
    if (listing.outcome === 'unproved' && (await tree.isDirectory(path))) return [];
    throw new S3Error('SlowDown', { cause: new Error(`the server does not show what ${path} holds`) });
  }

  async #recount(): Promise<void> {
    let [entries, bytes] = [0, 0];
    let page: TrashEntry[] = [];
    do {
      page = this.rows.page(page.at(-1) ?? FIRST, PAGE);
      for (const entry of page) [entries, bytes] = [entries + 1, bytes + entry.bytes];
      await new Promise((resolve) => setImmediate(resolve));
    } while (page.length > 0);
    Object.assign(this.stats, { entries, bytes });
  }

  #count(entry: TrashEntry, sign: 1 | -1): void {
    this.stats.entries += sign;
    this.stats.bytes += sign * entry.bytes;
  }

  /** The directories of all epochs, open or not. */
  async #epochs(): Promise<{ name: string; former: number }[]> {
    const entries = await this.#read(this.options.layout.trash);
    return entries.flatMap(({ name, type }) => {
      const former = type === 'directory' ? EPOCH.exec(name)?.[1] : undefined;
      return former === undefined ? [] : [{ name, former: Number(former) }];
    });
  }

  /** That of this epoch is open. */
  #pathOfBatch({ epoch, number }: Batch): string {
    const { catalog, layout } = this.options;
    return `${layout.trash}/${epoch === catalog.epoch ? OPEN : ''}${epoch}/${number}`;
  }
}
