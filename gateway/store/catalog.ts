/**
 * The ordered, durable index of what the FTP server holds: an LMDB database on local disk, laid out as the tree itself.
 *
 * A row is keyed by its directory's number and its name, a subdirectory's name ending in `/`: so the rows of a directory stand together,
 * in the order in which S3 lists, and a directory is listed, or proved, in one scan. Reads are synchronous and see every change that has resolved;
 * a change resolves when it is on disk. Changes that arrive together are committed together.
 */

import { mkdirSync } from 'node:fs';
import { open, type Database, type DatabaseOptions, type Key, type RootDatabase } from 'lmdb';
import type { FileRecord, ObjectRecord } from './object-record';
import type { UploadRow, PartRow } from './multipart-rows';

const SCHEMA_VERSION = 1;

/** A directory of the tree: a bucket or a key prefix that ends in `/`. */
export interface Directory {
  readonly id: number;
  readonly bucket: string;
  /** The key segments that lead to it; none for the bucket itself. */
  readonly segments: readonly string[];
}

export type Child =
  | { readonly kind: 'file'; readonly name: string; readonly record: FileRecord }
  | { readonly kind: 'directory'; readonly name: string; readonly directory: Directory };

export interface BucketRow {
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A directory's own row, in its parent. */
interface DirectoryRow {
  readonly id: number;
}

/** A change under way that a crash may leave half done: the file at that path is looked at again before it is believed. */
export interface Intent {
  readonly bucket: string;
  readonly key: string;
}

interface State {
  readonly schema: number;
  /** Of the FTP root, when this catalog last served. */
  readonly epoch: number;
  /** Directories proved in this epoch or after are proved. */
  readonly proofEpoch: number;
  /** Records of directories proved before this epoch may be of versions that another gateway replaced, even by ones of the same size. */
  readonly trustEpoch: number;
  /** Closed in order. */
  readonly clean: boolean;
  readonly nextId: number;
}

export class CatalogError extends Error {
  override readonly name = 'CatalogError';
}

export class Catalog {
  readonly #env: RootDatabase<unknown, string>;
  readonly #tree: Database<DirectoryRow | FileRecord, Buffer>;
  readonly #buckets: Database<BucketRow, string>;
  /** By directory number: the epoch in which its listing was last proved. */
  readonly #proofs: Database<number, number>;
  readonly #intents: Database<Intent, number>;
  readonly #uploads: Database<UploadRow, string>;
  readonly #parts: Database<PartRow, [string, number]>;
  #nextId: number;
  #nextIntent = 1;
  #epoch: number;
  #proofEpoch: number;
  #trustEpoch: number;
  #clean: boolean;
  /** Directory rows on their way to disk, so that two requests do not number one directory twice. */
  readonly #adding = new Map<string, Promise<Directory>>();

  /** Throws `CatalogError` where `directory` cannot be used: unwritable, of a newer schema, or not a database. */
  constructor(directory: string) {
    try {
      mkdirSync(directory, { recursive: true });
      this.#env = open({ path: directory, maxDbs: 16, overlappingSync: false, noSubdir: false });
      const binaryKeys = {
        keyEncoding: 'binary',
        encoding: 'msgpack',
        sharedStructuresKey: Buffer.alloc(4),
      } as const;
      this.#tree = this.#env.openDB('tree', binaryKeys);
      this.#buckets = this.#env.openDB('buckets', {});
      this.#proofs = this.#env.openDB('proofs', { keyEncoding: 'uint32' });
      this.#intents = this.#env.openDB('intents', { keyEncoding: 'uint32' });
      this.#uploads = this.#env.openDB('uploads', {});
      this.#parts = this.#env.openDB('parts', {});
    } catch (cause) {
      throw new CatalogError(`cannot open the catalog in ${directory}: ${messageOf(cause)}`, { cause });
    }
    const state = this.#env.get('state') as State | undefined;
    if (state && state.schema !== SCHEMA_VERSION) {
      throw new CatalogError(
        `the catalog in ${directory} has schema ${state.schema}, this version knows ${SCHEMA_VERSION}: remove it, and it is rebuilt from the FTP server`,
      );
    }
    this.#nextId = state?.nextId ?? 1;
    this.#epoch = state?.epoch ?? 0;
    this.#proofEpoch = state?.proofEpoch ?? 0;
    this.#trustEpoch = state?.trustEpoch ?? 0;
    this.#clean = state?.clean ?? false;
    this.#nextIntent = Math.max(0, ...this.intents().map(({ id }) => id)) + 1;
  }

  /**
   * Begins to serve in a new epoch of the FTP root. What was proved stays proved only if this catalog was closed in order in the epoch that
   * ended in order just before: then nobody else wrote in between. Otherwise every directory has to be proved again.
   */
  async begin(epoch: number, releasedEpoch?: number): Promise<void> {
    const isContinued = this.#clean && this.#epoch === releasedEpoch;
    if (!isContinued) this.#proofEpoch = epoch;
    if (epoch !== this.#epoch + 1) this.#trustEpoch = epoch;
    this.#epoch = epoch;
    await this.#writeState(false);
  }

  /** Of the FTP root, as given to `begin`. What was learnt in an earlier one may be out of date. */
  get epoch(): number {
    return this.#epoch;
  }

  /** @param clean nothing is on its way, and the lease is about to be given back */
  async close(clean: boolean): Promise<void> {
    if (clean) await this.#writeState(true);
    await this.#env.close();
  }

  /** A further table of the same database, for what has to change together with the catalog. */
  table<V, K extends Key>(name: string, options: DatabaseOptions): Database<V, K> {
    return this.#env.openDB<V, K>(name, options);
  }

  /**
   * Runs changes as one. `change` must not wait for anything: it sees all that was changed before, and nothing is changed in between. It must
   * not throw, since what it changed until then would stay.
   */
  async atomically<T>(change: () => T): Promise<T> {
    return this.#env.transaction(change);
  }

  /** Files and directories in all buckets, without looking at them. */
  get entries(): number {
    return (this.#tree.getStats() as { entryCount: number }).entryCount;
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
    const id = this.#nextId++;
    await together(
      this.#buckets.put(name, { id, createdAt }),
      proved && this.#proofs.put(id, this.#epoch),
      this.#writeState(false),
    );
  }

  async removeBucket(name: string): Promise<void> {
    const root = this.root(name);
    if (!root) return;
    await together(...this.#removeRows(root.id), this.#buckets.remove(name));
  }

  // Directories

  subdirectory(parent: Directory, name: string): Directory | undefined {
    const row = this.#tree.get(rowKey(parent.id, `${name}/`)) as DirectoryRow | undefined;
    return row && { id: row.id, bucket: parent.bucket, segments: [...parent.segments, name] };
  }

  /** The directory for these segments, or undefined where the catalog has none. */
  directory(bucket: string, segments: readonly string[]): Directory | undefined {
    let directory = this.root(bucket);
    for (const segment of segments) directory = directory && this.subdirectory(directory, segment);
    return directory;
  }

  /** Adds a directory, or returns the one that is there. `proved`: it is new on the FTP server too, so surely empty. */
  async addDirectory(parent: Directory, name: string, proved: boolean): Promise<Directory> {
    const known = this.subdirectory(parent, name);
    if (known) return known;
    const key = `${parent.id}/${name}`;
    const adding = this.#adding.get(key) ?? this.#addDirectory(parent, name, proved);
    this.#adding.set(key, adding);
    try {
      return await adding;
    } finally {
      this.#adding.delete(key);
    }
  }

  async #addDirectory(parent: Directory, name: string, proved: boolean): Promise<Directory> {
    const id = this.#nextId++;
    await together(
      this.#tree.put(rowKey(parent.id, `${name}/`), { id }),
      proved && this.#proofs.put(id, this.#epoch),
      this.#writeState(false),
    );
    return { id, bucket: parent.bucket, segments: [...parent.segments, name] };
  }

  /** Removes a directory and all below it. */
  async removeDirectory(parent: Directory, name: string): Promise<void> {
    const directory = this.subdirectory(parent, name);
    if (!directory) return;
    await together(...this.#removeRows(directory.id), this.#tree.remove(rowKey(parent.id, `${name}/`)));
  }

  isProved(directory: Directory): boolean {
    return (this.#proofs.get(directory.id) ?? -1) >= this.#proofEpoch;
  }

  /** Whether the records of a directory, as far as their files are there with the same size, are of those very files. */
  isTrusted(directory: Directory): boolean {
    return (this.#proofs.get(directory.id) ?? -1) >= this.#trustEpoch;
  }

  /** @param epoch the one in which the listing was asked for */
  async markProved(directory: Directory, epoch: number): Promise<void> {
    await this.#proofs.put(directory.id, epoch);
  }

  /** The rows of a directory in key order, from `start` on. */
  *children(directory: Directory, start = ''): Generator<Child> {
    for (const { key, value } of this.#rows(directory.id, start)) {
      const name = key.toString('utf8', 4);
      if (isDirectoryRow(value)) {
        const segment = name.slice(0, -1);
        yield {
          kind: 'directory',
          name: segment,
          directory: { id: value.id, bucket: directory.bucket, segments: [...directory.segments, segment] },
        };
      } else {
        yield { kind: 'file', name, record: withBuffer(value) };
      }
    }
  }

  // Objects

  file(directory: Directory, name: string): FileRecord | undefined {
    const record = this.#tree.get(rowKey(directory.id, name)) as FileRecord | undefined;
    return record && withBuffer(record);
  }

  async putFile(directory: Directory, name: string, record: FileRecord): Promise<void> {
    await this.#tree.put(rowKey(directory.id, name), record);
  }

  async removeFile(directory: Directory, name: string): Promise<void> {
    await this.#tree.remove(rowKey(directory.id, name));
  }

  /** All objects of a bucket in the UTF-8 byte order of their keys, from `key` on. */
  *objectsFrom(
    bucket: string,
    key: string,
    inclusive: boolean,
  ): Generator<[key: string, record: ObjectRecord]> {
    const root = this.root(bucket);
    if (root) yield* this.#walk(root.id, '', key.split('/'), inclusive);
  }

  /** The first object below a directory, if any. */
  firstObject(directory: Directory): string | undefined {
    const prefix = directory.segments.map((segment) => `${segment}/`).join('');
    for (const [key] of this.#walk(directory.id, prefix, [''], true)) return key;
    return undefined;
  }

  *#walk(
    id: number,
    prefix: string,
    [segment = '', ...rest]: readonly string[],
    inclusive: boolean,
  ): Generator<[string, ObjectRecord]> {
    const start = rest.length > 0 ? `${segment}/` : segment;
    for (const { key, value } of this.#rows(id, start)) {
      const name = key.toString('utf8', 4);
      if (isDirectoryRow(value)) {
        const below = rest.length > 0 && name === start ? rest : [''];
        yield* this.#walk(value.id, prefix + name, below, below !== rest || inclusive);
      } else if (value.kind === 'object' && (inclusive || name !== segment || rest.length > 0)) {
        yield [prefix + name, withBuffer(value)];
      }
    }
  }

  // Intents

  intents(): { id: number; intent: Intent }[] {
    return [...this.#intents.getRange({})].map(({ key, value }) => ({ id: key, intent: value }));
  }

  /** Resolves to the number to give to `removeIntent`, once it is on disk. */
  async addIntent(intent: Intent): Promise<number> {
    const id = this.#nextIntent++;
    await this.#intents.put(id, intent);
    return id;
  }

  async removeIntent(id: number): Promise<void> {
    await this.#intents.remove(id);
  }

  // Multipart uploads

  uploads(): UploadRow[] {
    return [...this.#uploads.getRange({})].map(({ value }) => value);
  }

  upload(uploadId: string): UploadRow | undefined {
    return this.#uploads.get(uploadId);
  }

  async putUpload(row: UploadRow): Promise<void> {
    await this.#uploads.put(row.uploadId, row);
  }

  async removeUpload(uploadId: string): Promise<void> {
    const parts = this.parts(uploadId).map(({ partNumber }) => this.#parts.remove([uploadId, partNumber]));
    await together(...parts, this.#uploads.remove(uploadId));
  }

  /** In part order. */
  parts(uploadId: string): PartRow[] {
    return [...this.#parts.getRange({ start: [uploadId, 0], end: [uploadId, Infinity] })].map(
      ({ value }) => value,
    );
  }

  part(uploadId: string, partNumber: number): PartRow | undefined {
    return this.#parts.get([uploadId, partNumber]);
  }

  async putPart(uploadId: string, row: PartRow): Promise<void> {
    await this.#parts.put([uploadId, row.partNumber], row);
  }

  #rows(id: number, start: string): Iterable<{ key: Buffer; value: DirectoryRow | FileRecord }> {
    return this.#tree.getRange({ start: rowKey(id, start), end: rowKey(id + 1, ''), snapshot: false });
  }

  #removeRows(id: number): Promise<unknown>[] {
    const removals: Promise<unknown>[] = [this.#proofs.remove(id)];
    for (const { key, value } of this.#rows(id, '')) {
      if (isDirectoryRow(value)) removals.push(...this.#removeRows(value.id));
      removals.push(this.#tree.remove(key));
    }
    return removals;
  }

  async #writeState(clean: boolean): Promise<void> {
    this.#clean = clean;
    const state: State = {
      schema: SCHEMA_VERSION,
      epoch: this.#epoch,
      proofEpoch: this.#proofEpoch,
      trustEpoch: this.#trustEpoch,
      clean,
      nextId: this.#nextId,
    };
    await this.#env.put('state', state);
  }
}

/** Waits for writes of one event turn, which LMDB commits in one transaction. */
async function together(...writes: (Promise<unknown> | false)[]): Promise<void> {
  await Promise.all(writes.filter((write) => write !== false));
}

function rowKey(id: number, name: string): Buffer {
  const key = Buffer.allocUnsafe(4 + Buffer.byteLength(name));
  key.writeUInt32BE(id);
  key.write(name, 4, 'utf8');
  return key;
}

function isDirectoryRow(row: DirectoryRow | FileRecord): row is DirectoryRow {
  return 'id' in row;
}

/** The encoding gives bytes back as a Uint8Array. */
function withBuffer<T extends FileRecord>(record: T): T {
  if (record.kind === 'unreadable' || !record.header || Buffer.isBuffer(record.header)) return record;
  return { ...record, header: Buffer.from(record.header) };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
