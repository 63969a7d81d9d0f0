/** Writes and deletes objects, one writer a key: file first, catalog last; and the other way round for a delete. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import {
  RemoteRefused,
  type DirectoryOutcome,
  type NewDirectories,
  type RemoteTree,
} from '../ftp/remote-tree';
import type { BlockReferences } from './block-references';
import type { Catalog } from './catalog';
import { KeyLock } from './concurrency';
import type { DeleteGuard } from './delete-guard';
import type { Directories } from './directories';
import type { Directory } from './directory';
import type { MirrorQueue } from './mirror-queue';
import { isSameVersion, toInfo, type FileRecord, type ObjectRecord } from './object-record';
import type { ObjectInfo, ObjectRef, PutOptions } from './object-store';
import type { PlainReads } from './plain-reads';
import type { RemoteLayout } from './remote-layout';
import { Replacement } from './replacement';
import { directoryNames, newLevels } from './remote-path';
import type { Settler } from './settler';
import type { Trash } from './trash';
import type { TrashEntry } from './trash-rows';

export interface ObjectWriterOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly settler: Settler;
  readonly guard: DeleteGuard;
  readonly references: BlockReferences;
  readonly trash: Trash;
  readonly layout: RemoteLayout;
  /** The same that the settler holds. */
  readonly locks: KeyLock;
  /** The same that the reader begins. */
  readonly plainReads: PlainReads;
  /** Names a file in this process's own directory; never the same twice. */
  readonly temporaryPath: () => string;
  /** Deletes the parts of an object that is gone, when nobody reads them any more. */
  readonly discardParts: (uploadId: string) => void;
  /** Where there is a mirror: what is to be carried over to it. */
  readonly mirrorQueue?: MirrorQueue;
  readonly log: Logger;
  readonly now: () => number;
}

export interface CommitOptions extends PutOptions {
  /** Changes what has to change together with the object's row. */
  readonly alongside?: (record: ObjectRecord) => Promise<void>;
  /** `write` can be called once more, makes the directories that it is told, and heeds `mayCommit`. @default false */
  readonly writesAhead?: boolean;
}

/** A version about to be written. */
export interface NewVersion {
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
  /** What it replaces, if that may be worth keeping. */
  readonly replaced?: Replacement;
  /** To be made along with its file, and all that is still to be done before the file may come to its place. */
  readonly newDirectories?: NewDirectories;
  /** Where given, to be awaited before anything changes at the file's place; meanwhile it can be on its way. */
  readonly mayCommit?: () => Promise<void>;
}

export class ObjectWriter {
  readonly #makingDirectories = new KeyLock();
  /**
   * Whose turn it is to write an object, from the moment that the request came: of a write that its client gave up and the one that it sent instead, the
   * later one must win, even if the first has to begin anew. Taken before the object's lock, which whoever looks at directories takes, too.
   */
  readonly #turns = new KeyLock();
  readonly #writers = new Map<string, number>();
  readonly #closing = new Set<string>();

  constructor(private readonly options: ObjectWriterOptions) {}

  /**
   * Commits a new version of an object. `write` stores the file, taking care of what it replaces, and returns its record; it is called under the key's
   * lock, after the condition held, and may throw before anything changed or when nobody knows whether it did.
   */
  async commit(
    ref: ObjectRef,
    write: (version: NewVersion) => Promise<ObjectRecord>,
    options: CommitOptions = {},
  ): Promise<ObjectInfo> {
    return this.#asWriter(ref, async () => {
      const segments = ref.key.split('/');
      const name = segments.pop() ?? '';
      const known = await this.options.directories.find(ref.bucket, segments);
      if (!known && options.writesAhead) {
        try {
          return await this.#commitInNew(ref, segments, name, write, options);
        } catch (error) {
          if (!(error instanceof DirectoryTakenError)) throw error;
        }
      }
      const directory = known ?? (await this.#makeDirectories(ref.bucket, segments));
      return this.#holding(ref, directory, () => this.#commitIn(ref, directory, name, write, options));
    });
  }

  async #commitIn(
    ref: ObjectRef,
    directory: Directory,
    name: string,
    write: (version: NewVersion) => Promise<ObjectRecord>,
    { condition, alongside, writesAhead = false }: CommitOptions,
  ): Promise<ObjectInfo> {
    const current = await this.#current(ref, directory, name);
    condition?.(current && !current.damaged ? toInfo(ref.key, current) : undefined);
    const replaced = this.#replacement(ref, directory, name);
    const lastModified = this.#lastModified(current);
    const record = await this.#commitLocked(
      ref,
      name,
      async (mayCommit) => {
        if (!writesAhead) await mayCommit();
        const ahead = writesAhead && { mayCommit };
        return {
          directory,
          record: await write({ lastModified, ...(replaced && { replaced }), ...ahead }),
        };
      },
      (committed) => [alongside?.(committed), replaced?.entry && this.options.trash.add(replaced.entry)],
    );
    if (current?.upload !== undefined && current.upload !== record.upload && !replaced?.entry)
      this.options.discardParts(current.upload);
    return toInfo(ref.key, record);
  }

  /**
   * Commits an object in a directory that surely does not exist, which is made along with its file: so it takes no round trip of its own. Throws
   * `DirectoryTakenError`, and nothing has changed, if somebody else made it meanwhile.
   */
  async #commitInNew(
    ref: ObjectRef,
    segments: readonly string[],
    name: string,
    write: (version: NewVersion) => Promise<ObjectRecord>,
    { condition, alongside }: CommitOptions,
  ): Promise<ObjectInfo> {
    const { catalog, layout, locks, settler } = this.options;
    const parent = this.#deepest(ref.bucket, segments);
    const missing = segments.slice(parent.segments.length);
    return locks.hold(layout.object(ref), async () => {
      condition?.(undefined);
      let directory: Directory | undefined;
      let release: (() => void) | undefined;
      const made = async (outcomes: readonly DirectoryOutcome[]): Promise<void> => {
        const proved = await this.#addMade(parent, missing, outcomes);
        // It is told again where the file has to be sent again.
        release ??= catalog.hold(proved);
        if (!release || settler.isSuspect(ref) || catalog.file(proved, name)) throw new DirectoryTakenError();
        directory = proved;
      };
      const newDirectories = { paths: this.#pathsBelow(parent, missing), made };
      const lastModified = this.#lastModified(undefined);
      try {
        const record = await this.#commitLocked(
          ref,
          name,
          async (mayCommit) => {
            const record = await write({ lastModified, newDirectories, mayCommit });
            if (!directory) throw new Error('a file was stored before its directory was known');
            return { directory, record };
          },
          (committed) => [alongside?.(committed)],
        );
        return toInfo(ref.key, record);
      } finally {
        release?.();
      }
    });
  }

  /** The catalog's rows of directories that were just made. Throws `DirectoryTakenError` if the last is not surely as the catalog has it. */
  async #addMade(
    parent: Directory,
    segments: readonly string[],
    outcomes: readonly DirectoryOutcome[],
  ): Promise<Directory> {
    const { catalog } = this.options;
    const directories = await catalog.addDirectories(parent, newLevels(segments, outcomes));
    if (!directories.every((directory) => catalog.isProved(directory))) throw new DirectoryTakenError();
    return directories.at(-1) ?? parent;
  }

  /** The last directory on the way to `segments` that the catalog has. */
  #deepest(bucket: string, segments: readonly string[]): Directory {
    const { catalog } = this.options;
    let directory = catalog.root(bucket);
    if (!directory) throw new S3Error('NoSuchBucket', { details: { BucketName: bucket } });
    for (const segment of segments) {
      const next: Directory | undefined = catalog.subdirectory(directory, segment);
      if (!next) break;
      directory = next;
    }
    return directory;
  }

  #pathsBelow(parent: Directory, segments: readonly string[]): string[] {
    let path = this.options.layout.directory(parent.bucket, parent.segments);
    return segments.flatMap(directoryNames).map((level) => (path += `/${level}`));
  }

  /**
   * Stores the file of a version anew, without any change that S3 shows. False, and nothing is done, if that version is no more, or if somebody reads it
   * who could not tell the new file from the old one.
   * @param mends also one that is damaged: `write` has its bytes from elsewhere
   */
  async replace(
    ref: ObjectRef,
    version: ObjectRecord,
    write: () => Promise<ObjectRecord>,
    mends = false,
  ): Promise<boolean> {
    return this.#asWriter(ref, async () => {
      const segments = ref.key.split('/');
      const name = segments.pop() ?? '';
      const directory = await this.options.directories.find(ref.bucket, segments);
      if (!directory) return false;
      const path = this.options.layout.object(ref);
      return this.options.locks.hold(path, async () => {
        const current = await this.#current(ref, directory, name);
        if (!current || (current.damaged && !mends) || !isSameVersion(current, version)) return false;
        if (this.options.plainReads.isRead(path)) return false;
        await this.#commitLocked(
          ref,
          name,
          async (mayCommit) => {
            await mayCommit();
            return { directory, record: await write() };
          },
          () => [],
        );
        return true;
      });
    });
  }

  /** Whether somebody waits to write or settle an object that is being written. */
  isAwaited(ref: ObjectRef): boolean {
    const path = this.options.layout.object(ref);
    return this.#turns.isAwaited(path) || this.options.locks.isAwaited(path);
  }

  async delete(ref: ObjectRef, { condition }: PutOptions = {}): Promise<void> {
    return this.#asWriter(ref, async () => {
      const segments = ref.key.split('/');
      const name = segments.pop() ?? '';
      const directory = await this.options.directories.find(ref.bucket, segments);
      if (!directory) return condition?.(undefined);
      await this.#holding(ref, directory, async () => {
        const current = await this.#current(ref, directory, name);
        condition?.(current && toInfo(ref.key, current));
        if (!current) return;
        await this.#deleteLocked(ref, directory, name, current);
      });
    });
  }

  /** Runs `remove` while nobody writes to the bucket, and lets nobody begin. */
  async closeBucket(bucket: string, remove: () => Promise<void>): Promise<void> {
    if (this.#writers.has(bucket) || this.#closing.has(bucket)) {
      throw new S3Error('BucketNotEmpty', { message: 'The bucket is being written to.' });
    }
    this.#closing.add(bucket);
    try {
      await remove();
    } finally {
      this.#closing.delete(bucket);
    }
  }

  async #asWriter<T>(ref: ObjectRef, write: () => Promise<T>): Promise<T> {
    const { bucket } = ref;
    if (this.#closing.has(bucket)) throw new S3Error('NoSuchBucket', { details: { BucketName: bucket } });
    this.#writers.set(bucket, (this.#writers.get(bucket) ?? 0) + 1);
    try {
      return await this.#turns.hold(this.options.layout.object(ref), write);
    } finally {
      const left = (this.#writers.get(bucket) ?? 1) - 1;
      if (left > 0) this.#writers.set(bucket, left);
      else this.#writers.delete(bucket);
    }
  }

  /** Runs `task` under the object's lock, in a directory that nobody removes meanwhile. */
  async #holding<T>(
    ref: ObjectRef,
    directory: Directory,
    task: (directory: Directory) => Promise<T>,
  ): Promise<T> {
    const { catalog, layout, locks } = this.options;
    return locks.hold(layout.object(ref), async () => {
      const release = catalog.hold(directory);
      if (!release) throw new S3Error('SlowDown', { cause: new Error('the directory has just gone away') });
      try {
        return await task(directory);
      } finally {
        release();
      }
    });
  }

  async #current(ref: ObjectRef, directory: Directory, name: string): Promise<ObjectRecord | undefined> {
    const { settler, catalog } = this.options;
    if (settler.isSuspect(ref)) await settler.settleLocked(directory, name);
    const record = catalog.file(directory, name);
    return record?.kind === 'object' ? record : undefined;
  }

  /** Whole seconds, and later than what is replaced: Longhorn's locks tell by it that they were renewed. */
  #lastModified(current: ObjectRecord | undefined): number {
    const now = Math.floor(this.options.now() / 1000) * 1000;
    return current ? Math.max(now, current.lastModified + 1000) : now;
  }

  /**
   * The intent makes a crash, or a doubtful failure, between file and catalog visible to whoever looks at the object next.
   * @param write awaits `mayCommit` before it changes anything at the object's place
   */
  async #commitLocked(
    ref: ObjectRef,
    name: string,
    write: (
      mayCommit: () => Promise<void>,
    ) => Promise<{ readonly directory: Directory; readonly record: ObjectRecord }>,
    alongside: (record: ObjectRecord) => (Promise<void> | undefined)[],
  ): Promise<ObjectRecord> {
    const { catalog, settler, mirrorQueue } = this.options;
    const { epoch } = catalog;
    const { id: intent, written } = catalog.intents.add(ref);
    written.catch(() => undefined);
    let isChanging = false;
    const mayCommit = async (): Promise<void> => {
      await written;
      isChanging = true;
    };
    try {
      const { directory, record } = await write(mayCommit);
      const before = catalog.file(directory, name);
      if (catalog.epoch !== epoch)
        throw new S3Error('SlowDown', { cause: new Error('the lease changed hands meanwhile') });
      await Promise.all([
        catalog.putFile(directory, name, record),
        catalog.intents.remove(intent),
        mirrorQueue?.note(ref, {
          kind: 'stored',
          bytes: record.storedSize,
          uploads: uploadsOf(before).filter((upload) => upload !== record.upload),
        }),
        ...alongside(record),
      ]);
      return record;
    } catch (error) {
      if (isChanging) settler.suspect(ref, intent);
      // One that is left, in vain, is settled by the next start.
      else catalog.intents.remove(intent).catch(() => undefined);
      throw error;
    }
  }

  /** One rename takes the file away: so a delete that the server carries out late cannot meet a newer version. */
  async #deleteLocked(
    ref: ObjectRef,
    directory: Directory,
    name: string,
    current: ObjectRecord,
  ): Promise<void> {
    const { catalog, settler, guard, trash, discardParts } = this.options;
    await guard.prepare(ref);
    const entry = trash.keeps(ref, current) ? await trash.reserve(ref, current) : undefined;
    const { id: intent, written } = catalog.intents.add(ref);
    await written;
    let objection: S3Error | undefined;
    try {
      objection = await this.#removeRow(ref, directory, name, entry);
      if (!objection) {
        await this.#moveAway(ref, entry);
        if (current.upload !== undefined && !entry) discardParts(current.upload);
      }
      await catalog.intents.remove(intent);
    } catch (error) {
      settler.suspect(ref, intent);
      throw error;
    }
    if (objection) throw objection;
  }

  /** In one transaction with the guard's look: no backup that needs the object can come in between. */
  #removeRow(
    ref: ObjectRef,
    directory: Directory,
    name: string,
    entry: TrashEntry | undefined,
  ): Promise<S3Error | undefined> {
    const { catalog, guard, references, trash, mirrorQueue } = this.options;
    return catalog.atomically(() => {
      const objection = guard.objection(ref);
      if (objection) return objection;
      void mirrorQueue?.note(ref, { kind: 'deleted', uploads: uploadsOf(catalog.file(directory, name)) });
      void catalog.removeFile(directory, name);
      references.forget(ref);
      if (entry) void trash.add(entry);
      return undefined;
    });
  }

  /** Into the trash, or else into the temporary directory and from there for good. */
  async #moveAway(ref: ObjectRef, entry: TrashEntry | undefined): Promise<void> {
    const { tree, layout, trash, temporaryPath, log } = this.options;
    const path = layout.object(ref);
    const to = entry ? trash.pathOf(entry) : temporaryPath();
    try {
      await tree.rename(path, to);
    } catch (error) {
      if (!(error instanceof RemoteRefused) || (await tree.size(path)) !== undefined) throw error;
      if (entry) await trash.forget(entry);
      return;
    }
    if (entry) return;
    tree.remove(to).catch((error: unknown) => {
      log.warn({ path: to, reason: String(error) }, 'a deleted file is left for the next start to remove');
    });
  }

  /** What lies there now, an object or not, if it may be worth keeping. */
  #replacement(ref: ObjectRef, directory: Directory, name: string): Replacement | undefined {
    const { catalog, trash, tree } = this.options;
    const record = catalog.file(directory, name);
    return record && trash.keeps(ref, record) ? new Replacement(tree, trash, ref, record) : undefined;
  }

  async #makeDirectories(bucket: string, segments: readonly string[]): Promise<Directory> {
    const known = await this.options.directories.find(bucket, segments);
    return known ?? this.#makeBelow(this.#deepest(bucket, []), segments);
  }

  async #makeBelow(parent: Directory, segments: readonly string[]): Promise<Directory> {
    const { catalog, directories } = this.options;
    const [segment, ...rest] = segments;
    if (segment === undefined) return parent;
    const depth = parent.segments.length + segments.length;
    const directory = await this.#makingDirectories.hold(`${parent.id}/${segment}`, async () => {
      const known = catalog.subdirectory(parent, segment);
      if (!known) return this.#makeAll(parent, segments);
      await directories.prove(known);
      return known;
    });
    return directory.segments.length === depth ? directory : this.#makeBelow(directory, rest);
  }

  /** All levels in one go. A directory that this very call made is empty for sure; one that was there has to be proved. */
  async #makeAll(parent: Directory, segments: readonly string[]): Promise<Directory> {
    const { catalog, directories, tree } = this.options;
    const outcomes = await tree.makeDirs(this.#pathsBelow(parent, segments));
    const added = await catalog.addDirectories(parent, newLevels(segments, outcomes));
    for (const directory of added) await directories.prove(directory);
    return added.at(-1) ?? parent;
  }
}

function uploadsOf(record: FileRecord | undefined): string[] {
  return record?.kind === 'object' && record.upload !== undefined ? [record.upload] : [];
}

/** A directory that was to be new is there already. */
class DirectoryTakenError extends Error {}
