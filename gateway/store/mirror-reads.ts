/** Reads from the mirror what the first location cannot give, and mends the first location with it. */

import type { Logger } from 'pino';
import { RemoteRefused, RemoteUnavailable } from '../ftp/remote-tree';
import type { Keyring } from '../seal/keyring';
import type { Catalog } from './catalog';
import { messageOf } from './catalog-error';
import { SharedTask } from './concurrency';
import type { Mirror } from './mirror';
import { copyFile, type StoredCopy } from './copy-file';
import type { Location } from './mirror-root';
import { isDamage, type ObjectFiles } from './object-files';
import type { Place, ReadFrom } from './object-reader';
import { isSameVersion, type ObjectRecord } from './object-record';
import type { ObjectRef } from './object-store';
import type { ObjectWriter } from './object-writer';
import type { Settler } from './settler';

export interface MirrorReadsOptions {
  readonly mirror: Pick<Mirror, 'has' | 'isOurs'>;
  readonly first: Location;
  readonly second: Location;
  /** Of the mirror. */
  readonly files: ObjectFiles;
  readonly writer: Pick<ObjectWriter, 'replace'>;
  readonly catalog: Catalog;
  readonly settler: Settler;
  readonly keyring?: Keyring;
  /** Names a file on the first location, in this epoch's own directory. */
  readonly temporaryPath: () => string;
  /** Told that an object's file is damaged and was not mended. */
  readonly markDamaged: (ref: ObjectRef, place: Place, record: ObjectRecord, error: Error) => Promise<void>;
  readonly log: Logger;
}

export class MirrorReads {
  readonly stats = { reads: 0, mended: 0 };
  readonly #mending = new SharedTask<void>();

  constructor(private readonly options: MirrorReadsOptions) {}

  get from(): ReadFrom {
    return { files: this.options.files, layout: this.options.second.layout };
  }

  /** Where to go on with a read that failed; undefined where the mirror is of no help. */
  async insteadOf(
    error: unknown,
    ref: ObjectRef,
    place: Place,
    record: ObjectRecord,
  ): Promise<ReadFrom | undefined> {
    const isBroken = isDamage(error) || error instanceof RemoteRefused;
    if (!isBroken && !(error instanceof RemoteUnavailable)) return undefined;
    if (!this.#isCurrent(ref, place, record) || !(await this.#has(ref, record))) return undefined;
    const { bucket, key } = ref;
    this.options.log.warn({ bucket, key, reason: messageOf(error) }, 'an object is read from the mirror');
    this.stats.reads += 1;
    if (isBroken) void this.#mending.run(`${bucket}/${key}`, () => this.#mend(ref, place, record, error));
    return this.from;
  }

  /**
   * What the catalog has of an object, for answers while the first location is out of reach. Undefined unless the directory is proved, nothing about the object is
   * in doubt, the mirror has this very version, and no other gateway has taken over, as far as the mirror tells.
   */
  async proved({ bucket, key }: ObjectRef): Promise<ObjectRecord | undefined> {
    const { catalog, settler, mirror } = this.options;
    const segments = key.split('/');
    const name = segments.pop() ?? '';
    const directory = catalog.directory(bucket, segments);
    for (const [i] of [...segments, ''].entries()) {
      const above = catalog.directory(bucket, segments.slice(0, i));
      if (!above || !catalog.isProved(above)) return undefined;
    }
    const record = directory && catalog.file(directory, name);
    if (record?.kind !== 'object' || record.damaged || record.etag === '') return undefined;
    if (settler.isSuspect({ bucket, key }) || !(await this.#has({ bucket, key }, record))) return undefined;
    return (await mirror.isOurs()) ? record : undefined;
  }

  #isCurrent(ref: ObjectRef, { directory, name }: Place, record: ObjectRecord): boolean {
    const now = this.options.catalog.file(directory, name);
    return now?.kind === 'object' && isSameVersion(now, record) && !this.options.settler.isSuspect(ref);
  }

  async #has(ref: ObjectRef, record: ObjectRecord): Promise<boolean> {
    const { mirror, log } = this.options;
    try {
      return await mirror.has(ref, record);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'the mirror cannot be read from now');
      return false;
    }
  }

  /** Puts the mirror's copy in the place of the first location's file, proved as it passes. */
  async #mend(ref: ObjectRef, place: Place, record: ObjectRecord, error: unknown): Promise<void> {
    const { writer, settler, markDamaged, log } = this.options;
    const { bucket, key } = ref;
    try {
      const { damaged = false, ...sound } = record;
      const isMended = await writer.replace(ref, record, () => this.#copyBack(ref, sound), true);
      if (!isMended) return;
      this.stats.mended += 1;
      log.warn(
        { bucket, key, wasKnown: damaged },
        'an object of the first location is mended from the mirror',
      );
    } catch (failure) {
      log.error({ bucket, key, reason: messageOf(failure) }, 'an object could not be mended from the mirror');
      if (isDamage(error)) await markDamaged(ref, place, record, error);
      else await settler.settle(place.directory, place.name);
    }
  }

  async #copyBack(ref: ObjectRef, record: ObjectRecord): Promise<ObjectRecord> {
    const { first, second } = this.options;
    const { storedSize, etag, header, upload, parts = [] } = record;
    const { bucket, key } = ref;
    if (upload !== undefined) {
      await first.tree.makeDir(first.layout.uploadDirectory(upload));
      for (const part of parts) {
        const context = { bucket, key, uploadId: upload, partNumber: part.partNumber };
        const sealed = part.header === undefined ? {} : { header: Buffer.from(part.header, 'base64') };
        const file = { context, storedSize: part.storedSize, ...sealed };
        await this.#copyFile(
          second.layout.part(upload, part.file),
          first.layout.part(upload, part.file),
          file,
        );
      }
    }
    const file = { context: { bucket, key }, storedSize, etag, ...(header && { header }) };
    await this.#copyFile(second.layout.object(ref), first.layout.object(ref), file);
    return record;
  }

  #copyFile(from: string, to: string, file: StoredCopy): Promise<void> {
    const { first, second, keyring, temporaryPath } = this.options;
    return copyFile({
      from: second,
      to: first,
      paths: { from, to, temporary: temporaryPath() },
      file,
      ...(keyring && { keyring }),
      isUnchanged: () => true,
    });
  }
}
