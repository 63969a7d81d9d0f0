/**
 * The directory on the mirror: used only if it bears the name of the first location's root, or holds nothing at all. So no mistake in the
 * configuration ever makes a gateway write over, or delete, what is another's.
 */

import type { Logger } from 'pino';
import { RemoteUnavailable, type RemoteEntry, type RemoteTree } from '../ftp/remote-tree';
import { isBucketName } from '../s3/bucket-name';
import { epochDirectory, fence, makePath, removeDirectories } from './epoch-directories';
import { ROOT_ID } from './ftp-root';
import { PLAIN } from './key-check';
import type { RemoteLayout } from './remote-layout';

const KEY_MARK = /^key-[0-9a-f]{32}$/;

/** A server with the directory on it. */
export interface Location {
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
}

/** It holds something else: somebody must look. */
export class ForeignMirrorError extends Error {
  override readonly name = 'ForeignMirrorError';
}

export interface MirrorRootOptions {
  readonly first: Location;
  readonly mirror: Location;
  readonly log: Logger;
}

export class MirrorRoot {
  #opened: { readonly epoch: number; readonly temporary: string } | undefined;
  /** That of the last epoch that was taken. */
  #made: string | undefined;
  #count = 0;

  constructor(private readonly options: MirrorRootOptions) {}

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /**
   * Takes the mirror in an epoch of the first location. Throws `ForeignMirrorError`, and what the trees throw.
   * @param id the first location's name for itself
   * @param onEmpty called before anything is written if it is empty: nothing that was carried over before is there
   */
  async open(epoch: number, id: string, onEmpty: () => Promise<void>): Promise<void> {
    if (this.#opened?.epoch === epoch) return;
    const { tree, layout } = this.options.mirror;
    await makePath(tree, layout.own);
    await this.#identify(id, onEmpty);
    const names = (await entriesOf(tree, layout.own)).map(({ name }) => name);
    const temporary = epochDirectory(layout.own, epoch);
    // Only the holder of this very epoch makes it, on the first location: under another name it is the same directory.
    if (this.#made !== temporary && names.some((name) => `${layout.own}/${name}` === temporary))
      throw new ForeignMirrorError(
        `the mirror's directory ${layout.root} is that of the first location: expected another one`,
      );
    const fenced = await fence(tree, layout.own, names, this.#made);
    await tree.makeDir(temporary);
    this.#made = temporary;
    await tree.makeDir(layout.uploads);
    await this.addKeyMarks();
    this.#opened = { epoch, temporary };
    removeDirectories(tree, fenced).catch((error: unknown) => {
      this.options.log.warn({ reason: String(error) }, 'files of a former epoch are left on the mirror');
    });
  }

  /** It is looked at anew before it is used again. */
  doubt(): void {
    this.#opened = undefined;
  }

  /** Whether no later holder of the lease has taken it, and it is the one that was opened. */
  async isOurs(): Promise<boolean> {
    return this.#opened !== undefined && this.options.mirror.tree.isDirectory(this.#opened.temporary);
  }

  /** Names a file in this epoch's own directory; never the same twice. */
  temporaryPath(): string {
    if (!this.#opened) throw new RemoteUnavailable('the mirror is not open');
    this.#count += 1;
    return `${this.#opened.temporary}/${this.#count}`;
  }

  /** What the gateway's own directory says of keys, so that the mirror can take the first location's place. */
  async addKeyMarks(): Promise<void> {
    const { first, mirror } = this.options;
    const marks = await keyMarks(first);
    const known = await keyMarks(mirror);
    for (const name of marks.filter((each) => !known.includes(each))) {
      const path = `${mirror.layout.own}/${name}`;
      if (name === PLAIN) {
        await mirror.tree.makeDir(path);
        continue;
      }
      const bytes = await readAll(first.tree, `${first.layout.own}/${name}`);
      const body = async function* (): AsyncGenerator<Buffer> {
        yield await Promise.resolve(bytes);
      };
      const temporary = `${this.#made ?? mirror.layout.own}/${name}`;
      const aside = mirror.layout.aside(path);
      await mirror.tree.putFile({ temporary, target: path, aside, body, replayable: true });
    }
  }

  /** Takes away the marks of keys that were retired. Only once nothing on the mirror differs from the first location. */
  async removeKeyMarks(): Promise<void> {
    const { first, mirror } = this.options;
    const marks = await keyMarks(first);
    for (const name of await keyMarks(mirror)) {
      const path = `${mirror.layout.own}/${name}`;
      if (marks.includes(name)) continue;
      if (name === PLAIN) await mirror.tree.removeDir(path);
      else await mirror.tree.remove(path);
    }
  }

  async #identify(id: string, onEmpty: () => Promise<void>): Promise<void> {
    const { tree, layout } = this.options.mirror;
    let ids = await this.#ids();
    if (ids.length === 0) {
      await this.#requireUnused();
      // First of all, so that a crash leaves no named mirror that is taken for a full one.
      await onEmpty();
      await tree.makeDir(`${layout.own}/${id}`);
      // Of two gateways that found it empty, each sees the other's name now.
      ids = await this.#ids();
      if (ids.length === 0) throw new RemoteUnavailable(`the mirror does not show what ${layout.own} holds`);
    }
    if (ids.some((each) => each !== id))
      throw new ForeignMirrorError(
        `the mirror's directory ${layout.root} belongs to ${ids.join(' and ')}, and the first location is ${id}: expected an empty directory, or a copy of the first location`,
      );
  }

  async #ids(): Promise<string[]> {
    const { tree, layout } = this.options.mirror;
    const listing = await tree.list(layout.own);
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    return entries.map(({ name }) => name).filter((name) => ROOT_ID.test(name));
  }

  /** Nothing that could be objects, or a gateway's own. Other names are nobody's business here. */
  async #requireUnused(): Promise<void> {
    const { tree, layout } = this.options.mirror;
    const own = await tree.list(layout.own);
    const isEmpty = own.outcome === 'listed' ? own.entries.length === 0 : await tree.isDirectory(layout.own);
    const buckets = (await entriesOf(tree, layout.root)).filter(
      ({ name, type }) => type === 'directory' && isBucketName(name),
    );
    if (isEmpty && buckets.length === 0) return;
    const what = buckets[0]?.name ?? `something in ${layout.own}`;
    throw new ForeignMirrorError(
      `the mirror's directory ${layout.root} holds ${what}, and no name of a root: expected an empty directory, or a copy of the first location with its _longhaul/`,
    );
  }
}

async function keyMarks({ tree, layout }: Location): Promise<string[]> {
  const names = (await entriesOf(tree, layout.own)).map(({ name }) => name);
  return names.filter((name) => KEY_MARK.test(name) || name === PLAIN);
}

async function readAll(tree: RemoteTree, path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tree.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Of a directory that surely holds something. */
async function entriesOf(tree: RemoteTree, path: string): Promise<readonly RemoteEntry[]> {
  const listing = await tree.list(path);
  if (listing.outcome === 'listed') return listing.entries;
  throw new RemoteUnavailable(`the server does not show what ${path} holds`);
}
