/** The ordered, durable index of what the FTP server holds, as a whole: an LMDB database on local disk, which outlives the gateway, and may not be believed then. */

import type { Database, DatabaseOptions, Key } from 'lmdb';
import { readDump, writeDump } from './catalog-dump';
import { CatalogEnvironment } from './catalog-environment';
import { CatalogDamagedError, messageOf } from './catalog-error';
import { describeSchema, SCHEMA_VERSION, type FormerLease, type State } from './catalog-state';
import { CatalogTree } from './catalog-tree';
import { Intents } from './intents';
import { MultipartRows } from './multipart-rows';

export class Catalog extends CatalogTree {
  readonly intents: Intents;
  readonly multipart: MultipartRows;

  /** Throws `CatalogError` where `path` cannot be used: unwritable or of a newer schema; `CatalogDamagedError` where it holds something else. */
  constructor(path: string) {
    super(new CatalogEnvironment(path));
    this.intents = new Intents(this.environment);
    this.multipart = new MultipartRows(this.environment);
  }

  /** A further table of the same database, for what has to change together with the catalog. */
  table<V, K extends Key>(name: string, options: DatabaseOptions): Database<V, K> {
    return this.environment.database(name, options);
  }

  /**
   * Runs changes as one. `change` must not wait for anything: it sees all that was changed before, and nothing is changed in between. It must
   * not throw, since what it changed until then would stay.
   */
  async atomically<T>(change: () => T): Promise<T> {
    return this.environment.root.transaction(change);
  }

  /** It has never served. */
  get isBlank(): boolean {
    const { epoch, restored } = this.state.current;
    return epoch === 0 && !restored;
  }

  /** It was closed in order. */
  get wasClosed(): boolean {
    return this.state.current.clean;
  }

  /** Reads every row. Throws `CatalogDamagedError` for the first that is not as it was written. */
  verify(): void {
    try {
      const directories = this.buckets().length + this.rows.countDirectories();
      if (directories !== this.proofs.directories)
        throw new CatalogDamagedError(
          `the catalog has ${directories} directories, and proofs for ${this.proofs.directories}`,
        );
      this.environment.readThrough('tree');
    } catch (cause) {
      if (cause instanceof CatalogDamagedError) throw cause;
      throw new CatalogDamagedError(`the catalog cannot be read: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * Begins to serve in a new epoch of the FTP root; what was proved or trusted may no longer be. What it says of another root than `root` is dropped.
   *
   * @param readable names of the keys at hand
   */
  async begin(
    epoch: number,
    former?: FormerLease,
    root = '',
    readable: readonly string[] = [],
  ): Promise<void> {
    const isEmpty = this.environment.count('buckets') === 0 && this.rows.count === 0;
    if (this.state.current.root !== root && !isEmpty) await this.clear();
    const written = this.state.begin({ epoch, former, root, readable });
    this.rows.useKeys(this.state.current.keyIds);
    await this.environment.write(written);
  }

  /**
   * All that a new gateway needs to start from, as bytes; one state, whatever changes meanwhile.
   * @param clean nothing is on its way, and nothing more will be written before the lease is given back
   */
  dump(clean: boolean): AsyncIterable<Buffer> {
    return writeDump(this.environment, { ...this.state.current, clean });
  }

  /**
   * Takes the rows of a dump in place of its own, if the dump is of the root `root` and of a later epoch. Until `begin` it counts as restored: what it says
   * is a hint, unless it was clean and its epoch the last one. False if it is of no use; throws `CatalogDamagedError` for one that is not whole.
   */
  async restore(source: AsyncIterable<Buffer>, root: string): Promise<boolean> {
    const own = this.state.current;
    const ownEpoch = own.root === root ? own.epoch : 0;
    let isEmptied = false;
    try {
      const state = await readDump(this.environment, source, async (head: State) => {
        if (head.schema !== SCHEMA_VERSION) throw new CatalogDamagedError(describeSchema(head, 'it'));
        if (head.root !== root || head.epoch <= ownEpoch) return false;
        isEmptied = true;
        await this.clear();
        return true;
      });
      if (!state) return false;
      this.proofs.recount();
      this.rows.useKeys(state.keyIds);
      await this.environment.write(this.state.put({ ...state, restored: true }));
      return true;
    } catch (error) {
      if (isEmptied) await this.clear();
      throw error;
    }
  }

  /** Drops everything. */
  async clear(): Promise<void> {
    this.state.blank();
    this.rows.useKeys([]);
    this.proofs.forget();
    await this.environment.clear();
  }

  /** Of the FTP root, as given to `begin`. What was learnt in an earlier one may be out of date. */
  get epoch(): number {
    return this.state.current.epoch;
  }

  /** Notes that the lease was renewed so often: a copy of this catalog from before is then known for one. */
  async noteRenewal(renewals: number): Promise<void> {
    await this.environment.write(this.state.put({ renewals }));
  }

  /** Rises when all proofs become void. */
  get generation(): number {
    return this.state.current.generation;
  }

  /** Rises where changes may be missing: it is a copy from before, or another gateway wrote meanwhile. */
  get trustedFrom(): number {
    return this.state.current.trustedFrom;
  }

  /** Voids every proof, and the trust in every record: everything is looked at again. */
  async doubtEverything(): Promise<void> {
    await this.environment.write(this.state.doubtEverything());
  }

  /** @param clean nothing is on its way, and the lease is about to be given back */
  async close(clean: boolean): Promise<void> {
    if (clean) await this.environment.write(this.state.put({ clean: true }));
    await this.environment.close();
  }

  /** Counts, without looking at rows. */
  get counts(): { files: number; directories: number; proved: number; findings: number } {
    const { directories } = this.proofs;
    const subdirectories = directories - this.environment.count('buckets');
    return {
      files: this.rows.count - subdirectories,
      directories,
      proved: this.state.current.proved,
      findings: this.findings.count,
    };
  }

  /** Changes since it was opened. */
  get changes(): number {
    return this.rows.changes;
  }
}
