/** Opens the catalog on local disk, or begins a new one in place of one that cannot be believed. */

import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Catalog } from './catalog';
import { CatalogDamagedError, CatalogError, messageOf } from './catalog-error';

/** There while a catalog is opened and read through: a damaged one may end the process, whose next start then knows. */
const UNVERIFIED = 'catalog-unverified';
const NAME = 'lmdb';

/** Of the catalog in a gateway's directory. */
export function catalogPath(directory: string): string {
  return join(directory, NAME);
}

/**
 * Opens `<directory>/lmdb`. One that was not closed in order is read through first; one that is damaged is dropped, which costs the multipart uploads in
 * progress: everything else is had again from the FTP server. Throws `CatalogError` where the disk cannot be used.
 */
export async function openCatalog(directory: string, log: Logger): Promise<Catalog> {
  const path = catalogPath(directory);
  const mark = join(directory, UNVERIFIED);
  try {
    if (existsSync(mark)) drop(path, 'it was found damaged, or the gateway ended while it read it', log);
    markDamaged(directory);
    const catalog = await openVerified(path, log);
    rmSync(mark, { force: true });
    return catalog;
  } catch (error) {
    // The disk is at fault, not what is on it.
    if (!(error instanceof CatalogDamagedError)) rmSync(mark, { force: true });
    throw error;
  }
}

/** Has the next start drop the catalog. Throws `CatalogError` where the disk cannot be written. */
export function markDamaged(directory: string): void {
  const mark = join(directory, UNVERIFIED);
  try {
    writeFileSync(mark, '');
  } catch (cause) {
    throw new CatalogError(`${mark} cannot be written: ${messageOf(cause)}`, { cause });
  }
}

async function openVerified(path: string, log: Logger): Promise<Catalog> {
  let catalog: Catalog | undefined;
  try {
    catalog = new Catalog(path);
    if (!catalog.wasClosed) catalog.verify();
    return catalog;
  } catch (error) {
    if (!(error instanceof CatalogDamagedError)) throw error;
    await catalog?.close(false);
    drop(path, error.message, log);
    return new Catalog(path);
  }
}

function drop(path: string, reason: string, log: Logger): void {
  log.error(
    { path, reason },
    'the catalog on local disk cannot be used: it is dropped, and rebuilt from the FTP server',
  );
  rmSync(path, { recursive: true, force: true });
}
