/** The directories of epochs on one FTP root, for files on their way: each holder of the lease has its own, and moves those of former ones away. */

import { randomBytes } from 'node:crypto';
import type { RemoteTree } from '../ftp/remote-tree';

const TEMPORARY = 'tmp-';
const FENCED = 'fenced-';

/** @param own the gateway's own directory on that root */
export function epochDirectory(own: string, epoch: number): string {
  return `${own}/${TEMPORARY}${epoch}`;
}

/**
 * Moves the directories of other epochs away: a command of theirs that the server carries out late finds its file gone.
 * Returns what may be deleted.
 * @param names in the gateway's own directory
 * @param kept stays, since this very process made it
 */
export async function fence(
  tree: RemoteTree,
  own: string,
  names: readonly string[],
  kept?: string,
): Promise<string[]> {
  const fenced: string[] = [];
  for (const name of names) {
    const path = `${own}/${name}`;
    if (name.startsWith(FENCED)) fenced.push(path);
    if (!name.startsWith(TEMPORARY) || path === kept) continue;
    const moved = `${own}/${FENCED}${name.slice(TEMPORARY.length)}-${randomBytes(4).toString('hex')}`;
    await tree.rename(path, moved);
    fenced.push(moved);
  }
  return fenced;
}

/** Removes directories that hold nothing but files. */
export async function removeDirectories(tree: RemoteTree, directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    const listing = await tree.list(directory);
    if (listing.outcome !== 'listed') continue;
    for (const { name } of listing.entries) await tree.remove(`${directory}/${name}`);
    await tree.removeDir(directory);
  }
}

/** Makes each level that is missing. */
export async function makePath(tree: RemoteTree, path: string): Promise<void> {
  const names = path.split('/').slice(1);
  for (const [i] of names.entries()) await tree.makeDir(`/${names.slice(0, i + 1).join('/')}`);
}
