/**
 * What is where: buckets, directories, and the files in them.
 *
 * A row is keyed by its directory's number and its name, a subdirectory's name ending in `/`: so the rows of a directory stand together,
 * in the order in which S3 lists, and a directory is listed, or proved, in one scan. Reads are synchronous and see every change that has resolved;
 * a change resolves when it is on disk. Changes that arrive together are committed together.
 */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';
import { CatalogState } from './catalog-state';
import type { Directory, NewDirectory } from './directory';
import { Findings, type Finding } from './findings';
import type { FileRecord, ObjectRecord } from './object-record';
import { Presence } from './presence';
import { Proofs } from './proofs';
import { isDirectoryRow } from './row-codec';
import { TreeRows } from './tree-rows';
import { TreeWalk, type ListingStep } from './tree-walk';

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

export class CatalogTree {
  readonly findings: Findings;
  protected readonly state: CatalogState;
  protected readonly rows: TreeRows;
  protected readonly proofs: Proofs;
  readonly #buckets: Database<BucketRow, string>;
  /** Directory rows on their way to disk, so that two requests do not number one directory twice. */
  readonly #adding = new Map<string, AddedDirectory>();
  readonly #presence = new Presence();
  readonly #walk: TreeWalk;

  constructor(protected readonly environment: CatalogEnvironment) {
    this.findings = new Findings(environment);
    this.state = new CatalogState(environment);
    this.rows = new TreeRows(environment, this.state.current.keyIds);
    this.proofs = new Proofs(environment, this.state);
    this.#buckets = environment.database('buckets');
    this.#walk = new TreeWalk(this.rows, this.proofs);
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
    const id = this.state.nextId();
    await this.environment.write(this.#buckets.put(name, { id, createdAt }), ...this.proofs.add(id, proved));
  }

  async removeBucket(name: string): Promise<void> {
    const root = this.root(name);
    if (root) await this.#removeAll(root.id, this.#buckets.remove(name));
  }

  // Directories

  subdirectory(parent: Directory, name: string): Directory | undefined {
    const row = this.rows.row(parent.id, `${name}/`);
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
    const id = this.state.nextId();
    const row = this.rows.put(parent.id, `${name}/`, { id });
    const added: AddedDirectory = {
      directory: { id, bucket: parent.bucket, segments: [...parent.segments, name] },
      written: this.environment
        .write(row, ...this.proofs.add(id, proved))
        .finally(() => this.#adding.delete(key)),
    };
    this.#adding.set(key, added);
    return added;
  }

  /** Removes a directory and all below it. False, and nothing is done, while a writer is there. */
  async removeDirectory(parent: Directory, name: string): Promise<boolean> {
    const directory = this.subdirectory(parent, name);
    if (!directory) return true;
    if (this.#presence.isHeld(directory.id)) return false;
    await this.#removeAll(directory.id, this.rows.remove(parent.id, `${name}/`));
    return true;
  }

  /** Every directory is proved, so that a walk need not ask. */
  get isProvedWhole(): boolean {
    return this.proofs.isWhole;
  }

  isProved({ id }: Pick<Directory, 'id'>): boolean {
    return this.proofs.isProved(id);
  }

  /** Whether the records of a directory, as far as their files are there with the same size, are of those very files. */
  isTrusted({ id }: Directory): boolean {
    return this.proofs.isTrusted(id);
  }

  /**
   * @param generation the one in which the listing was asked for
   * @param findings what the listing names and is no object, by name
   * @returns those that are new
   */
  async markProved(
    { id }: Directory,
    generation: number,
    findings: ReadonlyMap<string, Finding> = new Map(),
  ): Promise<Finding[]> {
    if (this.proofs.isRemoved(id)) return [];
    const { fresh, writes } = this.findings.replace(id, findings);
    await this.proofs.prove(id, generation, writes);
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
      if (!directory || this.proofs.isRemoved(directory.id)) return undefined;
      ids.push(directory.id);
      directory = segment === undefined ? directory : this.subdirectory(directory, segment);
    }
    return directory?.id === id ? ids : undefined;
  }

  /** The rows of a directory in key order, from `start` on. */
  *children(directory: Directory, start = ''): Generator<Child> {
    for (const { name, row } of this.rows.rows(directory.id, start)) {
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
    const row = this.rows.row(directory.id, name);
    return row && !isDirectoryRow(row) ? row : undefined;
  }

  async putFile(directory: Directory, name: string, record: FileRecord): Promise<void> {
    await this.environment.write(
      this.rows.put(directory.id, name, record),
      ...(record.kind === 'object' ? this.findings.forget(directory.id, name) : []),
    );
  }

  async removeFile(directory: Directory, name: string): Promise<void> {
    await this.environment.write(this.rows.remove(directory.id, name));
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

  async #removeAll(id: number, ...removals: Promise<unknown>[]): Promise<void> {
    const removed: number[] = [];
    this.#collectRemovals(id, removed, removals);
    await this.proofs.remove(removed, removals);
  }

  #collectRemovals(id: number, removed: number[], removals: Promise<unknown>[]): void {
    removed.push(id);
    removals.push(...this.findings.replace(id, new Map()).writes);
    for (const { name, row } of this.rows.rows(id, '')) {
      if (isDirectoryRow(row)) this.#collectRemovals(row.id, removed, removals);
      removals.push(this.rows.remove(id, name));
    }
  }
}
