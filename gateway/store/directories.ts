/**
 * Proves directories: compares the catalog with what the FTP server really holds, and answers for a directory only after that.
 *
 * vsftpd and pure-ftpd answer the listing of a missing or unreadable directory with an empty list and no error, and Longhorn deletes every block of
 * a volume whose list of backups is empty twice. So an empty answer is believed only where the server showed that it looked, and an absence only where
 * the proved directory above does not name it. Until then: `SlowDown`.
 */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { RemoteEntry, RemoteTree } from '../ftp/remote-tree';
import type { Catalog, Directory } from './catalog';
import { forEachLimited, SharedTask } from './concurrency';
import type { RemoteLayout } from './remote-layout';
import { isContinued, parseName } from './remote-path';
import { refOf, type Listed, type Settler } from './settler';

/** How many files of one directory are looked into at a time; the pool of connections bounds it further. */
const SETTLE_CONCURRENCY = 16;

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
  /** Names on the FTP server that nothing of ours writes. */
  foreignNames: number;
  proved: number;
}

export class Directories {
  readonly #proving = new SharedTask<void>();
  readonly stats: DirectoryStats = { contradictions: 0, foreignNames: 0, proved: 0 };

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

  /** Proves enough below a directory to tell whether it holds any object. */
  async proveOccupancy(directory: Directory): Promise<void> {
    const { catalog } = this.options;
    for (;;) {
      const first = catalog.firstObject(directory);
      if (first === undefined) break;
      const segments = first.split('/').slice(0, -1);
      const holder = catalog.directory(directory.bucket, segments);
      if (holder && catalog.isProved(holder)) return;
      await this.find(directory.bucket, segments);
    }
    await this.prove(directory);
    for (const child of catalog.children(directory)) {
      if (catalog.firstObject(directory) !== undefined) return;
      if (child.kind === 'directory') await this.proveOccupancy(child.directory);
    }
  }

  /** Proves a directory and all below it. */
  async proveSubtree(directory: Directory): Promise<void> {
    await this.prove(directory);
    const below = [...this.options.catalog.children(directory)];
    await forEachLimited(below, SETTLE_CONCURRENCY, async (child) => {
      if (child.kind === 'directory') await this.proveSubtree(child.directory);
    });
  }

  /** Proves one directory whose parent is proved. */
  async prove(directory: Directory): Promise<void> {
    if (this.options.catalog.isProved(directory)) return;
    await this.#proving.run(String(directory.id), async () => {
      if (!this.options.catalog.isProved(directory)) await this.#prove(directory);
    });
  }

  async #prove(directory: Directory): Promise<void> {
    const { catalog } = this.options;
    const { epoch } = catalog;
    const path = this.#pathOf(directory);
    const entries = await this.#list(path);
    if (entries === undefined) return this.#settleMissing(directory);
    const found = await this.#parse(path, entries, []);
    await this.#reconcile(directory, found);
    await catalog.markProved(directory, epoch);
    this.stats.proved += 1;
  }

  /**
   * The entries of a directory that the directory above names; undefined if the server refuses it.
   * An answer that could be a lie is a passing trouble.
   */
  async #list(path: string): Promise<readonly RemoteEntry[] | undefined> {
    const { tree } = this.options;
    const listing = await tree.list(path);
    if (listing.outcome === 'listed') return listing.entries;
    if (listing.outcome === 'refused') {
      if (await tree.isDirectory(path))
        throw this.#contradiction(`the server changes into ${path} and refuses to list it`);
      return undefined;
    }
    if (!(await tree.isDirectory(path)))
      throw this.#contradiction(`the server lists ${path} as empty and refuses to change into it`);
    return [];
  }

  /** The directory above named it, and the server refuses it: it went away meanwhile, or it may not be entered. */
  async #settleMissing(directory: Directory): Promise<void> {
    const { catalog, tree } = this.options;
    const name = directory.segments.at(-1);
    if (name === undefined)
      throw this.#contradiction(`the server refuses the bucket directory ${this.#pathOf(directory)}`);
    const parent = { bucket: directory.bucket, segments: directory.segments.slice(0, -1) };
    const above = await tree.list(this.#pathOf(parent));
    if (above.outcome !== 'listed')
      throw this.#contradiction(`the server refuses ${this.#pathOf(directory)}`);
    const names = new Set((await this.#parse(this.#pathOf(parent), above.entries, [])).map(foundKey));
    if (names.has(`${name}/`))
      throw this.#contradiction(`the server names ${this.#pathOf(directory)} and refuses to enter it`);
    const known = catalog.directory(parent.bucket, parent.segments);
    this.options.log.warn({ directory: this.#pathOf(directory) }, 'a directory went away behind the gateway');
    if (known) await catalog.removeDirectory(known, name);
  }

  /** What the names in a listing stand for; names that go on in a deeper directory are followed. */
  async #parse(path: string, entries: readonly RemoteEntry[], levels: readonly string[]): Promise<Found[]> {
    const { layout } = this.options;
    const found: Found[] = [];
    for (const entry of entries) {
      const isDirectory = entry.type === 'directory';
      const names = [...levels, entry.name];
      if (isDirectory && isContinued(entry.name)) {
        const inner = `${path}/${entry.name}`;
        const below = await this.#list(inner);
        if (below === undefined)
          throw this.#contradiction(`the server names ${inner} and refuses to enter it`);
        found.push(...(await this.#parse(inner, below, names)));
        continue;
      }
      const replaced = isDirectory ? undefined : layout.fromAside(entry.name);
      const name = parseName(replaced === undefined ? names : [...levels, replaced], isDirectory);
      if (!name) this.#reportForeign(`${path}/${entry.name}`);
      else if (replaced !== undefined) found.push({ ...name, hasAside: true });
      else found.push({ ...name, ...pickListed(entry) });
    }
    return found;
  }

  async #reconcile(directory: Directory, found: readonly Found[]): Promise<void> {
    const { catalog, tree, settler, log } = this.options;
    const listed = new Set(found.map(foundKey));
    const isTrusted = catalog.isTrusted(directory);
    await forEachLimited(found, SETTLE_CONCURRENCY, async ({ kind, segment, ...file }) => {
      if (kind === 'directory') {
        await catalog.addDirectory(directory, segment, false);
        return;
      }
      const known = catalog.file(directory, segment);
      const isAsKnown = isTrusted && known?.kind === 'object' && known.storedSize === file.size;
      if (isAsKnown && !settler.isSuspect(refOf(directory, segment))) return;
      await settler.settle(directory, segment, file);
    });
    const gone = [...catalog.children(directory)].filter(
      ({ kind, name }) => !listed.has(kind === 'directory' ? `${name}/` : name),
    );
    await forEachLimited(gone, SETTLE_CONCURRENCY, async ({ kind, name }) => {
      if (kind === 'file') return settler.settle(directory, name);
      const path = this.#pathOf({ bucket: directory.bucket, segments: [...directory.segments, name] });
      if (await tree.isDirectory(path)) {
        throw this.#contradiction(`the server enters ${path} and does not list it`);
      }
      log.warn({ directory: path }, 'a directory went away behind the gateway');
      await catalog.removeDirectory(directory, name);
    });
  }

  #pathOf({ bucket, segments }: Pick<Directory, 'bucket' | 'segments'>): string {
    return this.options.layout.directory(bucket, segments);
  }

  #reportForeign(path: string): void {
    this.stats.foreignNames += 1;
    this.options.log.warn({ path }, 'a file or directory that nothing of ours writes is left alone');
  }

  #contradiction(message: string): S3Error {
    this.stats.contradictions += 1;
    this.options.log.warn({ reason: message }, 'a listing cannot be believed');
    return new S3Error('SlowDown', { cause: new Error(message) });
  }
}

/** As the catalog's rows are named: a directory ends in a slash. */
function foundKey({ kind, segment }: Found): string {
  return kind === 'directory' ? `${segment}/` : segment;
}

function pickListed({ size, modifiedAt }: RemoteEntry): Listed {
  return { ...(size !== undefined && { size }), ...(modifiedAt !== undefined && { modifiedAt }) };
}
