/** Objects on an FTP server: files in the tree, the catalog in front of them. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import { RemoteRefused, type RemoteTree } from '../ftp/remote-tree';
import { AbandonedUploads, type UploadStats } from './abandoned-uploads';
import { BlockReferences } from './block-references';
import type { Keyring } from '../seal/keyring';
import type { Catalog } from './catalog';
import { CatalogDamagedError } from './catalog-error';
import { KeyLock } from './concurrency';
import { ClientFiles } from './client-files';
import { Crawler, type CrawlProgress } from './crawler';
import { DeleteGuard, type DeleteGuardStats, type GuardMode } from './delete-guard';
import { Directories, type DirectoryStats } from './directories';
import type { Directory } from './directory';
import type { FtpRoot } from './ftp-root';
import type { KeyCheck } from './key-check';
import { Mirror, type MirrorStats } from './mirror';
import type { DamagedSourceError } from './copy-file';
import { MirrorQueue } from './mirror-queue';
import { MirrorReads } from './mirror-reads';
import type { Location } from './mirror-root';
import type { ObjectFiles } from './object-files';
import { ObjectReader, type ReadFrom } from './object-reader';
import { hasDefaultAttributes, toInfo, type ObjectRecord } from './object-record';
import type {
  Attributes,
  Body,
  BucketInfo,
  CompletedPart,
  CompleteOptions,
  ListPage,
  ListQuery,
  ObjectInfo,
  ObjectRef,
  ObjectStore,
  OpenObject,
  PartInfo,
  PutOptions,
  UploadInfo,
  UploadOptions,
  UploadRef,
} from './object-store';
import { ObjectWriter } from './object-writer';
import { PlainReads } from './plain-reads';
import { withS3Errors } from './remote-errors';
import type { RemoteLayout } from './remote-layout';
import { Settler } from './settler';
import type { RotationStatus } from './key-rotation';
import { StoreKeys } from './store-keys';
import { Trash, type TrashSettings, type TrashStats } from './trash';
import { TrashJobs } from './trash-jobs';
import { TrashKeeper } from './trash-keeper';
import { Uploads } from './uploads';

/** A second location that holds what the first holds. */
export interface MirrorLocation extends Location {
  /** Reads there. */
  readonly files: ObjectFiles;
  readonly connections: number;
  /** Age of a change that is still to be carried over above which somebody is told, in milliseconds. */
  readonly maxLagMs: number;
  /** As `MirrorOptions` has them. */
  readonly firstPauseMs?: number;
  readonly idleMs?: number;
}

export interface FtpStoreOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
  readonly root: FtpRoot;
  /** What happens to a delete of a block that a stored backup needs. */
  readonly deleteGuard: GuardMode;
  readonly trash: TrashSettings;
  readonly keyCheck: KeyCheck;
  /** Absent: nothing is sealed. */
  readonly keyring?: Keyring;
  /** Connections to the FTP server. */
  readonly connections: number;
  readonly mirror?: MirrorLocation;
  /** Plaintext bytes a second that a rotation of keys may seal anew. @default no limit but its share of the connections */
  readonly rotationBytesPerSecond?: number;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds, never going back. */
  readonly monotonicMs: () => number;
  /** Milliseconds from one look at everything on the server to the next. @default 24 hours */
  readonly intervalMs?: number;
  /** Told that the catalog holds what was never written: nothing can be answered from it any more. */
  readonly onDamage: (error: CatalogDamagedError) => void;
}

export interface FtpStoreStats {
  readonly catalog: Catalog['counts'];
  readonly crawl: CrawlProgress;
  readonly directories: DirectoryStats;
  readonly settler: Settler['stats'];
  /** Objects whose bytes turned out not to be what was stored, since it started. */
  readonly damaged: number;
  readonly guard: DeleteGuardStats;
  readonly trash: TrashStats;
  readonly uploads: UploadStats;
  /** Absent without one. */
  readonly mirror?: MirrorStats & MirrorReads['stats'];
  readonly rotation: RotationStatus;
}

export class FtpStore implements ObjectStore {
  /** Not started. */
  readonly crawler: Crawler;
  readonly #directories: Directories;
  readonly #settler: Settler;
  readonly #reader: ObjectReader;
  readonly #writer: ObjectWriter;
  readonly #uploads: Uploads;
  readonly #clientFiles: ClientFiles;
  readonly #abandoned: AbandonedUploads;
  readonly #references: BlockReferences;
  readonly #guard: DeleteGuard;
  readonly #trash: Trash;
  readonly trashKeeper: TrashKeeper;
  readonly trashJobs: TrashJobs;
  readonly keys: StoreKeys;
  /** Not started. Absent where there is none. */
  readonly mirror: Mirror | undefined;
  readonly #mirrorReads: MirrorReads | undefined;

  constructor(private readonly options: FtpStoreOptions) {
    const locks = new KeyLock();
    const mirrorQueue = options.mirror && new MirrorQueue(options.catalog, options.now);
    const queued = mirrorQueue ? { mirrorQueue } : {};
    const settler = new Settler({
      ...options,
      ...queued,
      locks,
      putAway: (ref, aside, record) => this.#trash.putAway(ref, aside, record),
    });
    this.#settler = settler;
    this.#directories = new Directories({ ...options, settler });
    const open = (): Promise<void> => options.root.open();
    this.crawler = new Crawler({ ...options, directories: this.#directories, open });
    this.#clientFiles = new ClientFiles({
      ...options,
      makeRoom: (bytes) => this.trashKeeper.makeRoom(bytes),
    });
    this.#uploads = new Uploads({
      ...options,
      clientFiles: this.#clientFiles,
      objectAt: (ref) => this.#reader.record(ref),
      isInTrash: ({ bucket, key, uploadId }) =>
        this.#trash.rows.versions(bucket, key).some(({ upload }) => upload === uploadId),
    });
    this.#abandoned = new AbandonedUploads({ ...options, abort: (upload) => this.#uploads.abort(upload) });
    const plainReads = new PlainReads();
    const shared = { ...options, locks, settler, plainReads, directories: this.#directories };
    const first = { tree: options.tree, layout: options.layout };
    const temporaryPath = (): string => options.root.temporaryPath();
    if (options.mirror && mirrorQueue) {
      const { tree, layout, files, connections, ...settings } = options.mirror;
      const second = { tree, layout };
      const mirror = new Mirror({
        ...shared,
        ...settings,
        first,
        mirror: second,
        queue: mirrorQueue,
        concurrency: Math.max(1, Math.min(connections, Math.floor(options.connections / 2))),
        onDamage: (ref, error) => this.#onDamagedSource(ref, error),
      });
      this.mirror = mirror;
      this.#mirrorReads = new MirrorReads({
        ...shared,
        mirror,
        first,
        second,
        files,
        temporaryPath,
        writer: { replace: (...args) => this.#writer.replace(...args) },
        markDamaged: (...args) => this.#reader.markDamaged(...args),
      });
    }
    const reads = this.#mirrorReads;
    this.#reader = new ObjectReader({
      ...shared,
      ...(reads && { mirrorReads: reads }),
      retainParts: (id) => this.#uploads.retainParts(id),
    });
    this.#references = new BlockReferences({
      ...shared,
      open: (ref) => this.#reader.open(ref),
      place: (ref) => this.#reader.place(ref),
    });
    this.#trash = new Trash({
      ...options,
      ...options.trash,
      references: this.#references,
      discardParts: (id) => this.#uploads.discardParts(id),
    });
    this.trashKeeper = new TrashKeeper({ ...options, trash: this.#trash, isOpen: () => options.root.isOpen });
    this.#guard = new DeleteGuard({ ...options, mode: options.deleteGuard, references: this.#references });
    this.#writer = new ObjectWriter({
      ...shared,
      ...queued,
      guard: this.#guard,
      references: this.#references,
      trash: this.#trash,
      temporaryPath,
      discardParts: (id) => this.#uploads.discardParts(id),
    });
    this.trashJobs = new TrashJobs({
      ...shared,
      trash: this.#trash,
      writer: this.#writer,
      createBucket: (bucket) => options.root.createBucket(bucket),
    });
    const { rotationBytesPerSecond: bytesPerSecond } = options;
    this.keys = new StoreKeys({
      ...shared,
      reader: this.#reader,
      writer: this.#writer,
      uploads: this.#uploads,
      objection: () => this.mirror?.objection,
      ...(bytesPerSecond && { bytesPerSecond }),
    });
  }

  /** For metrics. Counters only rise. */
  get stats(): FtpStoreStats {
    return {
      catalog: this.options.catalog.counts,
      crawl: this.crawler.progress,
      directories: this.#directories.stats,
      settler: this.#settler.stats,
      damaged: this.#reader.stats.damaged,
      guard: this.#guard.stats,
      trash: this.#trash.stats,
      uploads: this.#abandoned.stats,
      ...(this.mirror && { mirror: { ...this.mirror.stats, ...this.#mirrorReads!.stats } }),
      rotation: this.keys.rotationStatus,
    };
  }

  /** Does what has to be done in a new epoch before anything is answered. */
  async begin(epoch: number, root: string): Promise<void> {
    await this.#trash.begin(epoch);
    await this.mirror?.begin(epoch, root);
  }

  listBuckets(): Promise<readonly BucketInfo[]> {
    return this.#run(() => {
      const buckets = this.options.catalog.buckets();
      return buckets.map(({ name, row }) => ({ name, createdAt: row.createdAt }));
    });
  }

  headBucket(bucket: string): Promise<BucketInfo | undefined> {
    return this.#run(() => {
      const row = this.options.catalog.bucket(bucket);
      return row && { name: bucket, createdAt: row.createdAt };
    });
  }

  createBucket(bucket: string): Promise<boolean> {
    return this.#run(() => this.options.root.createBucket(bucket));
  }

  deleteBucket(bucket: string): Promise<void> {
    return this.#run(() => this.#writer.closeBucket(bucket, () => this.#deleteBucket(bucket)));
  }

  put(ref: ObjectRef, body: Body, attributes: Attributes, options?: PutOptions): Promise<ObjectInfo> {
    const document = this.#references.watch(ref);
    return this.#run(() =>
      this.#writer.commit(
        ref,
        async ({ lastModified, replaced, newDirectories, mayCommit }) => {
          const { layout } = this.options;
          const describe = (): Pick<ObjectInfo, 'size' | 'etag' | 'lastModified' | 'checksum'> => {
            const { md5, checksum } = body.digests();
            return {
              size: body.size,
              etag: md5.toString('hex'),
              lastModified,
              ...(checksum && { checksum }),
            };
          };
          const stored = await this.#clientFiles.write({
            path: layout.object(ref),
            context: ref,
            size: body.size,
            body: () => (document ? document.pass(body.open()) : body.open()),
            replayable: body.replayable,
            metadata: () => ({ ...describe(), ...attributes }),
            ...(replaced && { replaced }),
            ...(newDirectories && { newDirectories }),
            ...(mayCommit && { mayCommit }),
          });
          const kept = hasDefaultAttributes(attributes) ? {} : { attributes };
          return { kind: 'object', ...describe(), ...stored, ...kept };
        },
        {
          ...options,
          writesAhead: body.replayable,
          ...(document && { alongside: (record) => document.committed(record) }),
        },
      ),
    );
  }

  stat(ref: ObjectRef): Promise<ObjectInfo | undefined> {
    return this.#runOrMirror(
      ref,
      () => this.#reader.stat(ref),
      (record) => toInfo(ref.key, record),
    );
  }

  open(ref: ObjectRef): Promise<OpenObject> {
    return this.#runOrMirror(
      ref,
      () => this.#reader.open(ref),
      (record, from) => ({
        info: toInfo(ref.key, record),
        read: (range) => this.#reader.readFrom(from, ref, record, range),
      }),
    );
  }

  delete(ref: ObjectRef, options?: PutOptions): Promise<void> {
    return this.#run(() => this.#writer.delete(ref, options));
  }

  async list(bucket: string, query: ListQuery): Promise<ListPage> {
    let answered = false;
    try {
      const page = await this.#run(() => this.#reader.list(bucket, query));
      answered = true;
      return page;
    } finally {
      this.#guard.listed(bucket, query.prefix, answered);
    }
  }

  createUpload(ref: ObjectRef, attributes: Attributes, options?: UploadOptions): Promise<string> {
    return this.#run(() => {
      this.#requireBucket(ref.bucket);
      return this.#uploads.create(ref, attributes, options);
    });
  }

  getUpload(upload: UploadRef): Promise<UploadInfo> {
    return this.#run(() => this.#uploads.get(upload));
  }

  putPart(upload: UploadRef, partNumber: number, body: Body): Promise<PartInfo> {
    return this.#run(() => this.#uploads.putPart(upload, partNumber, body));
  }

  listParts(upload: UploadRef): Promise<readonly PartInfo[]> {
    return this.#run(() => this.#uploads.listParts(upload));
  }

  completeUpload(
    upload: UploadRef,
    parts: readonly CompletedPart[],
    options?: CompleteOptions,
  ): Promise<ObjectInfo> {
    const objects = {
      commit: this.#writer.commit.bind(this.#writer),
      stat: (ref: ObjectRef) => this.#reader.stat(ref),
    };
    return this.#run(() => this.#uploads.complete(upload, parts, objects, options));
  }

  abortUpload(upload: UploadRef): Promise<void> {
    return this.#run(() => this.#uploads.abort(upload));
  }

  /** Removes multipart uploads that nobody went on with since `before`, in milliseconds since the epoch. */
  expireUploads(before: number): Promise<void> {
    return this.#run(() => this.#abandoned.expire(before));
  }

  listUploads(bucket: string): Promise<readonly UploadInfo[]> {
    return this.#run(() => {
      this.#requireBucket(bucket);
      return this.#uploads.list(bucket);
    });
  }

  /** Runs one operation once the FTP root is open, and speaks S3 about what fails. */
  #run<T>(operation: () => T | Promise<T>): Promise<T> {
    const { root, catalog, onDamage } = this.options;
    return withS3Errors(async () => {
      await root.open();
      const { epoch } = catalog;
      try {
        return await operation();
      } catch (error) {
        if (error instanceof CatalogDamagedError) onDamage(error);
        // Whoever took the root over moved away what was on its way: to be done again, there or here.
        const isOvertaken = !root.isOpen || catalog.epoch !== epoch;
        if (isOvertaken && error instanceof RemoteRefused) throw new S3Error('SlowDown', { cause: error });
        throw error;
      }
    });
  }

  /** As `#run`; while the first location is out of reach, answers of what is proved go on from the mirror. */
  async #runOrMirror<T>(
    ref: ObjectRef,
    operation: () => Promise<T>,
    onMirror: (record: ObjectRecord, from: ReadFrom) => T,
  ): Promise<T> {
    const reads = this.#mirrorReads;
    const record = reads && this.options.root.isOutOfReach ? await reads.proved(ref) : undefined;
    return reads && record ? onMirror(record, reads.from) : this.#run(operation);
  }

  /** The mirror was to get a file that is not what was stored. */
  async #onDamagedSource(ref: ObjectRef, error: DamagedSourceError): Promise<void> {
    const found = await this.#reader.find(ref);
    if (!found) return;
    const { place, record } = found;
    if (error.cause instanceof RemoteRefused) await this.#settler.settle(place.directory, place.name);
    else await this.#reader.markDamaged(ref, place, record, error);
  }

  #requireBucket(bucket: string): Directory {
    const root = this.options.catalog.root(bucket);
    if (!root) throw new S3Error('NoSuchBucket', { details: { BucketName: bucket } });
    return root;
  }

  async #deleteBucket(bucket: string): Promise<void> {
    const { catalog, root } = this.options;
    const directory = this.#requireBucket(bucket);
    await this.#directories.proveSubtree(directory);
    const isEmpty = catalog.firstObject(directory) === undefined && this.#uploads.list(bucket).length === 0;
    if (!isEmpty) throw new S3Error('BucketNotEmpty');
    await root.removeBucket(bucket);
  }
}
