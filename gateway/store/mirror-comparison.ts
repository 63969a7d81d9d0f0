/**
 * Compares both locations, directory by directory: what the mirror lacks, or may have in another version, is noted to be carried over. What it has and the first
 * location has not is an extra: it is told, and stays for a month, since it may be the only copy of what the first location lost.
 */

import type { Database } from 'lmdb';
import { parseKey } from '../backupstore/layout';
import { S3Error } from '../errors';
import { RemoteUnavailable, type RemoteEntry } from '../ftp/remote-tree';
import { isBucketName } from '../s3/bucket-name';
import type { Catalog } from './catalog';
import { forEachLimited } from './concurrency';
import type { Directories } from './directories';
import type { Directory } from './directory';
import type { MirrorQueue } from './mirror-queue';
import type { Location } from './mirror-root';
import type { FileRecord, ObjectRecord } from './object-record';
import type { ObjectRef } from './object-store';
import { isContinued, objectNames, parseName } from './remote-path';
import { refOf } from './settler';

/** How long an extra stays, in milliseconds. */
const EXTRA_MS = 30 * 24 * 3600 * 1000;
/** Directories looked at at a time. */
const CONCURRENCY = 2;

export interface MirrorComparisonOptions {
  readonly mirror: Location;
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly queue: MirrorQueue;
  /** Deletes the parts of an upload on the mirror. */
  readonly removeUpload: (upload: string) => Promise<void>;
  readonly now: () => number;
}

export interface ComparisonProgress {
  /** Directories looked at in this pass, or in the last one. */
  readonly done: number;
  /** Extras found in it. */
  readonly extras: number;
}

/** One pass over everything. */
interface Pass {
  /** Nothing is known of what the mirror has: each object is looked at. */
  readonly isDeep: boolean;
  readonly signal: AbortSignal;
  readonly generation: number;
  /** Rows of extras that were seen. */
  readonly extras: Set<string>;
  /** Uploads whose parts objects need. */
  readonly uploads: Set<string>;
  done: number;
}

type ExtraKey = [bucket: string, key: string];
/** In the place of a bucket, which no bucket can be named like: uploads. */
const UPLOAD = '';

export class MirrorComparison {
  /** Since when, in milliseconds since the epoch. */
  readonly #extras: Database<number, ExtraKey>;
  #progress: ComparisonProgress = { done: 0, extras: 0 };

  constructor(private readonly options: MirrorComparisonOptions) {
    this.#extras = options.catalog.table('mirror-extras', {});
  }

  get progress(): ComparisonProgress {
    return this.#progress;
  }

  /** Files on the mirror that the first location does not have, as of the last pass. */
  get extras(): number {
    return (this.#extras.getStats() as { entryCount: number }).entryCount;
  }

  /** Looks at everything. Throws `SlowDown` or what the tree throws where something cannot be looked at: what was found until then stands. */
  async run(isDeep: boolean, signal: AbortSignal): Promise<void> {
    const { catalog } = this.options;
    const { generation } = catalog;
    const pass: Pass = { isDeep, signal, generation, extras: new Set(), uploads: new Set(), done: 0 };
    const buckets = catalog.buckets().map(({ name }) => name);
    for (const bucket of buckets) {
      const root = catalog.root(bucket);
      if (root) await this.#walk(root, pass);
    }
    await this.#lookForForeignBuckets(pass);
    await this.#lookForOrphanedUploads(pass);
    for (const key of [...this.#extras.getKeys({})])
      if (!pass.extras.has(key.join('/'))) await this.#extras.remove(key);
  }

  /** Deepest first and last name first: so the blocks of a volume are noted before the documents that name them. */
  async #walk(root: Directory, pass: Pass): Promise<void> {
    let level = [root];
    while (level.length > 0) {
      const batch = level.splice(-CONCURRENCY);
      const below: Directory[] = [];
      await forEachLimited(batch, CONCURRENCY, async (directory) => {
        below.push(...(await this.#compare(directory, pass)));
      });
      level = [...level, ...below];
    }
  }

  /** Returns the directories in it. */
  async #compare(directory: Directory, pass: Pass): Promise<Directory[]> {
    const { catalog, directories, mirror } = this.options;
    pass.signal.throwIfAborted();
    await directories.prove(directory);
    const path = mirror.layout.directory(directory.bucket, directory.segments);
    const listing = await mirror.tree.list(path);
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    // After the listing: what was carried over before it has its row by now.
    const [below, files] = [[] as Directory[], new Map<string, FileRecord>()];
    for (const child of catalog.children(directory)) {
      if (child.kind === 'directory') below.push(child.directory);
      else files.set(child.name, child.record);
    }
    await this.#noteDifferences(directory, files, entries, pass);
    const known = new Set(below.map(({ segments }) => segments.at(-1)));
    for (const entry of entries) {
      const name = isContinued(entry.name)
        ? undefined
        : parseName([entry.name], entry.type === 'directory')?.segment;
      if (name === undefined) continue;
      const segments = [...directory.segments, name];
      if (entry.type === 'file') {
        if (!files.has(name)) await this.#noteExtra(refOf(directory, name), pass);
      } else if (!known.has(name)) await this.#noteExtrasBelow(directory.bucket, segments, pass);
    }
    pass.done += 1;
    this.#progress = { done: pass.done, extras: pass.extras.size };
    return below;
  }

  async #noteDifferences(
    directory: Directory,
    files: ReadonlyMap<string, FileRecord>,
    entries: readonly RemoteEntry[],
    pass: Pass,
  ): Promise<void> {
    const sizes = new Map(entries.map(({ name, size }) => [name, size]));
    const notes: Promise<void>[] = [];
    for (const [name, record] of files) {
      if (record.kind !== 'object') continue;
      if (record.upload !== undefined) pass.uploads.add(record.upload);
      const ref = refOf(directory, name);
      if (record.damaged || (!pass.isDeep && isSettled(ref, record, name, sizes))) continue;
      notes.push(this.options.queue.note(ref, { kind: 'found', bytes: record.storedSize }));
    }
    await Promise.all(notes);
  }

  /** Files in a directory of the mirror that the first location does not have. */
  async #noteExtrasBelow(bucket: string, segments: readonly string[], pass: Pass): Promise<void> {
    const { mirror } = this.options;
    pass.signal.throwIfAborted();
    const listing = await mirror.tree.list(mirror.layout.directory(bucket, segments));
    for (const { name, type } of listing.outcome === 'listed' ? listing.entries : []) {
      const segment = isContinued(name) ? undefined : parseName([name], type === 'directory')?.segment;
      if (segment === undefined) continue;
      const inner = [...segments, segment];
      if (type === 'directory') await this.#noteExtrasBelow(bucket, inner, pass);
      else await this.#noteExtra({ bucket, key: inner.join('/') }, pass);
    }
  }

  /** It goes when it has been one for long, and only where the first location is proved not to have it. */
  async #noteExtra(ref: ObjectRef, pass: Pass): Promise<void> {
    const { mirror, queue, directories, catalog } = this.options;
    if (queue.isPending(ref)) return;
    // What was deleted since it was listed is gone by now, too.
    if ((await mirror.tree.size(mirror.layout.object(ref))) === undefined) return;
    if (!(await this.#remember([ref.bucket, ref.key], pass))) return;
    const segments = ref.key.split('/');
    const name = segments.pop() ?? '';
    const directory = catalog.bucket(ref.bucket) && (await directories.find(ref.bucket, segments));
    if (!directory || !catalog.file(directory, name)) await queue.note(ref, { kind: 'deleted' });
  }

  async #lookForForeignBuckets(pass: Pass): Promise<void> {
    const { mirror, catalog } = this.options;
    const listing = await mirror.tree.list(mirror.layout.root);
    if (listing.outcome !== 'listed') throw unproved(mirror.layout.root);
    for (const { name, type } of listing.entries) {
      if (type !== 'directory' || !isBucketName(name) || catalog.bucket(name)) continue;
      await this.#noteExtrasBelow(name, [], pass);
    }
  }

  /** Parts that no object needs: a crash came between a delete and theirs, or the queue was lost. */
  async #lookForOrphanedUploads(pass: Pass): Promise<void> {
    const { mirror, catalog, removeUpload } = this.options;
    const listing = await mirror.tree.list(mirror.layout.uploads);
    if (listing.outcome !== 'listed') return;
    for (const { name } of listing.entries) {
      if (pass.uploads.has(name) || catalog.generation !== pass.generation) continue;
      if (await this.#remember([UPLOAD, name], pass)) await removeUpload(name);
    }
  }

  /** Whether it has been an extra for long. */
  async #remember(key: ExtraKey, pass: Pass): Promise<boolean> {
    const { now } = this.options;
    pass.extras.add(key.join('/'));
    const since = this.#extras.get(key);
    if (since === undefined) await this.#extras.put(key, now());
    return since !== undefined && now() - since >= EXTRA_MS;
  }
}

/** Whether the mirror surely has the same: of blocks, whose content their names tell, the size is enough. All others are looked at. */
function isSettled(
  { key }: ObjectRef,
  { storedSize, upload }: ObjectRecord,
  name: string,
  sizes: ReadonlyMap<string, number | undefined>,
): boolean {
  const [file, ...deeper] = objectNames(name);
  const isAlone = file !== undefined && deeper.length === 0;
  return isAlone && upload === undefined && parseKey(key)?.kind === 'block' && sizes.get(file) === storedSize;
}

function unproved(path: string): Error {
  const cause = new RemoteUnavailable(`the mirror does not show what ${path} holds`);
  return new S3Error('SlowDown', { cause });
}
