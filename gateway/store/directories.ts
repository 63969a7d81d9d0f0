/**
 * Proves directories: compares the catalog with what the FTP server really holds, and answers for a directory only after that.
 *
 * vsftpd and pure-ftpd answer the listing of a missing or unreadable directory with an empty list and no error, and Longhorn deletes every block of
 * a volume whose list of backups is empty twice. So an empty answer is believed only where the server showed that it looked, and an absence only where
 * the proved directory above does not name it. Until then: `SlowDown`.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { RemoteEntry, RemoteTree } from '../ftp/remote-tree';
import type { Catalog } from './catalog';
import { forEachLimited, Limiter, SharedTask } from './concurrency';
import type { Directory } from './directory';
import type { Finding } from './findings';
import type { RemoteLayout } from './remote-layout';
import { isContinued, parseName } from './remote-path';
import { refOf, type Listed, type Settler } from './settler';

const FOREIGN = 'nothing of ours writes such a name';
/** How many listings and files one request may have looked into at a time; the pool of connections bounds it further. */
const DEMAND_CONCURRENCY = 16;
/** A contradiction is looked at again after these pauses, in milliseconds, before it is told. */
const RETRY_PAUSES_MS = [50, 300];
/** How often a directory that writers were in is looked at again at once. */
const CHECK_ATTEMPTS = 3;

/** One name of ours in a listing. */
interface Found extends Listed {
  readonly kind: 'object' | 'directory';
  readonly segment: string;
}

export interface DirectoriesOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly log: Logger;
  readonly layout: RemoteLayout;
  readonly settler: Settler;
}

export interface DirectoryStats {
  /** Listings that failed or contradicted the catalog. */
  contradictions: number;
  /** Names found on the FTP server that are no object, each once. */
  foreignNames: number;
  /** Directories that went away behind the gateway. */
  lostDirectories: number;
  proved: number;
}

/** How one directory is looked at. */
interface Look {
  readonly limiter: Limiter;
  /** Whether the listing still tells how things are: nobody has written in the directory since. */
  readonly isCurrent: () => boolean;
  /** What is no object, by name. */
  readonly findings: Map<string, Finding>;
}

export class Directories {
  readonly #proving = new SharedTask<void>();
  readonly #demand = new Limiter(() => DEMAND_CONCURRENCY);
  readonly stats: DirectoryStats = {
    contradictions: 0,
    foreignNames: 0,
    lostDirectories: 0,
    proved: 0,
  };

  constructor(private readonly options: DirectoriesOptions) {}

  /** The directory, proved; undefined if it surely does not exist. Throws `SlowDown` while that cannot be told, `NoSuchBucket` without the bucket. */
  async find(bucket: string, segments: readonly string[]): Promise<Directory | undefined> {
    const { catalog } = this.options;
    const root = catalog.root(bucket);
    if (!root) throw new S3Error('NoSuchBucket', { details: { BucketName: bucket } });
    await this.prove(root);
    let directory: Directory = root;
    for (const segment of segments) {
      const next = catalog.subdirectory(directory, segment);
      if (!next) return undefined;
      await this.prove(next);
      // Proving it may have shown that it is gone.
      if (!catalog.subdirectory(directory, segment)) return undefined;
      directory = next;
    }
    return directory;
  }

  /** Proves directories, each of whose parents is proved. */
  async proveAll(directories: readonly Directory[]): Promise<void> {
    await forEachLimited(directories, DEMAND_CONCURRENCY, (directory) => this.prove(directory));
  }

  /** Proves a directory and all below it. */
  async proveSubtree(directory: Directory): Promise<void> {
    await this.prove(directory);
    const below = [...this.options.catalog.children(directory)];
    await forEachLimited(below, DEMAND_CONCURRENCY, async (child) => {
      if (child.kind === 'directory') await this.proveSubtree(child.directory);
    });
  }

  /** Proves one directory whose parent is proved. `limiter` bounds what it asks of the server at a time. */
  async prove(directory: Directory, limiter = this.#demand): Promise<void> {
    const { catalog } = this.options;
    if (catalog.isProved(directory)) return;
    await this.#proving.run(String(directory.id), async () => {
      while (!catalog.isProved(directory) && !(await this.#lookUndisturbed(directory, limiter))) continue;
    });
  }

  /**
   * Looks again at a directory, proved or not, for what was changed behind the gateway. Where writers of our own keep coming in between, it is left
   * after a few attempts.
   */
  async check(directory: Directory, limiter: Limiter): Promise<void> {
    for (let attempt = 0; attempt < CHECK_ATTEMPTS; attempt++)
      if (await this.#lookUndisturbed(directory, limiter)) return;
  }

  /** False if a writer of our own began or ended meanwhile: the listing may be older than what it wrote. */
  async #lookUndisturbed(directory: Directory, limiter: Limiter): Promise<boolean> {
    let isCurrent = true;
    const stop = this.options.catalog.watch(directory, () => (isCurrent = false));
    try {
      await this.#look(directory, limiter, () => isCurrent);
    } catch (error) {
      if (isCurrent) throw error;
    } finally {
      stop();
    }
    return isCurrent;
  }

  /** Compares a directory with what the server shows, and has the catalog say that. A contradiction is given time to pass. */
  async #look(directory: Directory, limiter: Limiter, isCurrent: () => boolean): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#lookOnce(directory, { limiter, isCurrent, findings: new Map() });
      } catch (error) {
        if (!(error instanceof Contradiction)) throw error;
        const pauseMs = RETRY_PAUSES_MS[attempt];
        if (pauseMs === undefined) throw new S3Error('SlowDown', { cause: error });
        await sleep(pauseMs);
      }
    }
  }

  async #lookOnce(directory: Directory, look: Look): Promise<void> {
    const { catalog, log } = this.options;
    const { generation } = catalog;
    const path = this.#pathOf(directory);
    const entries = await this.#list(path, look);
    if (entries === undefined) return this.#settleMissing(directory, look);
    const found = await this.#parse(path, entries, [], look);
    await this.#reconcile(directory, found, look);
    if (!look.isCurrent()) return;
    for (const finding of await catalog.markProved(directory, generation, look.findings)) {
      this.stats.foreignNames += 1;
      log.warn(finding, 'a file or directory that is no object is left alone');
    }
    this.stats.proved += 1;
  }

  /**
   * The entries of a directory that the directory above names; undefined if the server refuses it.
   * An answer that could be a lie is a passing trouble.
   */
  async #list(path: string, { limiter }: Look): Promise<readonly RemoteEntry[] | undefined> {
    const { tree } = this.options;
    const listing = await limiter.run(() => tree.list(path));
    if (listing.outcome === 'listed') return listing.entries;
    // vsftpd and pure-ftpd list as empty what went away, too.
    if (!(await tree.isDirectory(path))) return undefined;
    if (listing.outcome === 'refused')
      throw this.#contradiction(`the server changes into ${path} and refuses to list it`);
    if (listing.suspicious)
      throw this.#contradiction(
        `the server lists ${path} as empty, without the entry for itself that others have`,
      );
    return [];
  }

  /** The directory above named it, and the server refuses it: it went away meanwhile, or it may not be entered. */
  async #settleMissing(directory: Directory, look: Look): Promise<void> {
    const { catalog, tree } = this.options;
    const name = directory.segments.at(-1);
    if (name === undefined)
      throw this.#contradiction(`the server refuses the bucket directory ${this.#pathOf(directory)}`);
    const parent = { bucket: directory.bucket, segments: directory.segments.slice(0, -1) };
    const above = await tree.list(this.#pathOf(parent));
    if (above.outcome !== 'listed') {
      const upper = catalog.directory(parent.bucket, parent.segments);
      if (!upper || (await tree.isDirectory(this.#pathOf(parent))))
        throw this.#contradiction(`the server refuses ${this.#pathOf(directory)}`);
      // A whole branch went away: the first directory that is still there tells.
      return this.#settleMissing(upper, look);
    }
    const ignored = { ...look, findings: new Map<string, Finding>() };
    const names = new Set(
      (await this.#parse(this.#pathOf(parent), above.entries, [], ignored)).map(foundKey),
    );
    if (names.has(`${name}/`))
      throw this.#contradiction(`the server names ${this.#pathOf(directory)} and refuses to enter it`);
    const known = catalog.directory(parent.bucket, parent.segments);
    if (known) await this.#removeDirectory(known, name);
  }

  async #removeDirectory(parent: Directory, name: string): Promise<void> {
    const directory = this.#pathOf({ bucket: parent.bucket, segments: [...parent.segments, name] });
    if (!(await this.options.catalog.removeDirectory(parent, name)))
      throw this.#contradiction(`${directory} went away while it is written to`);
    this.stats.lostDirectories += 1;
    this.options.log.warn({ directory }, 'a directory went away behind the gateway');
  }

  /** What the names in a listing stand for; names that go on in a deeper directory are followed. */
  async #parse(
    path: string,
    entries: readonly RemoteEntry[],
    levels: readonly string[],
    look: Look,
  ): Promise<Found[]> {
    const { layout } = this.options;
    const found: Found[] = [];
    for (const entry of entries) {
      const isDirectory = entry.type === 'directory';
      const names = [...levels, entry.name];
      if (isDirectory && isContinued(entry.name)) {
        const inner = `${path}/${entry.name}`;
        const below = await this.#list(inner, look);
        if (below === undefined)
          throw this.#contradiction(`the server names ${inner} and refuses to enter it`);
        found.push(...(await this.#parse(inner, below, names, look)));
        continue;
      }
      const replaced = isDirectory ? undefined : layout.fromAside(entry.name);
      const name = parseName(replaced === undefined ? names : [...levels, replaced], isDirectory);
      if (!name) look.findings.set(names.join('/'), { path: `${path}/${entry.name}`, reason: FOREIGN });
      else if (replaced !== undefined) found.push({ ...name, hasAside: true });
      else found.push({ ...name, ...pickListed(entry) });
    }
    return found;
  }

  async #reconcile(directory: Directory, found: readonly Found[], look: Look): Promise<void> {
    const { catalog, tree, settler } = this.options;
    const { limiter, isCurrent, findings } = look;
    const listed = new Set(found.map(foundKey));
    const isTrusted = catalog.isTrusted(directory);
    await forEachLimited(found, DEMAND_CONCURRENCY, async ({ kind, segment, ...file }) => {
      if (kind === 'directory') {
        await catalog.addDirectory(directory, segment, false);
        return;
      }
      const known = catalog.file(directory, segment);
      const isAsKnown = isTrusted && known?.kind === 'object' && known.storedSize === file.size;
      if (isAsKnown && !settler.isSuspect(refOf(directory, segment))) return;
      await limiter.run(() => settler.settle(directory, segment, file, isCurrent));
      const settled = catalog.file(directory, segment);
      if (settled?.kind === 'unreadable')
        findings.set(segment, {
          path: this.options.layout.object(refOf(directory, segment)),
          reason: settled.reason,
        });
    });
    const gone = [...catalog.children(directory)].filter(
      ({ kind, name }) => !listed.has(kind === 'directory' ? `${name}/` : name),
    );
    await forEachLimited(gone, DEMAND_CONCURRENCY, async ({ kind, name }) => {
      if (kind === 'file') return limiter.run(() => settler.settle(directory, name, {}, isCurrent));
      const path = this.#pathOf({ bucket: directory.bucket, segments: [...directory.segments, name] });
      if (await limiter.run(() => tree.isDirectory(path))) {
        throw this.#contradiction(`the server enters ${path} and does not list it`);
      }
      await this.#removeDirectory(directory, name);
    });
  }

  #pathOf({ bucket, segments }: Pick<Directory, 'bucket' | 'segments'>): string {
    return this.options.layout.directory(bucket, segments);
  }

  #contradiction(message: string): Contradiction {
    this.stats.contradictions += 1;
    this.options.log.warn({ reason: message }, 'a listing cannot be believed');
    return new Contradiction(message);
  }
}

/** The server says one thing here and another there. */
class Contradiction extends Error {}

/** As the catalog's rows are named: a directory ends in a slash. */
function foundKey({ kind, segment }: Found): string {
  return kind === 'directory' ? `${segment}/` : segment;
}

function pickListed({ size, modifiedAt }: RemoteEntry): Listed {
  return { ...(size !== undefined && { size }), ...(modifiedAt !== undefined && { modifiedAt }) };
}
