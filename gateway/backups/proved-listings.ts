/**
 * Listings of the FTP server that may be believed, for a reader without catalog.
 *
 * vsftpd and pure-ftpd answer the listing of a missing or unreadable directory with an empty list and no error. So an empty answer is
 * believed only of a directory that can be entered on a server that is not known to do better, and an absence only where a
 * believed listing of the directory above does not name it.
 */

import type { RemoteEntry, RemoteTree } from '../ftp/remote-tree';
import { SourceUnavailableError } from './source';

export class ProvedListings {
  constructor(
    private readonly tree: RemoteTree,
    /** Must exist. */
    private readonly root: string,
  ) {}

  /** What a directory at or below the root holds; undefined if there surely is no such directory. Throws `SourceUnavailableError`. */
  async entries(path: string): Promise<readonly RemoteEntry[] | undefined> {
    const listing = await this.tree.list(path);
    if (listing.outcome === 'listed') return listing.entries;
    const enters = await this.tree.isDirectory(path);
    if (listing.outcome === 'unproved' && enters && !listing.suspicious) return [];
    if (enters || path === this.root || (await this.#names(path)))
      throw new SourceUnavailableError(`the FTP server does not show what ${path} holds`);
    return undefined;
  }

  /** Whether the directory above names `path`. */
  async #names(path: string): Promise<boolean> {
    const slash = path.lastIndexOf('/');
    const above = await this.entries(path.slice(0, slash) || '/');
    return above?.some(({ name }) => name === path.slice(slash + 1)) ?? false;
  }

  /** Throws `SourceUnavailableError` if a file may be there after all, which the server did not want to size. */
  async assertAbsent(path: string): Promise<void> {
    if (await this.#names(path))
      throw new SourceUnavailableError(`the FTP server names ${path} and does not tell its size`);
  }
}
