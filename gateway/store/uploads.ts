/** Multipart uploads: each part its own file, in the directory of its upload. */

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { RemoteTree } from '../ftp/remote-tree';
import { compareKeys } from '../s3/key-order';
import { multipartEtag, selectParts } from '../s3/multipart';
import { completedChecksum } from '../s3/upload-checksum';
import type { Catalog } from './catalog';
import type { ClientFiles } from './client-files';
import { KeyLock } from './concurrency';
import type { PartRow, UploadRow } from './multipart-rows';
import type { ObjectFiles, ReplacedFile } from './object-files';
import { hasDefaultAttributes, type ObjectRecord } from './object-record';
import type {
  Attributes,
  Body,
  CompletedPart,
  CompleteOptions,
  ObjectInfo,
  ObjectRef,
  PartInfo,
  PutOptions,
  UploadInfo,
  UploadOptions,
  UploadRef,
} from './object-store';
import type { RemoteLayout } from './remote-layout';

/** What a completed upload becomes, through the object writer. */
export interface ObjectCommit {
  commit(
    ref: ObjectRef,
    write: (version: {
      readonly lastModified: number;
      readonly replaced?: ReplacedFile;
    }) => Promise<ObjectRecord>,
    options?: PutOptions,
  ): Promise<ObjectInfo>;
  stat(ref: ObjectRef): Promise<ObjectInfo | undefined>;
}

export interface UploadsOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly files: ObjectFiles;
  readonly clientFiles: Pick<ClientFiles, 'write'>;
  readonly layout: RemoteLayout;
  /** The object that is stored under a key, with the upload that it was made by. */
  readonly objectAt: (ref: ObjectRef) => Promise<Pick<ObjectRecord, 'upload' | 'etag'> | undefined>;
  /** Whether a version that was made by this upload rests in the trash, with its parts. */
  readonly isInTrash: (upload: UploadRef) => boolean;
  readonly log: Logger;
  readonly now: () => number;
}

export class Uploads {
  readonly #locks = new KeyLock();
  /** Readers of each upload's parts, and what goes when the last has ended: all parts, or some files. */
  readonly #readers = new Map<string, { count: number; discard: boolean; files: string[] }>();

  constructor(private readonly options: UploadsOptions) {}

  async create(ref: ObjectRef, attributes: Attributes, options: UploadOptions = {}): Promise<string> {
    const { tree, layout, catalog, now } = this.options;
    const uploadId = randomBytes(16).toString('hex');
    await tree.makeDir(layout.uploadDirectory(uploadId));
    const { bucket, key } = ref;
    await catalog.multipart.putUpload({ bucket, key, uploadId, initiatedAt: now(), attributes, ...options });
    return uploadId;
  }

  /** Throws `NoSuchUpload`, also for one that was completed. */
  get(ref: UploadRef): UploadInfo {
    const row = this.#row(ref);
    if (row.completed !== undefined) throw noSuchUpload(ref);
    return row;
  }

  async putPart(ref: UploadRef, partNumber: number, body: Body): Promise<PartInfo> {
    const { layout, clientFiles, catalog, now } = this.options;
    this.get(ref);
    const file = `${partNumber}-${randomBytes(8).toString('hex')}`;
    const path = layout.part(ref.uploadId, file);
    const lastModified = Math.floor(now() / 1000) * 1000;
    const describe = (): Omit<PartInfo, 'partNumber'> => {
      const { md5, checksum } = body.digests();
      return { size: body.size, etag: md5.toString('hex'), lastModified, ...(checksum && { checksum }) };
    };
    const { storedSize, header } = await clientFiles.write({
      path,
      context: { bucket: ref.bucket, key: ref.key, uploadId: ref.uploadId, partNumber },
      size: body.size,
      body: () => body.open(),
      replayable: body.replayable,
      metadata: () => ({ ...describe(), headers: {}, metadata: {} }),
    });
    const sealed = header === undefined ? {} : { header: header.toString('base64') };
    const row: PartRow = { ...describe(), partNumber, file, storedSize, ...sealed };
    return this.#locks.hold(ref.uploadId, async () => {
      const replaced = catalog.multipart.part(ref.uploadId, partNumber);
      try {
        const upload = this.get(ref);
        if (replaced && (await this.#becameObject(upload))) throw noSuchUpload(ref);
      } catch (error) {
        this.#removeFile(path);
        throw error;
      }
      await catalog.multipart.putPart(ref.uploadId, row);
      if (replaced) this.#removeFile(layout.part(ref.uploadId, replaced.file));
      return toPartInfo(row);
    });
  }

  listParts(ref: UploadRef): PartInfo[] {
    this.get(ref);
    return this.options.catalog.multipart.parts(ref.uploadId).map(toPartInfo);
  }

  list(bucket: string): UploadInfo[] {
    return this.options.catalog.multipart
      .uploads()
      .filter((row) => row.bucket === bucket && row.completed === undefined)
      .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId));
  }

  async complete(
    ref: UploadRef,
    named: readonly CompletedPart[],
    objects: ObjectCommit,
    options: CompleteOptions = {},
  ): Promise<ObjectInfo> {
    const { catalog } = this.options;
    return this.#locks.hold(ref.uploadId, async () => {
      await this.#becameObject(this.#row(ref));
      const upload = this.#row(ref);
      if (upload.completed !== undefined) return this.#completedAgain(ref, upload.completed, named, objects);
      const stored = new Map(catalog.multipart.parts(ref.uploadId).map((part) => [part.partNumber, part]));
      const parts = selectParts(named, stored);
      const etag = multipartEtag(parts.map((part) => part.etag));
      const checksum = await completedChecksum(upload, parts, options.checksum);
      const info = await objects.commit(
        ref,
        ({ lastModified, replaced }) =>
          this.#write(upload, parts, { etag, lastModified, ...(checksum && { checksum }) }, replaced),
        options,
      );
      await catalog.multipart.putUpload({ ...upload, completed: etag });
      this.#tidy(ref.uploadId, [...stored.values()], parts);
      return info;
    });
  }

  async abort(ref: UploadRef): Promise<void> {
    await this.#locks.hold(ref.uploadId, async () => {
      const upload = this.get(ref);
      if (await this.#becameObject(upload)) throw noSuchUpload(ref);
      await this.options.catalog.multipart.removeUpload(ref.uploadId);
    });
    this.discardParts(ref.uploadId);
  }

  /** Keeps the parts of a completed upload until the returned function is called. */
  retainParts(uploadId: string): () => void {
    const readers = this.#readers.get(uploadId) ?? { count: 0, discard: false, files: [] };
    readers.count += 1;
    this.#readers.set(uploadId, readers);
    return () => {
      readers.count -= 1;
      if (readers.count > 0) return;
      this.#readers.delete(uploadId);
      if (readers.discard) this.discardParts(uploadId);
      else this.discardFiles(uploadId, readers.files);
    };
  }

  /** Deletes files of parts that nothing names any more, in the background, when nobody reads the upload's parts. */
  discardFiles(uploadId: string, files: readonly string[]): void {
    const readers = this.#readers.get(uploadId);
    if (readers) readers.files.push(...files);
    else for (const file of files) this.#removeFile(this.options.layout.part(uploadId, file));
  }

  /** Deletes what lies beside the named files in the directory of a completed upload. */
  async tidy(uploadId: string, named: ReadonlySet<string>): Promise<void> {
    const listing = await this.options.tree.list(this.options.layout.uploadDirectory(uploadId));
    if (listing.outcome !== 'listed') return;
    const names = listing.entries.map(({ name }) => name);
    this.discardFiles(
      uploadId,
      names.filter((name) => !named.has(name)),
    );
  }

  /** The parts of uploads in progress. */
  *partsInProgress(): Generator<{ upload: UploadRow; part: PartRow }> {
    const { catalog } = this.options;
    for (const upload of catalog.multipart.uploads()) {
      if (upload.completed !== undefined) continue;
      for (const part of catalog.multipart.parts(upload.uploadId)) yield { upload, part };
    }
  }

  /** Puts another file in the place of a part's. False if that part is no more, or an object's; the file that is not used is deleted. */
  async replacePart(ref: UploadRef, part: PartRow, replacement: PartRow): Promise<boolean> {
    const { catalog } = this.options;
    return this.#locks.hold(ref.uploadId, async () => {
      const upload = catalog.multipart.upload(ref.uploadId);
      const isOpen = upload !== undefined && !(await this.#becameObject(upload));
      const isSame = isOpen && catalog.multipart.part(ref.uploadId, part.partNumber)?.file === part.file;
      if (isSame) await catalog.multipart.putPart(ref.uploadId, replacement);
      this.discardFiles(ref.uploadId, [isSame ? part.file : replacement.file]);
      return isSame;
    });
  }

  /** Deletes the directory of an upload with all its parts, in the background, when nobody reads them. */
  discardParts(uploadId: string): void {
    const readers = this.#readers.get(uploadId);
    if (readers) {
      readers.discard = true;
      return;
    }
    const { layout } = this.options;
    this.#inBackground(async () => {
      const directory = layout.uploadDirectory(uploadId);
      const listing = await this.options.tree.list(directory);
      if (listing.outcome !== 'listed') return;
      for (const { name } of listing.entries) await this.options.tree.remove(`${directory}/${name}`);
      await this.options.tree.removeDir(directory);
    });
  }

  /**
   * Whether this upload became an object, and a crash came before that was written down: its parts are that object's, also in the trash.
   * Then it is written down now.
   */
  async #becameObject(upload: UploadRow): Promise<boolean> {
    if (upload.completed !== undefined) return true;
    const { objectAt, isInTrash, catalog } = this.options;
    const object = await objectAt(upload);
    if (object?.upload !== upload.uploadId && !isInTrash(upload)) return false;
    await catalog.multipart.putUpload({ ...upload, completed: object?.etag ?? '' });
    return true;
  }

  #row(ref: UploadRef): UploadRow {
    const row = this.options.catalog.multipart.upload(ref.uploadId);
    if (!row || row.bucket !== ref.bucket || row.key !== ref.key) throw noSuchUpload(ref);
    return row;
  }

  async #completedAgain(
    ref: UploadRef,
    etag: string,
    named: readonly CompletedPart[],
    objects: ObjectCommit,
  ): Promise<ObjectInfo> {
    const info = await objects.stat(ref);
    if (info?.etag !== etag || multipartEtag(named.map((part) => part.etag)) !== etag)
      throw noSuchUpload(ref);
    return info;
  }

  /** Sealed: a file that names the parts. Plain: the parts one after the other, since a plain file is the object's bytes and nothing else. */
  async #write(
    upload: UploadRow,
    parts: readonly PartRow[],
    known: Pick<ObjectInfo, 'etag' | 'lastModified' | 'checksum'>,
    replaced?: ReplacedFile,
  ): Promise<ObjectRecord> {
    const { files, clientFiles, layout } = this.options;
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const { attributes } = upload;
    const content = { size, ...known };
    const manifest = { upload: upload.uploadId, parts: parts.map(toStoredPart) };
    const metadata = { ...content, ...attributes, ...(files.seals && manifest) };
    const stored = await clientFiles.write({
      path: layout.object(upload),
      context: { bucket: upload.bucket, key: upload.key },
      size: files.seals ? 0 : size,
      body: () => (files.seals ? nothing() : this.#concatenate(upload, parts)),
      replayable: true,
      metadata: () => metadata,
      manifest: files.seals,
      ...(replaced && { replaced }),
    });
    const kept = hasDefaultAttributes(attributes) ? {} : { attributes };
    return { kind: 'object', ...content, ...stored, ...kept, ...(files.seals && manifest) };
  }

  async *#concatenate(upload: UploadRow, parts: readonly PartRow[]): AsyncGenerator<Buffer> {
    const { files, layout } = this.options;
    const { bucket, key, uploadId } = upload;
    for (const { partNumber, file, size, storedSize } of parts) {
      const context = { bucket, key, uploadId, partNumber };
      yield* files.read({ path: layout.part(uploadId, file), context, size, storedSize });
    }
  }

  /** After a completion: what the object does not name goes. */
  #tidy(uploadId: string, stored: readonly PartRow[], used: readonly PartRow[]): void {
    if (!this.options.files.seals) return this.discardParts(uploadId);
    for (const part of stored) {
      if (!used.includes(part)) this.#removeFile(this.options.layout.part(uploadId, part.file));
    }
  }

  #removeFile(path: string): void {
    this.#inBackground(() => this.options.tree.remove(path));
  }

  #inBackground(task: () => Promise<void>): void {
    task().catch((error: unknown) => {
      this.options.log.warn({ reason: String(error) }, 'parts that nothing names could not be deleted');
    });
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  // A manifest's bytes are those of its parts.
}

function toPartInfo({ partNumber, size, etag, lastModified, checksum }: PartRow): PartInfo {
  return { partNumber, size, etag, lastModified, ...(checksum && { checksum }) };
}

function toStoredPart({ partNumber, size, checksum, file, storedSize, header }: PartRow): PartRowFile {
  return {
    partNumber,
    size,
    file,
    storedSize,
    ...(checksum && { checksum }),
    ...(header !== undefined && { header }),
  };
}

type PartRowFile = Omit<PartRow, 'etag' | 'lastModified'>;

function noSuchUpload({ uploadId }: UploadRef): S3Error {
  return new S3Error('NoSuchUpload', { details: { UploadId: uploadId } });
}
