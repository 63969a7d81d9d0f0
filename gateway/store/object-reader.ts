/** Reads objects: catalog first, and the FTP server only for bytes and for what is not proved yet. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import { RemoteRefused } from '../ftp/remote-tree';
import { listPage } from '../s3/list';
import type { Catalog } from './catalog';
import type { KeyLock } from './concurrency';
import type { Directories } from './directories';
import type { Directory } from './directory';
import type { MirrorReads } from './mirror-reads';
import { isDamage, type ObjectFiles } from './object-files';
import { isSameContent, isSameVersion, toInfo, type ObjectRecord, type StoredPart } from './object-record';
import type { PlainReads } from './plain-reads';
import type { ByteRange, ListPage, ListQuery, ObjectInfo, ObjectRef, OpenObject } from './object-store';
import { toS3Error } from './remote-errors';
import type { RemoteLayout } from './remote-layout';
import type { Settler } from './settler';

/** How many directories a page proves before it is tried again: the first of them may fill it. */
const PROVE_AT_ONCE = 32;

/** Stands for what a directory holds; never part of a page that is answered. */
const UNKNOWN: ObjectInfo = { key: '', size: 0, etag: '', lastModified: 0, headers: {}, metadata: {} };

export interface ObjectReaderOptions {
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly settler: Settler;
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
  /** The same that the settler holds. */
  readonly locks: KeyLock;
  readonly plainReads: PlainReads;
  /** Keeps the parts of an upload from being deleted until the release. */
  readonly retainParts: (uploadId: string) => () => void;
  /** Where what the first location cannot give may be read from. */
  readonly mirrorReads?: MirrorReads;
  readonly log: Logger;
}

/** Where files lie, and how they are read. */
export interface ReadFrom {
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
}

/** Where an object's row stands. */
export interface Place {
  readonly directory: Directory;
  readonly name: string;
}

export class ObjectReader {
  readonly stats = { damaged: 0 };

  constructor(private readonly options: ObjectReaderOptions) {}

  /** The directory of the key, proved and settled, and the name in it; undefined if there is surely no such directory. */
  async place(ref: ObjectRef): Promise<Place | undefined> {
    const { directories, settler } = this.options;
    const segments = ref.key.split('/');
    const name = segments.pop() ?? '';
    const directory = await directories.find(ref.bucket, segments);
    if (!directory) return undefined;
    if (settler.isSuspect(ref)) await settler.settle(directory, name);
    return { directory, name };
  }

  async stat(ref: ObjectRef): Promise<ObjectInfo | undefined> {
    const found = await this.find(ref);
    return found && !found.record.damaged ? toInfo(ref.key, found.record) : undefined;
  }

  /** What the catalog has of an object, proved and settled. */
  async record(ref: ObjectRef): Promise<ObjectRecord | undefined> {
    const place = await this.place(ref);
    const record = place && this.options.catalog.file(place.directory, place.name);
    return record?.kind === 'object' ? record : undefined;
  }

  async open(ref: ObjectRef): Promise<OpenObject> {
    const found = await this.find(ref);
    if (!found) throw new S3Error('NoSuchKey', { details: { Key: ref.key } });
    const { place, record } = found;
    return { info: toInfo(ref.key, record), read: (range) => this.read(ref, place, record, range) };
  }

  async list(bucket: string, query: ListQuery): Promise<ListPage> {
    const { catalog, directories, settler } = this.options;
    await directories.find(bucket, query.prefix.split('/').slice(0, -1));
    for (const ref of settler.suspectsIn(bucket, query.prefix)) await this.place(ref);
    for (;;) {
      const unproved: Directory[] = [];
      const page = listPage(
        { from: (key, inclusive) => stepsOf(catalog, bucket, key, inclusive, unproved) },
        query,
      );
      if (unproved.length === 0) return page;
      await directories.proveAll(unproved);
    }
  }

  /** The object as the catalog has it; undefined if it surely does not exist. */
  async find(ref: ObjectRef): Promise<{ place: Place; record: ObjectRecord } | undefined> {
    const { catalog } = this.options;
    const place = await this.place(ref);
    const record = place && catalog.file(place.directory, place.name);
    if (!place || record?.kind !== 'object') return undefined;
    return { place, record: await this.#withEtag(ref, place, record) };
  }

  /** A plain file that was found has no ETag until somebody asks. */
  async #withEtag(ref: ObjectRef, place: Place, record: ObjectRecord): Promise<ObjectRecord> {
    if (record.etag !== '') return record;
    const { files, layout, catalog } = this.options;
    const { directory, name } = place;
    const path = layout.object(ref);
    const { now, release } = await this.#retainPlain(ref, place, record);
    try {
      if (!now || !isSameVersion(now, record)) throw changed();
      const complete = { ...record, etag: await files.md5(path, record.storedSize) };
      // A newer version, stored meanwhile, has its own.
      if (catalog.file(directory, name)?.storedSize === record.storedSize)
        await catalog.putFile(directory, name, complete);
      return complete;
    } finally {
      release();
    }
  }

  /** Yields the bytes of one version of an object. If it is sealed anew meanwhile, goes on in the new file, whose bytes are the same. */
  async *read(ref: ObjectRef, place: Place, record: ObjectRecord, range?: ByteRange): AsyncGenerator<Buffer> {
    const end = range?.end ?? record.size;
    let at = range?.start ?? 0;
    for (let version: ObjectRecord | undefined = record; version;) {
      const { now, release } = await this.#retainPlain(ref, place, version);
      try {
        if (!now || !(isSameVersion(now, version) || isSameContent(now, version))) throw changed();
        for await (const chunk of this.#readVersion(ref, now, { start: at, end })) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        const read: ObjectRecord = now ?? version;
        const from = await this.options.mirrorReads?.insteadOf(error, ref, place, read);
        if (from) {
          yield* this.readFrom(from, ref, read, { start: at, end });
          return;
        }
        version = await this.#successor(error, ref, place, read);
      } finally {
        release();
      }
    }
  }

  /** A plain file as it is now, which nobody seals before the release. For a sealed one there is nothing to do: another version would not open. */
  async #retainPlain(
    ref: ObjectRef,
    { directory, name }: Place,
    record: ObjectRecord,
  ): Promise<{ now: ObjectRecord | undefined; release: () => void }> {
    const { files, layout, locks, plainReads, catalog } = this.options;
    if (record.header || !files.seals) return { now: record, release: () => undefined };
    const path = layout.object(ref);
    return locks.hold(path, () => {
      const now = catalog.file(directory, name);
      const release = plainReads.begin(path);
      return Promise.resolve({ now: now?.kind === 'object' ? now : undefined, release });
    });
  }

  /** Yields the bytes of this very version, from elsewhere than the first location. Throws `S3Error`. */
  async *readFrom(
    from: ReadFrom,
    ref: ObjectRef,
    record: ObjectRecord,
    range: ByteRange = { start: 0, end: record.size },
  ): AsyncGenerator<Buffer> {
    try {
      yield* this.#readVersion(ref, record, range, from);
    } catch (error) {
      throw toS3Error(error);
    }
  }

  #readVersion(
    ref: ObjectRef,
    record: ObjectRecord,
    { start, end }: ByteRange,
    from: ReadFrom = this.options,
  ): AsyncIterable<Buffer> {
    const range = start === 0 && end === record.size ? undefined : { start, end };
    return record.parts && record.upload !== undefined
      ? this.#readParts(ref, record.upload, record.parts, from, range)
      : this.#readFile(ref, record, from, range);
  }

  #readFile(
    ref: ObjectRef,
    { size, storedSize, header }: ObjectRecord,
    { files, layout }: ReadFrom,
    range?: ByteRange,
  ): AsyncIterable<Buffer> {
    const file = { path: layout.object(ref), context: ref, size, storedSize, ...(header && { header }) };
    return files.read(file, range);
  }

  async *#readParts(
    ref: ObjectRef,
    uploadId: string,
    parts: readonly StoredPart[],
    { files, layout }: ReadFrom,
    range: ByteRange = { start: 0, end: Infinity },
  ): AsyncGenerator<Buffer> {
    const release = this.options.retainParts(uploadId);
    try {
      let offset = 0;
      for (const { partNumber, file, size, storedSize, header } of parts) {
        const start = Math.max(range.start - offset, 0);
        const end = Math.min(range.end - offset, size);
        offset += size;
        if (start >= end) continue;
        const context = { ...ref, uploadId, partNumber };
        const part = { path: layout.part(uploadId, file), context, size, storedSize };
        const sealed = header === undefined ? {} : { header: Buffer.from(header, 'base64') };
        yield* files.read({ ...part, ...sealed }, { start, end });
      }
    } finally {
      release();
    }
  }

  /** The version to go on with, if a read failed because the object was sealed anew. Otherwise throws why: it was replaced, it is damaged, or the way to it is. */
  async #successor(
    error: unknown,
    ref: ObjectRef,
    { directory, name }: Place,
    record: ObjectRecord,
  ): Promise<ObjectRecord> {
    if (!isDamage(error) && !(error instanceof RemoteRefused)) throw toS3Error(error);
    const { catalog, settler } = this.options;
    if (catalog.file(directory, name) === undefined) throw new S3Error('NoSuchKey', { cause: error });
    await settler.settle(directory, name);
    const now = catalog.file(directory, name);
    if (now?.kind !== 'object') throw changed(error);
    if (!isSameVersion(now, record)) {
      if (isSameContent(now, record)) return now;
      throw changed(error);
    }
    await this.markDamaged(ref, { directory, name }, now, error);
    throw toS3Error(error);
  }

  /** Unless it was replaced meanwhile. */
  async markDamaged(
    { bucket, key }: ObjectRef,
    { directory, name }: Place,
    record: ObjectRecord,
    { message: reason }: Error,
  ): Promise<void> {
    const { catalog, log } = this.options;
    const now = catalog.file(directory, name);
    if (now?.kind !== 'object' || now.damaged || !isSameVersion(now, record)) return;
    this.stats.damaged += 1;
    log.error({ bucket, key, reason }, 'a stored object is damaged');
    await catalog.putFile(directory, name, { ...now, damaged: true });
  }
}

/**
 * What a page is made from. A directory that is not proved stands in the page as if it were an object with its prefix for a key: so the page
 * finds just those that it rests on, and has to be made again when they are proved.
 */
function* stepsOf(
  catalog: Catalog,
  bucket: string,
  key: string,
  inclusive: boolean,
  unproved: Directory[],
): Generator<readonly [key: string, info: ObjectInfo]> {
  for (const step of catalog.listing(bucket, key, inclusive)) {
    if ('record' in step) {
      yield [step.key, toInfo(step.key, step.record)];
      continue;
    }
    unproved.push(step.unproved);
    if (unproved.length === PROVE_AT_ONCE) return;
    yield [step.key, UNKNOWN];
  }
}

function changed(cause: unknown = new Error('the object changed while it was opened')): S3Error {
  return new S3Error('SlowDown', { cause });
}
