/**
 * The ordered, durable index of what the FTP server holds: an LMDB database on local disk, laid out as the tree itself.
 *
 * A row is keyed by its directory's number and its name, a subdirectory's name ending in `/`: so the rows of a directory stand together,
 * in the order in which S3 lists, and a directory is listed, or proved, in one scan. Reads are synchronous and see every change that has resolved;
 * a change resolves when it is on disk. Changes that arrive together are committed together.
 */

import type { Database, DatabaseOptions, Key } from 'lmdb';
import { readDump, writeDump } from './catalog-dump';
import { CatalogEnvironment } from './catalog-environment';
import { CatalogDamagedError, messageOf } from './catalog-error';
import { BLANK, checkSchema, describeSchema, SCHEMA_VERSION, type State } from './catalog-state';
import { Findings, type Finding } from './findings';
import { Intents } from './intents';
import { MultipartRows } from './multipart-rows';
import type { FileRecord, ObjectRecord } from './object-record';
import { Presence } from './presence';
import { isDirectoryRow, RowCodec, type TreeRow } from './row-codec';
import { TreeWalk, type ListingStep } from './tree-walk';

/** A directory of the tree: a bucket or a key prefix that ends in `/`. */
export interface Directory {
  readonly id: number;
  readonly bucket: string;
  /** The key segments that lead to it; none for the bucket itself. */
  readonly segments: readonly string[];
}

export interface NewDirectory {
  readonly name: string;
  /** It is new on the FTP server too, so surely empty. */
  readonly proved: boolean;
}

interface AddedDirectory {
  readonly directory: Directory;
  /** Resolves when its row is on disk. Absent if it was there. */
  readonly written?: Promise<void>;
}

export type Child =
  | { readonly kind: 'file'; readonly name: string; readonly record: FileRecord }
  | { readonly kind: 'directory'; readonly name: string; readonly directory: Directory };

export interface BucketRow {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** How the lease stood when it was taken: what the holder before left. */
export interface FormerLease {
  readonly epoch: number;
  readonly renewals: number;
  /** Its holder gave it back, in order. */
  readonly released: boolean;
}

export class Catalog {
  readonly #env: CatalogEnvironment;
  readonly #tree: Database<Buffer, Buffer>;
  readonly #buckets: Database<BucketRow, string>;
  /** By directory number, one for every directory: the generation in which its listing was last proved, 0 for never. */
  readonly #proofs: Database<number, number>;
  readonly findings: Findings;
  readonly intents: Intents;
  readonly multipart: MultipartRows;
  #state: State;
  #rowCodec: RowCodec;
  #directories: number;
  /** Directory rows on their way to disk, so that two requests do not number one directory twice. */
  readonly #adding = new Map<string, AddedDirectory>();
  /** Numbers of directories that were removed. */
  readonly #removed = new Set<number>();
  readonly #presence = new Presence();
  readonly #walk = new TreeWalk({
    row: (id, name) => this.#row(id, name),
    rows: (id, start) => this.#rows(id, start),
    isProved: (id) => this.isProved({ id }),
  });
  /** Changes since it was opened. */
  changes = 0;

  /** Throws `CatalogError` where `path` cannot be used: unwritable or of a newer schema; `CatalogDamagedError` where it holds something else. */
  constructor(path: string) {
    const environment = new CatalogEnvironment(path);
    this.#env = environment;
    this.#tree = environment.database('tree', { keyEncoding: 'binary', encoding: 'binary' });
    this.#buckets = environment.database('buckets');
    this.#proofs = environment.database('proofs', { keyEncoding: 'uint32' });
    this.findings = new Findings(environment);
    this.intents = new Intents(environment);
    this.multipart = new MultipartRows(environment);
    this.#state = (environment.root.get('state') as State | undefined) ?? BLANK;
    checkSchema(this.#state, `the catalog in ${path}`);
    this.#rowCodec = new RowCodec(this.#state.keyIds);
    this.#directories = environment.count('proofs');
  }

  /** A further table of the same database, for what has to change together with the catalog. */
  table<V, K extends Key>(name: string, options: DatabaseOptions): Database<V, K> {
    return this.#env.database(name, options);
  }

  /**
   * Runs changes as one. `change` must not wait for anything: it sees all that was changed before, and nothing is changed in between. It must
   * not throw, since what it changed until then would stay.
   */
  async atomically<T>(change: () => T): Promise<T> {
    return this.#env.root.transaction(change);
  }

  /** It has never served. */
  get isBlank(): boolean {
    return this.#state.epoch === 0 && !this.#state.restored;
  }

  /** It was closed in order. */
  get wasClosed(): boolean {
    return this.#state.clean;
  }

  /** Reads every row. Throws `CatalogDamagedError` for the first that is not as it was written. */
  verify(): void {
    try {
      let directories = this.buckets().length;
      for (const { key, value } of this.#tree.getRange({ snapshot: false }))
        if (this.#rowCodec.isDirectory(key, value)) directories += 1;
      if (directories !== this.#directories)
        throw new CatalogDamagedError(
          `the catalog has ${directories} directories, and proofs for ${this.#directories}`,
        );
      this.#env.readThrough('tree');
    } catch (cause) {
      if (cause instanceof CatalogDamagedError) throw cause;
      throw new CatalogDamagedError(`the catalog cannot be read: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Begins to serve in a new epoch of the FTP root. What was proved stays proved only if this catalog was closed in order in the epoch that
   * ended in order just before: then nobody else wrote in between. Otherwise every directory has to be proved again. What it says of files whose
   * size is right is trusted then only if it is the very state that the last epoch left: not restored, and no older than the lease.
   * What it says of another root than `root` is dropped.
   *
   * @param readable names of the keys at hand: with one more, a file that could not be read may be an object. Rows name them by number
   */
  async begin(
    epoch: number,
    former?: FormerLease,
    root = '',
    readable: readonly string[] = [],
  ): Promise<void> {
    const isEmpty = this.#env.count('buckets') === 0 && this.#env.count('tree') === 0;
    if (this.#state.root !== root && !isEmpty) await this.clear();
    const { epoch: ownEpoch, renewals, clean, restored, generation, trustedFrom } = this.#state;
    const readsMore = readable.some((name) => !this.#state.readable.includes(name));
    const isOwn = former?.epoch === ownEpoch;
    const isContinued = isOwn && clean && former.released;
    const isLatest = isContinued || (isOwn && !restored && renewals >= former.renewals);
    const keepsProofs = isContinued && !readsMore;
    const next = keepsProofs ? generation : generation + 1;
    await this.#env.write(
      this.#putState({
        epoch,
        root,
        renewals: 0,
        clean: false,
        restored: false,
        readable,
        keyIds: RowCodec.withKeys(this.#state.keyIds, readable),
        generation: next,
        trustedFrom: isLatest ? trustedFrom : next,
        ...(!keepsProofs && { proved: 0 }),
      }),
    );
  }

  /**
   * All that a new gateway needs to start from, as bytes; one state, whatever changes meanwhile.
   * @param clean nothing is on its way, and nothing more will be written before the lease is given back
   */
  dump(clean: boolean): AsyncIterable<Buffer> {
    return writeDump(this.#env, { ...this.#state, clean });
  }

  /**
   * Takes the rows of a dump in place of its own, if the dump is of the root `root` and of a later epoch. Until `begin` it counts as restored: what it says
   * is a hint, unless it was clean and its epoch the last one. False if it is of no use; throws `CatalogDamagedError` for one that is not whole.
   */
  async restore(source: AsyncIterable<Buffer>, root: string): Promise<boolean> {
    const isOwn = this.#state.root === root;
    const ownEpoch = isOwn ? this.#state.epoch : 0;
    let isEmptied = false;
    try {
      const state = await readDump(this.#env, source, async (head: State) => {
        if (head.schema !== SCHEMA_VERSION) throw new CatalogDamagedError(describeSchema(head, 'it'));
        if (head.root !== root || head.epoch <= ownEpoch) return false;
        isEmptied = true;
        await this.clear();
        return true;
      });
      if (!state) return false;
      this.#directories = this.#env.count('proofs');
      await this.#env.write(this.#putState({ ...state, restored: true }));
      return true;
    } catch (error) {
      if (isEmptied) await this.clear();
      throw error;
    }
  }

  /** Drops everything. */
  async clear(): Promise<void> {
    this.#state = { ...BLANK, nextId: this.#state.nextId };
    this.#rowCodec = new RowCodec([]);
    this.#directories = 0;
    await this.#env.clear();
  }

  /** Of the FTP root, as given to `begin`. What was learnt in an earlier one may be out of date. */
  get epoch(): number {
    return this.#state.epoch;
  }

  /** Notes that the lease was renewed so often: a copy of this catalog from before is then known for one. */
  async noteRenewal(renewals: number): Promise<void> {
    await this.#env.write(this.#putState({ renewals }));
  }

  /** Rises when all proofs become void. */
  get generation(): number {
    return this.#state.generation;
  }

  /** Rises where changes may be missing: it is a copy from before, or another gateway wrote meanwhile. */
  get trustedFrom(): number {
    return this.#state.trustedFrom;
  }

  /** Voids every proof, and the trust in every record: everything is looked at again. */
  async doubtEverything(): Promise<void> {
    const generation = this.#state.generation + 1;
    await this.#env.write(this.#putState({ generation, trustedFrom: generation, proved: 0 }));
  }

  /** @param clean nothing is on its way, and the lease is about to be given back */
  async close(clean: boolean): Promise<void> {
    if (clean) await this.#env.write(this.#putState({ clean: true }));
    await this.#env.close();
  }

  /** Counts, without looking at rows. */
  get counts(): { files: number; directories: number; proved: number; findings: number } {
    const subdirectories = this.#directories - this.#env.count('buckets');
    return {
      files: this.#env.count('tree') - subdirectories,
      directories: this.#directories,
      proved: this.#state.proved,
      findings: this.findings.count,
    };
  }

  /** Every directory is proved, so that a walk need not ask. */
  get isProvedWhole(): boolean {
    return this.#state.proved === this.#directories;
  }

  // Buckets

  buckets(): { name: string; row: BucketRow }[] {
    return [...this.#buckets.getRange({})].map(({ key, value }) => ({ name: key, row: value }));
  }

  bucket(name: string): BucketRow | undefined {
    return this.#buckets.get(name);
  }

  root(bucket: string): Directory | undefined {
    const row = this.bucket(bucket);
    return row && { id: row.id, bucket, segments: [] };
  }

  async addBucket(name: string, createdAt: number, proved: boolean): Promise<void> {
    if (this.bucket(name)) return;
    const id = this.#nextId();
    await this.#env.write(this.#buckets.put(name, { id, createdAt }), ...this.#addProof(id, proved));
  }

  async removeBucket(name: string): Promise<void> {
    const root = this.root(name);
    if (root) await this.#removeAll(root.id, this.#buckets.remove(name));
  }

  // Directories

  subdirectory(parent: Directory, name: string): Directory | undefined {
    const row = this.#row(parent.id, `${name}/`);
    if (!row || !isDirectoryRow(row)) return undefined;
    return { id: row.id, bucket: parent.bucket, segments: [...parent.segments, name] };
  }

  /** The directory for these segments, or undefined where the catalog has none. */
  directory(bucket: string, segments: readonly string[]): Directory | undefined {
    let directory = this.root(bucket);
    for (const segment of segments) directory = directory && this.subdirectory(directory, segment);
    return directory;
  }

  /** Adds a directory, or returns the one that is there. */
  async addDirectory(parent: Directory, name: string, proved: boolean): Promise<Directory> {
    const [directory = parent] = await this.addDirectories(parent, [{ name, proved }]);
    return directory;
  }

  /** Adds directories, each in the one before, as far as they are not there: in one commit. Returns all of them. */
  async addDirectories(parent: Directory, levels: readonly NewDirectory[]): Promise<Directory[]> {
    const directories: Directory[] = [];
    const writes: Promise<void>[] = [];
    for (const level of levels) {
      const above = directories.at(-1) ?? parent;
      const known = this.subdirectory(above, level.name);
      const { directory, written } = known ? { directory: known } : this.#addDirectory(above, level);
      directories.push(directory);
      if (written) writes.push(written);
    }
    await Promise.all(writes);
    return directories;
  }

  #addDirectory(parent: Directory, { name, proved }: NewDirectory): AddedDirectory {
    const key = `${parent.id}/${name}`;
    const adding = this.#adding.get(key);
    if (adding) return adding;
    const id = this.#nextId();
    const row = this.#put(rowKey(parent.id, `${name}/`), { id });
    const added: AddedDirectory = {
      directory: { id, bucket: parent.bucket, segments: [...parent.segments, name] },
      written: this.#env.write(row, ...this.#addProof(id, proved)).finally(() => this.#adding.delete(key)),
    };
    this.#adding.set(key, added);
    return added;
  }

  /** Removes a directory and all below it. False, and nothing is done, while a writer is there. */
  async removeDirectory(parent: Directory, name: string): Promise<boolean> {
    const directory = this.subdirectory(parent, name);
    if (!directory) return true;
    if (this.#presence.isHeld(directory.id)) return false;
    await this.#removeAll(directory.id, this.#tree.remove(rowKey(parent.id, `${name}/`)));
    return true;
  }

  isProved({ id }: Pick<Directory, 'id'>): boolean {
    return this.#proofs.get(id) === this.#state.generation;
  }

  /** Whether the records of a directory, as far as their files are there with the same size, are of those very files. */
  isTrusted(directory: Directory): boolean {
    return (this.#proofs.get(directory.id) ?? 0) >= this.#state.trustedFrom;
  }

  /**
   * @param generation the one in which the listing was asked for
   * @param findings what the listing names and is no object, by name
   * @returns those that are new
   */
  async markProved(
    directory: Directory,
    generation: number,
    findings: ReadonlyMap<string, Finding> = new Map(),
  ): Promise<Finding[]> {
    const { id } = directory;
    if (this.#removed.has(id)) return [];
    const isNew = generation === this.generation && !this.isProved(directory);
    const { fresh, writes } = this.findings.replace(id, findings);
    await this.#env.write(this.#proofs.put(id, generation), ...writes);
    // It may have become void, or proved by another, meanwhile.
    if (isNew && generation === this.generation && !this.#removed.has(id)) this.#countProved(1);
    return fresh;
  }

  /**
   * For a writer, from before it changes anything in a directory until its row is on disk: nobody removes the directory meanwhile. Returns what ends it;
   * undefined if the directory is gone already.
   */
  hold(directory: Directory): (() => void) | undefined {
    const path = this.#numbersOf(directory);
    return path && this.#presence.hold(directory.id, path);
  }

  /** Calls back whenever a writer begins or ends in this very directory, until the returned function is called. */
  watch({ id }: Directory, onWriter: () => void): () => void {
    return this.#presence.watch(id, onWriter);
  }

  /** The numbers of a directory and of those above it; undefined if one is gone. */
  #numbersOf({ id, bucket, segments }: Directory): number[] | undefined {
    let directory = this.root(bucket);
    const ids: number[] = [];
    for (const segment of [...segments, undefined]) {
      if (!directory || this.#removed.has(directory.id)) return undefined;
      ids.push(directory.id);
      directory = segment === undefined ? directory : this.subdirectory(directory, segment);
    }
    return directory?.id === id ? ids : undefined;
  }

  /** The rows of a directory in key order, from `start` on. */
  *children(directory: Directory, start = ''): Generator<Child> {
    for (const { name, row } of this.#rows(directory.id, start)) {
      if (isDirectoryRow(row)) {
        const segment = name.slice(0, -1);
        yield {
          kind: 'directory',
          name: segment,
          directory: { id: row.id, bucket: directory.bucket, segments: [...directory.segments, segment] },
        };
      } else {
        yield { kind: 'file', name, record: row };
      }
    }
  }

  // Objects

  file(directory: Directory, name: string): FileRecord | undefined {
    const row = this.#row(directory.id, name);
    return row && !isDirectoryRow(row) ? row : undefined;
  }

  async putFile(directory: Directory, name: string, record: FileRecord): Promise<void> {
    await this.#env.write(
      this.#put(rowKey(directory.id, name), record),
      ...(record.kind === 'object' ? this.findings.forget(directory.id, name) : []),
    );
  }

  async removeFile(directory: Directory, name: string): Promise<void> {
    this.changes += 1;
    await this.#env.write(this.#tree.remove(rowKey(directory.id, name)));
  }

  /** All objects of a bucket in the UTF-8 byte order of their keys, from `key` on, proved or not. */
  *objectsFrom(
    bucket: string,
    key: string,
    inclusive: boolean,
  ): Generator<[key: string, record: ObjectRecord]> {
    const root = this.root(bucket);
    if (!root) return;
    for (const step of this.#walk.from(root, key, inclusive, false))
      if ('record' in step) yield [step.key, step.record];
  }

  /** As `objectsFrom`, but a directory that is not proved is a step of its own, at the key of its prefix, and what is in it is left out. */
  *listing(bucket: string, key: string, inclusive: boolean): Generator<ListingStep> {
    const root = this.root(bucket);
    if (root) yield* this.#walk.from(root, key, inclusive, !this.isProvedWhole);
  }

  /** The first object below a directory, if any. */
  firstObject(directory: Directory): string | undefined {
    for (const { key } of this.#walk.below(directory)) return key;
    return undefined;
  }

  #row(id: number, name: string): TreeRow | undefined {
    const key = rowKey(id, name);
    const bytes = this.#tree.get(key);
    return bytes && this.#rowCodec.decode(key, bytes);
  }

  *#rows(id: number, start: string): Generator<{ name: string; row: TreeRow }> {
    const range = { start: rowKey(id, start), end: rowKey(id + 1, ''), snapshot: false };
    for (const { key, value } of this.#tree.getRange(range))
      yield { name: key.toString('utf8', 4), row: this.#rowCodec.decode(key, value) };
  }

  #put(key: Buffer, row: TreeRow): Promise<boolean> {
    this.changes += 1;
    return this.#tree.put(key, this.#rowCodec.encode(key, row));
  }

  /** Counts it before it is on disk: in between, not everything counts as proved if it is not, and no proof of another generation is counted. */
  #addProof(id: number, proved: boolean): Promise<unknown>[] {
    this.#directories += 1;
    if (proved) this.#countProved(1);
    return [this.#proofs.put(id, proved ? this.generation : 0), this.#putState({})];
  }

  async #removeAll(id: number, ...removals: Promise<unknown>[]): Promise<void> {
    const removed: number[] = [];
    this.#collectRemovals(id, removed, removals);
    // The count of the proved falls first, and that of all when they are gone: in between not everything counts as proved.
    this.#countProved(-removed.filter((each) => this.isProved({ id: each })).length);
    for (const each of removed) this.#removed.add(each);
    await this.#env.write(...removals);
    this.#directories -= removed.length;
  }

  #collectRemovals(id: number, removed: number[], removals: Promise<unknown>[]): void {
    removed.push(id);
    removals.push(this.#proofs.remove(id));
    removals.push(...this.findings.replace(id, new Map()).writes);
    for (const { name, row } of this.#rows(id, '')) {
      if (isDirectoryRow(row)) this.#collectRemovals(row.id, removed, removals);
      removals.push(this.#tree.remove(rowKey(id, name)));
    }
  }

  #nextId(): number {
    const { nextId } = this.#state;
    this.#state = { ...this.#state, nextId: nextId + 1 };
    return nextId;
  }

  #countProved(more: number): void {
    this.#state = { ...this.#state, proved: this.#state.proved + more };
  }

  /** Anything that is written makes the state on disk one that was not closed in order. */
  #putState(change: Partial<State>): Promise<boolean> {
    this.#state = { ...this.#state, clean: false, ...change };
    if (change.keyIds) this.#rowCodec = new RowCodec(change.keyIds);
    return this.#env.root.put('state', this.#state);
  }
}

function rowKey(id: number, name: string): Buffer {
  const key = Buffer.allocUnsafe(4 + Buffer.byteLength(name));
  key.writeUInt32BE(id);
  key.write(name, 4, 'utf8');
  return key;
}
