/** What a catalog says of itself: which root it is about, how far it can be believed, and how it was left. */

import type { CatalogEnvironment } from './catalog-environment';
import { CatalogDamagedError, CatalogError } from './catalog-error';
import { RowCodec } from './row-codec';

export const SCHEMA_VERSION = 3;

export interface State {
  readonly schema: number;
  /** Of the FTP root, when this catalog last served. */
  readonly epoch: number;
  /** How often the lease had been renewed in that epoch, at least. */
  readonly renewals: number;
  /** Directories are proved that were proved in this generation; all proofs are void at once when it rises. */
  readonly generation: number;
  /** Records of directories proved before this generation may be of versions that were replaced since, even by ones of the same size. */
  readonly trustedFrom: number;
  /** Closed in order. */
  readonly clean: boolean;
  /** It came from a checkpoint, and has not served since. */
  readonly restored: boolean;
  /** What could be read when it last served, as given to `begin`. */
  readonly readable: readonly string[];
  /** Keys that rows name by number. */
  readonly keyIds: readonly string[];
  readonly nextId: number;
  /** Of the FTP root that it is about. */
  readonly root: string;
  /** Directories proved in this generation; valid only if closed in order. */
  readonly proved: number;
}

/** How the lease stood when it was taken: what the holder before left. */
export interface FormerLease {
  readonly epoch: number;
  readonly renewals: number;
  /** Its holder gave it back, in order. */
  readonly released: boolean;
}

/** In which epoch of the FTP root a catalog serves, and with what. */
export interface Beginning {
  readonly epoch: number;
  readonly former: FormerLease | undefined;
  readonly root: string;
  /** Names of the keys at hand: with one more, a file that could not be read may be an object. Rows name them by number. */
  readonly readable: readonly string[];
}

const BLANK: State = {
  schema: SCHEMA_VERSION,
  epoch: 0,
  renewals: 0,
  generation: 0,
  trustedFrom: 0,
  clean: false,
  restored: false,
  readable: [],
  keyIds: [],
  nextId: 1,
  root: '',
  proved: 0,
};

export class CatalogState {
  #current: State;

  /** Throws `CatalogError` for a catalog of a newer version, `CatalogDamagedError` for one of an older version: it is begun anew. */
  constructor(private readonly environment: CatalogEnvironment) {
    this.#current = (environment.root.get('state') as State | undefined) ?? BLANK;
    checkSchema(this.#current, `the catalog in ${environment.path}`);
  }

  get current(): State {
    return this.#current;
  }

  /**
   * The write is part of the caller's. What was proved stays proved only if this catalog was closed in order in the epoch that ended in order just
   * before: then nobody else wrote in between. Otherwise every directory has to be proved again. What it says of files whose size is right is
   * trusted then only if it is the very state that the last epoch left: not restored, and no older than the lease.
   */
  begin({ epoch, former, root, readable }: Beginning): Promise<boolean> {
    const { epoch: ownEpoch, renewals, clean, restored, generation, trustedFrom, keyIds } = this.#current;
    const readsMore = readable.some((name) => !this.#current.readable.includes(name));
    const isOwn = former?.epoch === ownEpoch;
    const isContinued = isOwn && clean && former.released;
    const isLatest = isContinued || (isOwn && !restored && renewals >= former.renewals);
    const keepsProofs = isContinued && !readsMore;
    const next = keepsProofs ? generation : generation + 1;
    return this.put({
      epoch,
      root,
      renewals: 0,
      clean: false,
      restored: false,
      readable,
      keyIds: RowCodec.withKeys(keyIds, readable),
      generation: next,
      trustedFrom: isLatest ? trustedFrom : next,
      ...(!keepsProofs && { proved: 0 }),
    });
  }

  /** Voids every proof, and the trust in every record. The write is part of the caller's. */
  doubtEverything(): Promise<boolean> {
    const generation = this.#current.generation + 1;
    return this.put({ generation, trustedFrom: generation, proved: 0 });
  }

  /** The write is part of the caller's. Anything that is written makes the state on disk one that was not closed in order. */
  put(change: Partial<State>): Promise<boolean> {
    this.#current = { ...this.#current, clean: false, ...change };
    return this.environment.root.put('state', this.#current);
  }

  /** For a catalog that is emptied. Directories' numbers are not used again. */
  blank(): void {
    this.#current = { ...BLANK, nextId: this.#current.nextId };
  }

  /** Goes to disk with the next write. */
  nextId(): number {
    const { nextId } = this.#current;
    this.#current = { ...this.#current, nextId: nextId + 1 };
    return nextId;
  }

  /** Goes to disk with the next write. */
  countProved(more: number): void {
    this.#current = { ...this.#current, proved: this.#current.proved + more };
  }
}

function checkSchema(state: State, what: string): void {
  const { schema } = state;
  if (schema > SCHEMA_VERSION)
    throw new CatalogError(
      `${describeSchema(state, what)}: remove it, and it is rebuilt from the FTP server`,
    );
  if (schema < SCHEMA_VERSION) throw new CatalogDamagedError(describeSchema(state, what));
}

/** For people: which version `what` is of. */
export function describeSchema({ schema }: State, what: string): string {
  return `${what} has schema ${schema}, this version knows ${SCHEMA_VERSION}`;
}
