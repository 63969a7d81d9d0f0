/** What can be wrong with the catalog on local disk. */

/** The catalog cannot be used: its disk is full, read-only or broken, or a newer version wrote it. */
export class CatalogError extends Error {
  override readonly name: string = 'CatalogError';
}

/** What the catalog's file holds is not what was written: nothing in it may be believed, and all of it can be had again from the FTP server. */
export class CatalogDamagedError extends CatalogError {
  override readonly name = 'CatalogDamagedError';
}

export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
