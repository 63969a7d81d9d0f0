/** What somebody asks of the trash: to look at it, to bring versions back, to delete them for good. One job at a time, in the background. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { RemoteTree } from '../ftp/remote-tree';
import { forEachLimited } from './concurrency';
import type { ObjectRef } from './object-store';
import type { ObjectRecord } from './object-record';
import type { CommitOptions, NewVersion, ObjectWriter } from './object-writer';
import type { RemoteLayout } from './remote-layout';
import type { Settler } from './settler';
import type { Trash } from './trash';
import type { Batch, TrashEntry } from './trash-rows';
import { chooseVersion, isSelected, RANKS, rankOf, volumeOf, type TrashSelection } from './trash-selection';

export interface RestoreRequest extends TrashSelection {
  /**
   * Milliseconds since the epoch: each object becomes the version that it was then, and what replaced it goes into the trash. Without it, only objects that
   * are gone come back, as they last were.
   */
  readonly asOf?: number;
}

export interface EmptyRequest extends TrashSelection {
  /** Milliseconds since the epoch: only what was removed before. */
  readonly removedBefore?: number;
}

/** What a job did so far, in versions. */
export interface TrashJob {
  readonly action: 'restore' | 'empty';
  readonly state: 'running' | 'done' | 'failed';
  /** Why it failed: what was not done is still in the trash. */
  readonly reason?: string;
  readonly done: number;
  /** Objects that are there, and so were not brought back. */
  readonly present: number;
  /** Files that were not in the trash any more. */
  readonly missing: number;
  /** Files that are not whole: they stay in the trash. */
  readonly damaged: number;
}

/** Versions that were removed from one place. */
export interface TrashGroup {
  readonly bucket: string;
  /** A Longhorn volume, or else the first segment of the key. */
  readonly place: string;
  readonly isVolume: boolean;
  versions: number;
  bytes: number;
  firstRemovedAt: number;
  lastRemovedAt: number;
}

export interface TrashJobsOptions {
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
  readonly trash: Trash;
  readonly settler: Settler;
  readonly writer: Pick<ObjectWriter, 'commit'>;
  readonly createBucket: (bucket: string) => Promise<boolean>;
  readonly log: Logger;
}

const PAGE = 500;
const CONCURRENCY = 4;
const FIRST = { bucket: '', key: '', removedAt: 0 };

type Counter = 'done' | 'present' | 'missing' | 'damaged';

/** The object is there, and is to stay. */
class PresentError extends Error {}

export class TrashJobs {
  #job: TrashJob | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: TrashJobsOptions) {}

  get job(): TrashJob | undefined {
    return this.#job;
  }

  /** Starts to bring versions back. Throws `SlowDown` while another job runs. */
  restore(request: RestoreRequest): TrashJob {
    return this.#start('restore', () => this.#restore(request));
  }

  /** Starts to delete versions for good. Throws `SlowDown` while another job runs. */
  empty(request: EmptyRequest): TrashJob {
    return this.#start('empty', () => this.#empty(request));
  }

  /** Resolves when the job that runs now has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async groups(selection: TrashSelection): Promise<TrashGroup[]> {
    const groups = new Map<string, TrashGroup>();
    for await (const entry of this.#select(selection)) {
      const { bucket, key, removedAt, bytes } = entry;
      const volume = volumeOf(key);
      const place = volume ?? key.split('/')[0] ?? '';
      const name = `${bucket}/${place}`;
      const group = groups.get(name) ?? {
        bucket,
        place,
        isVolume: volume !== undefined,
        versions: 0,
        bytes: 0,
        firstRemovedAt: removedAt,
        lastRemovedAt: removedAt,
      };
      group.versions += 1;
      group.bytes += bytes;
      group.firstRemovedAt = Math.min(group.firstRemovedAt, removedAt);
      group.lastRemovedAt = Math.max(group.lastRemovedAt, removedAt);
      groups.set(name, group);
    }
    return [...groups.values()];
  }

  /** The first versions of a selection, by object. */
  async versions(selection: TrashSelection, limit: number): Promise<TrashEntry[]> {
    const found: TrashEntry[] = [];
    for await (const entry of this.#select(selection)) {
      found.push(entry);
      if (found.length === limit) break;
    }
    return found;
  }

  #start(action: TrashJob['action'], run: () => Promise<void>): TrashJob {
    if (this.#running)
      throw new S3Error('SlowDown', { message: `The trash is busy: ${this.#job?.action ?? ''}.` });
    this.#job = { action, state: 'running', done: 0, present: 0, missing: 0, damaged: 0 };
    this.#running = run()
      .then(
        () => this.#update({ state: 'done' }),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          this.options.log.warn({ action, reason }, 'a job on the trash failed');
          this.#update({ state: 'failed', reason });
        },
      )
      .finally(() => (this.#running = undefined));
    return this.#job;
  }

  async #restore(request: RestoreRequest): Promise<void> {
    for (let rank = 0; rank < RANKS; rank++) {
      let versions: TrashEntry[] = [];
      let chosen: TrashEntry[] = [];
      const choose = (): void => {
        const version = chooseVersion(versions, request.asOf);
        if (version) chosen.push(version);
        versions = [];
      };
      const bringBack = async (): Promise<void> => {
        await forEachLimited(chosen, CONCURRENCY, (entry) => this.#bringBack(entry, request.asOf));
        chosen = [];
      };
      for await (const entry of this.#select(request)) {
        if (rankOf(entry.key) !== rank) continue;
        if (versions[0]?.key !== entry.key || versions[0].bucket !== entry.bucket) choose();
        versions.push(entry);
        if (chosen.length >= PAGE) await bringBack();
      }
      choose();
      await bringBack();
    }
  }

  async #bringBack(entry: TrashEntry, asOf: number | undefined): Promise<void> {
    const { tree, layout, trash, settler, writer, createBucket } = this.options;
    const { bucket, key, modifiedAt } = entry;
    const ref: ObjectRef = { bucket, key };
    const from = trash.pathOf(entry);
    const size = await tree.size(from);
    if (size === undefined) {
      await trash.forget(entry);
      return this.#add('missing');
    }
    const record = await settler.inspect(ref, from, size, modifiedAt);
    if (record.kind !== 'object') return this.#add('damaged');
    await createBucket(bucket);
    const options: CommitOptions = {
      condition: (current) => {
        // What is there now came after the version that was there at that time.
        if (current && asOf === undefined) throw new PresentError();
      },
      alongside: () => trash.forget(entry),
    };
    const path = layout.object(ref);
    const move = async ({ replaced }: NewVersion): Promise<ObjectRecord> => {
      if (replaced) await replaced.keep(path);
      else if (asOf !== undefined) await tree.remove(path);
      await tree.rename(from, path);
      return record;
    };
    try {
      await writer.commit(ref, move, options);
    } catch (error) {
      if (!(error instanceof PresentError)) throw error;
      return this.#add('present');
    }
    trash.stats.restored += 1;
    this.#add('done');
  }

  async #empty(request: EmptyRequest): Promise<void> {
    const { trash } = this.options;
    const { removedBefore = Infinity } = request;
    const batches = new Map<string, Batch>();
    for await (const entry of this.#select(request)) {
      if (entry.removedAt >= removedBefore) continue;
      await trash.purge(entry);
      batches.set(`${entry.batch.epoch}/${entry.batch.number}`, entry.batch);
      this.#add('done');
    }
    for (const batch of batches.values()) await trash.removeIfEmpty(batch);
  }

  /** By object, page by page, so that other work gets its turn and rows may go meanwhile. */
  async *#select(selection: TrashSelection): AsyncGenerator<TrashEntry> {
    const { rows } = this.options.trash;
    let page: TrashEntry[] = rows.page(startOf(selection), PAGE);
    while (page.length > 0) {
      for (const entry of page) {
        if (isBeyond(selection, entry)) return;
        if (isSelected(selection, entry)) yield entry;
      }
      await new Promise((resolve) => setImmediate(resolve));
      page = rows.page(page.at(-1) ?? FIRST, PAGE);
    }
  }

  #add(counter: Counter): void {
    if (this.#job) this.#update({ [counter]: this.#job[counter] + 1 });
  }

  #update(change: Partial<TrashJob>): void {
    if (this.#job) this.#job = { ...this.#job, ...change };
  }
}

/** Whether no more of a selection follow, in the order of objects from `startOf` on. */
function isBeyond({ bucket, prefix = '' }: TrashSelection, entry: TrashEntry): boolean {
  return bucket !== undefined && (entry.bucket !== bucket || !entry.key.startsWith(prefix));
}

function startOf({ bucket, prefix }: TrashSelection): typeof FIRST {
  return bucket === undefined ? FIRST : { bucket, key: prefix ?? '', removedAt: -1 };
}
