/** The LMDB environment of the catalog: one file, several databases, and what is written to them in one event turn is committed together. */

import { mkdirSync, statfsSync } from 'node:fs';
import {
  open,
  type Database,
  type DatabaseOptions,
  type Key,
  type RootDatabase,
  type Transaction,
} from 'lmdb';
import { CatalogDamagedError, CatalogError, messageOf } from './catalog-error';

/** A commit that failed with less space than this failed for want of it. */
const FULL_BELOW = 2 ** 20;
/** More than the catalog has: others keep databases of their own in it. */
const MAX_DATABASES = 24;
/** LMDB's own errors, below which there are none of the system, and those of them that say that something has no room. */
const LMDB_ERRORS_UP_TO = -30_779;
const NO_ROOM: readonly number[] = [-30_792, -30_791, -30_790];

/** An option that the package has (`PutOptions` in its types) and its type of `put` leaves out. */
interface AppendableDatabase {
  put(key: unknown, value: unknown, options: { append: true }): Promise<boolean>;
}

interface CommitFailure extends Error {
  /** Rejected with the reason. */
  readonly commitError: Promise<unknown>;
}

export class CatalogEnvironment {
  readonly root: RootDatabase<unknown, string>;
  readonly #databases = new Map<string, Database>();

  /** Throws `CatalogError` where `path` cannot be used, `CatalogDamagedError` where it holds something else. */
  constructor(readonly path: string) {
    this.root = this.#opening(() => {
      mkdirSync(path, { recursive: true });
      // A write resolves when it is on disk, not when it is merely visible.
      return open({ path, maxDbs: MAX_DATABASES, overlappingSync: false, noSubdir: false });
    });
  }

  database<Value, K extends Key>(name: string, options: DatabaseOptions = {}): Database<Value, K> {
    return this.#opening(() => {
      const database = this.root.openDB<Value, K>({ name, ...options });
      this.#databases.set(name, database);
      return database;
    });
  }

  /** @param snapshot the state of all databases that is read */
  rows<K, Value>(name: string, snapshot: Transaction): Iterable<{ key: K; value: Value }> {
    const database = this.#database(name) as Database<Value, K & Key>;
    return database.getRange({ transaction: snapshot }) as Iterable<{ key: K; value: Value }>;
  }

  put(name: string, key: unknown, value: unknown): Promise<boolean> {
    return this.#database(name).put(key as Key, value);
  }

  /** For rows that come in the order of their keys, into an empty database: pages are filled then. */
  append(name: string, key: unknown, value: unknown): Promise<boolean> {
    return (this.#database(name) as unknown as AppendableDatabase).put(key, value, { append: true });
  }

  #database(name: string): Database {
    const database = this.#databases.get(name);
    if (!database) throw new CatalogDamagedError(`there is no database ${name}`);
    return database;
  }

  /** Rows of a database, without a look at them. */
  count(name: string): number {
    return (this.#database(name).getStats() as { entryCount: number }).entryCount;
  }

  /** Reads each row of each database but one; throws what LMDB throws. */
  readThrough(except: string): void {
    for (const [name, database] of this.#databases)
      if (name !== except) for (const { key } of database.getRange({ snapshot: false })) void key;
  }

  /** Waits for writes of one event turn, which LMDB commits in one transaction: they are on disk then, all or none. Throws `CatalogError`. */
  async write(...writes: Promise<unknown>[]): Promise<void> {
    try {
      await Promise.all(writes);
    } catch (error) {
      const cause = isCommitFailure(error) ? await causeOf(error) : error;
      const reason = this.#isDiskFull() ? 'its disk is full' : messageOf(cause);
      throw new CatalogError(`the catalog in ${this.path} cannot be written: ${reason}`, { cause });
    }
  }

  #isDiskFull(): boolean {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize < FULL_BELOW;
  }

  /** Empties every database. */
  async clear(): Promise<void> {
    await this.write(...[...this.#databases.values(), this.root].map((database) => database.clearAsync()));
  }

  async close(): Promise<void> {
    await this.root.close();
  }

  #opening<T>(task: () => T): T {
    try {
      return task();
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      // On opening, any other error of LMDB's own comes from what the file holds.
      const isDamaged = typeof code === 'number' && code <= LMDB_ERRORS_UP_TO && !NO_ROOM.includes(code);
      const Reason = isDamaged ? CatalogDamagedError : CatalogError;
      throw new Reason(`cannot open the catalog in ${this.path}: ${messageOf(cause)}`, { cause });
    }
  }
}

/**
 * Whether this is how `lmdb` says that a commit failed. It rejects the promise of each write with that, and others that nobody can hold:
 * so a process must not end for one that is not handled.
 */
export function isCommitFailure(error: unknown): error is CommitFailure {
  return error instanceof Error && (error as { commitError?: unknown }).commitError instanceof Promise;
}

/** What the system or LMDB said. */
export async function causeOf({ commitError }: CommitFailure): Promise<unknown> {
  return commitError.catch((cause: unknown) => cause);
}
