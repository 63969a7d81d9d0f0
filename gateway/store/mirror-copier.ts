/** Brings one object on the mirror to the state that the first location has: its stored bytes as they are, or nothing. */

import { parseKey } from '../backupstore/layout';
import { S3Error } from '../errors';
import { RemoteRefused } from '../ftp/remote-tree';
import type { Keyring } from '../seal/keyring';
import { isSameHeader } from '../seal/header';
import { HEADER_SIZE } from '../seal/layout';
import type { Catalog } from './catalog';
import type { KeyLock } from './concurrency';
import { copyFile, MovingError, type StoredCopy } from './copy-file';
import type { Directories } from './directories';
import type { PendingChange } from './mirror-queue';
import type { Location } from './mirror-root';
import { isSameVersion, type FileRecord, type ObjectRecord, type StoredPart } from './object-record';
import type { ObjectRef } from './object-store';
import type { Settler } from './settler';

export interface MirrorCopierOptions {
  readonly first: Location;
  readonly mirror: Location;
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly settler: Settler;
  /** The same that writers hold. */
  readonly locks: KeyLock;
  readonly keyring?: Keyring;
  /** Names a file on the mirror, in this epoch's own directory. */
  readonly temporaryPath: () => string;
}

export class MirrorCopier {
  readonly stats = { copied: 0, copiedBytes: 0, deleted: 0 };

  constructor(private readonly options: MirrorCopierOptions) {}

  /** Throws `MovingError`, `DamagedSourceError` and what the trees throw. */
  async carry(change: PendingChange): Promise<void> {
    const record = await this.#stateOf(change);
    if (record?.kind === 'object' && !record.damaged) await this.#store(change, record, change.kind);
    else if (record === undefined && change.kind === 'deleted') await this.#delete(change);
    const named = record?.kind === 'object' ? record.upload : undefined;
    for (const upload of change.uploads) if (upload !== named) await this.removeUpload(upload);
  }

  /** Whether the mirror has this very version; of a plain file only its size tells. */
  async has(ref: ObjectRef, { storedSize, header, upload, parts = [] }: ObjectRecord): Promise<boolean> {
    const { tree, layout } = this.options.mirror;
    if (!(await this.#isSame(layout.object(ref), storedSize, header))) return false;
    if (upload === undefined) return true;
    for (const { file, storedSize: size } of parts)
      if ((await tree.size(layout.part(upload, file))) !== size) return false;
    return true;
  }

  /** Deletes the parts of an upload on the mirror. */
  async removeUpload(upload: string): Promise<void> {
    const { tree, layout } = this.options.mirror;
    const directory = layout.uploadDirectory(upload);
    const listing = await tree.list(directory);
    if (listing.outcome === 'refused') return;
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    for (const { name } of entries) await tree.remove(`${directory}/${name}`);
    await tree.removeDir(directory);
  }

  /**
   * What the catalog has of it, settled. Of what was deleted only what is proved now: after a loss of the lease another gateway may have stored it anew.
   */
  async #stateOf({ bucket, key, kind }: PendingChange): Promise<FileRecord | undefined> {
    const { catalog, directories, settler, locks, first } = this.options;
    const segments = key.split('/');
    const name = segments.pop() ?? '';
    const ref = { bucket, key };
    const isSure = kind !== 'deleted' && !settler.isSuspect(ref);
    if (!isSure && catalog.bucket(bucket)) {
      const proved = await directories.find(bucket, segments);
      if (proved && settler.isSuspect(ref)) await settler.settle(proved, name);
    }
    if (locks.isHeld(first.layout.object(ref))) throw new MovingError('it is being written');
    const directory = catalog.directory(bucket, segments);
    return directory && catalog.file(directory, name);
  }

  async #store(ref: PendingChange, record: ObjectRecord, kind: PendingChange['kind']): Promise<void> {
    const { first, mirror } = this.options;
    const { storedSize, header, etag, upload } = record;
    const isUnchanged = (): boolean => this.#isUnchanged(ref, record);
    if (upload !== undefined) await this.#storeParts(ref, upload, record.parts ?? [], isUnchanged);
    const path = mirror.layout.object(ref);
    const maySkip = header !== undefined || (kind === 'found' && parseKey(ref.key)?.kind === 'block');
    if (!maySkip || !(await this.#isSame(path, storedSize, header))) {
      const context = { bucket: ref.bucket, key: ref.key };
      const file = { context, storedSize, etag, ...(header && { header }) };
      await this.#copy(first.layout.object(ref), path, file, isUnchanged);
    }
    if (upload !== undefined && isUnchanged()) await this.#tidy(upload, record.parts ?? []);
  }

  async #storeParts(
    { bucket, key }: ObjectRef,
    uploadId: string,
    parts: readonly StoredPart[],
    isUnchanged: () => boolean,
  ): Promise<void> {
    const { first, mirror } = this.options;
    for (const { file, partNumber, storedSize, header } of parts) {
      const path = mirror.layout.part(uploadId, file);
      // The name of a part's file never comes twice.
      if ((await mirror.tree.size(path)) === storedSize) continue;
      const sealed = header === undefined ? {} : { header: Buffer.from(header, 'base64') };
      const copy = { context: { bucket, key, uploadId, partNumber }, storedSize, ...sealed };
      await this.#copy(first.layout.part(uploadId, file), path, copy, isUnchanged);
    }
  }

  async #copy(from: string, to: string, file: StoredCopy, isUnchanged: () => boolean): Promise<void> {
    const { first, mirror, keyring, temporaryPath } = this.options;
    const size = file.storedSize;
    await copyFile({
      from: first,
      to: mirror,
      paths: { from, to, temporary: temporaryPath() },
      file,
      ...(keyring && { keyring }),
      isUnchanged,
    });
    this.stats.copied += 1;
    this.stats.copiedBytes += size;
  }

  /** One rename takes it away, so that a delete which the server carries out late meets no newer file. */
  async #delete(ref: ObjectRef): Promise<void> {
    const { tree, layout } = this.options.mirror;
    const path = layout.object(ref);
    const temporary = this.options.temporaryPath();
    // A crash may have left an older file beside the name, which would stand for the object.
    await tree.remove(layout.aside(path));
    try {
      await tree.rename(path, temporary);
    } catch (error) {
      if (!(error instanceof RemoteRefused) || (await tree.size(path)) !== undefined) throw error;
      return;
    }
    await tree.remove(temporary);
    this.stats.deleted += 1;
  }

  /** Deletes files of parts that a sealing anew replaced. */
  async #tidy(upload: string, parts: readonly { readonly file: string }[]): Promise<void> {
    const { tree, layout } = this.options.mirror;
    const listing = await tree.list(layout.uploadDirectory(upload));
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    const named = new Set(parts.map(({ file }) => file));
    for (const { name } of entries) if (!named.has(name)) await tree.remove(layout.part(upload, name));
  }

  async #isSame(path: string, storedSize: number, header: Buffer | undefined): Promise<boolean> {
    const { tree } = this.options.mirror;
    if ((await tree.size(path)) !== storedSize) return false;
    if (!header) return true;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of tree.read(path, { end: HEADER_SIZE })) chunks.push(chunk);
    } catch (error) {
      if (!(error instanceof RemoteRefused)) throw error;
      return false;
    }
    return isSameHeader(Buffer.concat(chunks), header);
  }

  #isUnchanged({ bucket, key }: ObjectRef, record: ObjectRecord): boolean {
    const { catalog, settler, locks, first } = this.options;
    const segments = key.split('/');
    const name = segments.pop() ?? '';
    const directory = catalog.directory(bucket, segments);
    const now = directory && catalog.file(directory, name);
    const isSame = now?.kind === 'object' && isSameVersion(now, record);
    const isStill = !locks.isHeld(first.layout.object({ bucket, key }));
    return isSame && isStill && !settler.isSuspect({ bucket, key });
  }
}

/** Whether trying again later, without doing anything, may help. */
export function isPassing(error: unknown): boolean {
  return error instanceof MovingError || (error instanceof S3Error && error.code === 'SlowDown');
}
