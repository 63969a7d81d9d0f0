/** What a catalog says of itself: which root it is about, how far it can be believed, and how it was left. */

import { CatalogDamagedError, CatalogError } from './catalog-error';

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

export const BLANK: State = {
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

/** Throws `CatalogError` for a catalog of a newer version, `CatalogDamagedError` for one of an older version: it is begun anew. */
export function checkSchema(state: State, what: string): void {
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
