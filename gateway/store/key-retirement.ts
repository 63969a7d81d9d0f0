/** Proves that nothing depends on a key, or on the absence of one, and takes it out of use then. */

import { S3Error } from '../errors';
import { RemoteUnavailable, type RemoteTree } from '../ftp/remote-tree';
import type { Catalog } from './catalog';
import type { Directories } from './directories';
import type { FtpRoot } from './ftp-root';
import { takeCensus } from './key-census';
import { readSealedBy, type KeyCheck, type SealedBy } from './key-check';
import type { RemoteLayout } from './remote-layout';
import { refOf } from './settler';
import { parseTrashNames } from './trash-name';

/**
 * In the gateway's own directory: what marks something, is on its way, or is judged by the catalog's rows of uploads and objects. Checkpoints are
 * hints, soon taken anew, and one that cannot be opened is done without; so are the records of verifications.
 */
const NOT_SEARCHED =
  /^(?:key-|lease-|rotate-|root-|checkpoint-|verification-|verifying-|tmp-|fenced-|uploads$|plain$)/;

export interface KeyRetirementOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly layout: RemoteLayout;
  readonly directories: Directories;
  readonly root: FtpRoot;
  readonly keyCheck: KeyCheck;
  /** The key that seals now. */
  readonly writeKeyId: string;
  /** Why something beyond this FTP root may still depend on older keys. */
  readonly objection?: () => string | undefined;
}

/** Why a key stays; none: it is retired. */
export type Objections = readonly string[];

export class KeyRetirement {
  constructor(private readonly options: KeyRetirementOptions) {}

  /**
   * Looks over the whole tree and the gateway's own directory, which reads the first bytes of every file there. Throws `S3Error` `SlowDown`, or what the tree throws,
   * where something cannot be looked at now.
   */
  async retire(sealedBy: SealedBy): Promise<Objections> {
    const { keyCheck, root, writeKeyId } = this.options;
    await root.open();
    if (sealedBy === writeKeyId) return ['it is the key that seals now (ENCRYPTION_KEY)'];
    if (!keyCheck.inUse.includes(sealedBy))
      return [`nothing here was sealed with it; in use: ${keyCheck.inUse.join(', ')}`];
    const objection = this.options.objection?.();
    if (objection !== undefined) return [objection];
    const { epoch } = this.options.catalog;
    // Twice, with the trash in between: what is moved from one to the other meanwhile is seen in one of them.
    for (const look of [this.#inTree, this.#inOwnDirectory, this.#inTree]) {
      const objections = await look.call(this, sealedBy);
      if (objections.length > 0) return objections;
    }
    if (this.options.catalog.epoch !== epoch || !root.isOpen)
      throw new S3Error('SlowDown', { cause: new Error('the lease changed hands meanwhile') });
    await keyCheck.forget(sealedBy, root.temporaryPath());
    return [];
  }

  async #inTree(sealedBy: SealedBy): Promise<Objections> {
    const { catalog, directories, layout, tree } = this.options;
    const { uses, unreadable, unproved } = await takeCensus(catalog, async ({ bucket, segments }) => {
      await directories.find(bucket, segments);
    });
    const use = uses.get(sealedBy);
    const objections: string[] = [];
    if (use) objections.push(`sealed with it: objects ${use.objects}, parts ${use.parts}`);
    if (unproved > 0) objections.push(`directories that are not proved: ${unproved}; try again`);
    for (const { directory, name } of unreadable) {
      const path = layout.object(refOf(directory, name));
      if ((await readSealedBy(tree, path)) === sealedBy)
        objections.push(`${path} claims to be sealed with it, and cannot be read`);
    }
    return objections;
  }

  async #inOwnDirectory(sealedBy: SealedBy): Promise<Objections> {
    const { tree, layout } = this.options;
    const found: string[] = [];
    const search = async (path: string): Promise<void> => {
      if ((await readSealedBy(tree, path)) === sealedBy) found.push(path);
    };
    const uploads = new Set<string>();
    for await (const { path, name } of this.#files(layout.own)) {
      const upload = trashedUpload(name);
      if (upload !== undefined) uploads.add(upload);
      await search(path);
    }
    for (const upload of uploads) {
      const directory = layout.uploadDirectory(upload);
      if (!(await tree.isDirectory(directory))) continue;
      for await (const { path } of this.#files(directory)) await search(path);
    }
    if (found.length === 0) return [];
    return [`sealed with it: files of the gateway's own ${found.length}, such as ${found[0]}`];
  }

  /** All files below a directory, each with its path from there. */
  async *#files(root: string): AsyncGenerator<{ path: string; name: string }> {
    const { tree, layout } = this.options;
    const pending = [root];
    for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
      const listing = await tree.list(directory);
      if (listing.outcome === 'unproved' && (await tree.isDirectory(directory))) continue;
      if (listing.outcome !== 'listed') {
        // Batches of the trash go away meanwhile.
        if (directory !== root && (await this.#isGone(directory))) continue;
        throw new RemoteUnavailable(`the server does not show what ${directory} holds`);
      }
      for (const { name, type } of listing.entries) {
        if (directory === layout.own && NOT_SEARCHED.test(name)) continue;
        const path = `${directory}/${name}`;
        if (type === 'directory') pending.push(path);
        else yield { path, name: path.slice(root.length + 1) };
      }
    }
  }

  /** Whether the directory above, as the server shows it, does not name it any more; or is gone itself. */
  async #isGone(directory: string): Promise<boolean> {
    const { tree, layout } = this.options;
    const above = directory.slice(0, directory.lastIndexOf('/'));
    const listing = await tree.list(above);
    if (listing.outcome === 'listed')
      return !listing.entries.some(({ name }) => `${above}/${name}` === directory);
    if (listing.outcome === 'unproved' && (await tree.isDirectory(above))) return !listing.suspicious;
    return above !== layout.own && this.#isGone(above);
  }
}

/** The upload that keeps the parts of a file in the trash, by its path from the gateway's own directory: `trash/<epoch>/<batch>/…`. */
function trashedUpload(path: string): string | undefined {
  return parseTrashNames(path.split('/').slice(3))?.upload;
}
