/** Directories on the server: which are known to exist, and making those that do not. */
import { parentOf } from './remote-path';
import type { DirectoryOutcome } from './remote-tree';
import { isRefusal, type FtpReplyError } from './reply';
import type { FtpSession } from './session';

/** A backup of one volume has up to 65,536 block directories. */
const MOST_KNOWN = 200_000;

/** Remembers directories, to save commands. Being wrong costs a refused command, never a wrong answer. */
export class DirectoryCache {
  private readonly known = new Map<string, 'made' | 'seen'>();

  has(directory: string): boolean {
    return directory === '/' || this.known.has(directory);
  }

  /** Whether `directory` is surely missing, because we made the one above and never this one. */
  isSurelyMissing(directory: string): boolean {
    return !this.has(directory) && this.known.get(parentOf(directory)) === 'made';
  }

  made(directory: string): void {
    this.remember(directory, 'made');
  }

  seen(directory: string): void {
    if (!this.has(directory)) this.remember(directory, 'seen');
  }

  /** Something in `directory` was refused: it and those above may be gone. */
  forget(directory: string): void {
    for (let path = directory; path !== '/'; path = parentOf(path)) this.known.delete(path);
  }

  private remember(directory: string, how: 'made' | 'seen'): void {
    const oldest = this.known.keys().next();
    if (this.known.size >= MOST_KNOWN && !oldest.done) this.known.delete(oldest.value);
    this.known.set(directory, how);
  }
}

/** Whether the server changes into `path`. */
export async function changesInto(session: FtpSession, path: string): Promise<boolean> {
  try {
    await session.changeDirectory(path);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** Bytes of a file, or undefined if the server refuses to tell. */
export async function sizeIfFile(session: FtpSession, path: string): Promise<number | undefined> {
  try {
    return await session.size(path);
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** Makes one directory, or finds that it exists; throws the refusal if neither. */
export async function makeDirectory(session: FtpSession, path: string): Promise<DirectoryOutcome> {
  try {
    await session.makeDir(path);
    return 'created';
  } catch (error) {
    if (isRefusal(error) && (await changesInto(session, path))) return 'existed';
    throw error;
  }
}

/** Makes directories, each below the one before or beside it, in one go; throws the refusal of one that is neither made nor there. */
export async function makeDirectories(
  session: FtpSession,
  paths: readonly string[],
  cache: DirectoryCache,
): Promise<DirectoryOutcome[]> {
  return outcomesOf(session, paths, await session.makeDirs(paths), cache);
}

/** What came of directories that were to be made, some of which were refused. */
export async function outcomesOf(
  session: FtpSession,
  paths: readonly string[],
  refusals: readonly (FtpReplyError | undefined)[],
  cache: DirectoryCache,
): Promise<DirectoryOutcome[]> {
  const outcomes: DirectoryOutcome[] = [];
  for (const [index, path] of paths.entries()) {
    const refusal = refusals[index];
    if (refusal && !(isRefusal(refusal) && (await changesInto(session, path)))) throw refusal;
    if (refusal) cache.seen(path);
    else cache.made(path);
    outcomes.push(refusal ? 'existed' : 'created');
  }
  return outcomes;
}

/** Makes a directory and those above it, as far as they are missing: from below, since mostly only the last one is. */
export async function ensureDirectory(
  session: FtpSession,
  directory: string,
  cache: DirectoryCache,
): Promise<void> {
  if (cache.has(directory)) return;
  const make = async () => {
    if ((await makeDirectory(session, directory)) === 'created') cache.made(directory);
    else cache.seen(directory);
  };
  try {
    await make();
  } catch (error) {
    if (!isRefusal(error) || parentOf(directory) === '/') throw error;
    await ensureDirectory(session, parentOf(directory), cache);
    await make();
  }
}
