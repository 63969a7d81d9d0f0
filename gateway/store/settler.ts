/** Settles what lies at one object's path: looks at the file under the object's lock, and makes the catalog say it. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import { RemoteRefused, type RemoteTree } from '../ftp/remote-tree';
import { IntegrityError } from '../seal/errors';
import { isSameHeader } from '../seal/header';
import type { Catalog } from './catalog';
import type { KeyLock } from './concurrency';
import type { Directory } from './directory';
import type { MirrorQueue } from './mirror-queue';
import { isDamage, type FileFacts, type ObjectFiles } from './object-files';
import { hasDefaultAttributes, isSameContent, type FileRecord, type ObjectRecord } from './object-record';
import type { ObjectRef } from './object-store';
import type { RemoteLayout } from './remote-layout';

/** What a listing said of a file. */
export interface Listed {
  /** Bytes; absent where the server did not say. */
  readonly size?: number;
  /** Milliseconds since the epoch, by the server's clock. */
  readonly modifiedAt?: number;
  /** The listing names an aside of this object too, or only that. */
  readonly hasAside?: boolean;
}

export interface SettlerOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
  /** Held under the object's path while it is written or settled. */
  readonly locks: KeyLock;
  /** Takes a replaced file away from its aside, for good or into the trash. */
  readonly putAway: (ref: ObjectRef, aside: string, record: FileRecord) => Promise<void>;
  /** Where there is a mirror: what is to be carried over to it. */
  readonly mirrorQueue?: MirrorQueue;
  readonly log: Logger;
  readonly now: () => number;
}

export class Settler {
  /** Objects whose file may differ from the catalog, by path, with the intents that say so. */
  readonly #suspects = new Map<string, { readonly ref: ObjectRef; readonly intents: number[] }>();
  readonly stats = { foreignChanges: 0, unreadable: 0 };

  constructor(private readonly options: SettlerOptions) {
    for (const { id, intent } of options.catalog.intents.all()) this.suspect(intent, id);
  }

  suspect(ref: ObjectRef, intent: number): void {
    const path = this.options.layout.object(ref);
    const suspect = this.#suspects.get(path) ?? { ref, intents: [] };
    suspect.intents.push(intent);
    this.#suspects.set(path, suspect);
  }

  isSuspect(ref: ObjectRef): boolean {
    return this.#suspects.size > 0 && this.#suspects.has(this.options.layout.object(ref));
  }

  suspectsIn(bucket: string, prefix: string): ObjectRef[] {
    return [...this.#suspects.values()]
      .map(({ ref }) => ref)
      .filter((ref) => ref.bucket === bucket && ref.key.startsWith(prefix));
  }

  /** @param isCurrent asked under the lock: whether `listed` still tells how things are; if not, nothing is done */
  async settle(
    directory: Directory,
    name: string,
    listed: Listed = {},
    isCurrent: () => boolean = () => true,
  ): Promise<void> {
    const path = this.options.layout.object(refOf(directory, name));
    await this.options.locks.hold(path, async () => {
      if (isCurrent()) await this.settleLocked(directory, name, listed);
    });
  }

  /** For a caller that holds the object's lock. */
  async settleLocked(directory: Directory, name: string, listed: Listed = {}): Promise<void> {
    const { catalog, layout, mirrorQueue } = this.options;
    const ref = refOf(directory, name);
    const path = layout.object(ref);
    const before = catalog.file(directory, name);
    const found = await this.#look(ref, path, listed);
    const intents = this.#suspects.get(path)?.intents ?? [];
    if (intents.length === 0) this.#report(path, before, found);
    await Promise.all([
      found ? catalog.putFile(directory, name, found) : before && catalog.removeFile(directory, name),
      // What went away by itself stays on the mirror: it may be the only copy.
      found?.kind === 'object' && mirrorQueue?.note(ref, { kind: 'found', bytes: found.storedSize }),
      ...intents.map((intent) => catalog.intents.remove(intent)),
    ]);
    this.#suspects.delete(path);
  }

  /** What a file says of its object, which may be sealed for another place than the one that it lies at now. */
  inspect(ref: ObjectRef, path: string, size: number, modifiedAt: number): Promise<FileRecord> {
    return this.#readRecord(ref, path, size, { modifiedAt });
  }

  async #look(ref: ObjectRef, path: string, listed: Listed): Promise<FileRecord | undefined> {
    const { tree, layout, log } = this.options;
    if (listed.size !== undefined && !listed.hasAside) {
      try {
        return await this.#readRecord(ref, path, listed.size, listed);
      } catch (error) {
        // The file may have changed since it was listed: ask for its size, and look again.
        if (!(error instanceof RemoteRefused)) throw error;
      }
    }
    const size = await tree.size(path);
    const aside = layout.aside(path);
    const mayHaveAside = size === undefined || listed.size === undefined || listed.hasAside;
    const asideSize = mayHaveAside ? await tree.size(aside) : undefined;
    if (size !== undefined) {
      const record = await this.#readRecord(ref, path, size, listed);
      if (asideSize !== undefined) await this.#takeAway(ref, aside, asideSize, record);
      return record;
    }
    if (asideSize !== undefined) {
      log.warn({ path }, 'an interrupted replacement is undone');
      await tree.rename(aside, path);
      const restored = await tree.size(path);
      if (restored !== undefined) return this.#readRecord(ref, path, restored, listed);
    }
    if (listed.size === undefined) return undefined;
    throw new S3Error('SlowDown', { cause: new Error(`the server lists ${path} and refuses its size`) });
  }

  /** What was only sealed anew is no version of its own: in the trash, it would take the parts along that both have. */
  async #takeAway(ref: ObjectRef, aside: string, size: number, successor: FileRecord): Promise<void> {
    const record = await this.#readRecord(ref, aside, size, {});
    const isResealed =
      record.kind === 'object' && successor.kind === 'object' && isSameContent(record, successor);
    if (isResealed) await this.options.tree.remove(aside);
    else await this.options.putAway(ref, aside, record);
  }

  async #readRecord(ref: ObjectRef, path: string, size: number, { modifiedAt }: Listed): Promise<FileRecord> {
    const { files, now, tree } = this.options;
    try {
      return recordOf(await files.readFacts(path, ref, size), modifiedAt ?? now());
    } catch (error) {
      if (!isDamage(error)) throw error;
      // A listing older than the file makes it look cut or longer.
      const isSizeDamage = error instanceof IntegrityError && error.reason !== 'unknown-key';
      const sizeNow = isSizeDamage ? await tree.size(path) : size;
      if (sizeNow !== undefined && sizeNow !== size) return this.#readRecord(ref, path, sizeNow, {});
      return { kind: 'unreadable', storedSize: size, reason: error.message };
    }
  }

  #report(path: string, before: FileRecord | undefined, found: FileRecord | undefined): void {
    const { log } = this.options;
    if (found?.kind === 'unreadable') {
      this.stats.unreadable += 1;
      log.error({ path, reason: found.reason }, 'a stored file is not a whole object');
    } else if (before?.kind === 'object' && !sameVersion(before, found)) {
      this.stats.foreignChanges += 1;
      // What a seal says of the time is true: somebody put back what was replaced.
      const isOlder = found?.header !== undefined && found.lastModified < before.lastModified;
      const now = isOlder ? 'an older version' : found ? 'another version' : 'gone';
      log[isOlder ? 'error' : 'warn']({ path, now }, 'an object changed behind the gateway');
    }
  }
}

export function refOf({ bucket, segments }: Directory, name: string): ObjectRef {
  return { bucket, key: [...segments, name].join('/') };
}

function sameVersion(a: ObjectRecord, b: ObjectRecord | undefined): boolean {
  if (!b) return false;
  return a.header && b.header ? isSameHeader(a.header, b.header) : a.storedSize === b.storedSize;
}

function recordOf({ storedSize, header, metadata }: FileFacts, modifiedAt: number): ObjectRecord {
  if (!metadata) {
    const lastModified = Math.floor(modifiedAt / 1000) * 1000;
    return { kind: 'object', size: storedSize, storedSize, lastModified, etag: '' };
  }
  const { headers, metadata: userMetadata, ...rest } = metadata;
  const attributes = { headers, metadata: userMetadata };
  return {
    kind: 'object',
    storedSize,
    ...rest,
    ...(header && { header }),
    ...(!hasDefaultAttributes(attributes) && { attributes }),
  };
}
