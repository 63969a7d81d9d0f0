/** Keeps objects in memory: the reference for what the other stores do, and a store for tests. */
import { randomUUID } from 'node:crypto';
import { S3Error } from '../errors';
import { compareKeys } from '../s3/key-order';
import { listPage, type OrderedKeys } from '../s3/list';
import { multipartEtag, selectParts } from '../s3/multipart';
import { completedChecksum } from '../s3/upload-checksum';
import type {
  Attributes,
  Body,
  BucketInfo,
  ByteRange,
  CompleteOptions,
  CompletedPart,
  ListPage,
  ListQuery,
  ObjectInfo,
  ObjectPart,
  ObjectRef,
  ObjectStore,
  OpenObject,
  PartInfo,
  PutOptions,
  UploadInfo,
  UploadOptions,
  UploadRef,
} from './object-store';

interface StoredObject {
  readonly info: ObjectInfo;
  readonly bytes: Buffer;
}

interface StoredPart extends PartInfo {
  readonly bytes: Buffer;
}

interface Upload {
  readonly info: UploadInfo;
  readonly parts: Map<number, StoredPart>;
  /** Set once completed. */
  completed?: { readonly etag: string; readonly info: ObjectInfo };
}

interface Bucket {
  readonly info: BucketInfo;
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, Upload>;
}

export class MemoryStore implements ObjectStore {
  readonly #buckets = new Map<string, Bucket>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
  }

  listBuckets(): Promise<readonly BucketInfo[]> {
    const buckets = [...this.#buckets.values()].map((bucket) => bucket.info);
    return Promise.resolve(buckets.sort((a, b) => compareKeys(a.name, b.name)));
  }

  headBucket(bucket: string): Promise<BucketInfo | undefined> {
    return Promise.resolve(this.#buckets.get(bucket)?.info);
  }

  createBucket(name: string): Promise<boolean> {
    if (this.#buckets.has(name)) return Promise.resolve(false);
    const info = { name, createdAt: this.#nowMs() };
    this.#buckets.set(name, { info, objects: new Map(), uploads: new Map() });
    return Promise.resolve(true);
  }

  async deleteBucket(name: string): Promise<void> {
    const bucket = this.#bucket(name);
    const busy = (await this.listUploads(name)).length > 0;
    if (busy || bucket.objects.size > 0) throw new S3Error('BucketNotEmpty');
    this.#buckets.delete(name);
  }

  async put(ref: ObjectRef, body: Body, attributes: Attributes, options?: PutOptions): Promise<ObjectInfo> {
    this.#bucket(ref.bucket);
    const bytes = await collect(body);
    const { md5, checksum } = body.digests();
    const content = { size: bytes.length, etag: md5.toString('hex'), ...(checksum && { checksum }) };
    return this.#commit(ref, bytes, { ...pick(attributes), ...content }, options);
  }

  stat(ref: ObjectRef): Promise<ObjectInfo | undefined> {
    return settle(() => this.#bucket(ref.bucket).objects.get(ref.key)?.info);
  }

  open(ref: ObjectRef): Promise<OpenObject> {
    return settle(() => {
      const object = this.#bucket(ref.bucket).objects.get(ref.key);
      if (!object) throw new S3Error('NoSuchKey', { details: { Key: ref.key } });
      return { info: object.info, read: (range) => slices(object.bytes, range) };
    });
  }

  delete(ref: ObjectRef, options?: PutOptions): Promise<void> {
    return settle(() => {
      const { objects } = this.#bucket(ref.bucket);
      options?.condition?.(objects.get(ref.key)?.info);
      objects.delete(ref.key);
    });
  }

  list(bucket: string, query: ListQuery): Promise<ListPage> {
    return settle(() => listPage(orderedKeys(this.#bucket(bucket).objects), query));
  }

  createUpload(ref: ObjectRef, attributes: Attributes, options: UploadOptions = {}): Promise<string> {
    return settle(() => {
      const uploadId = randomUUID();
      const { bucket, key } = ref;
      const initiatedAt = this.#nowMs();
      const info = { bucket, key, uploadId, initiatedAt, attributes: pick(attributes), ...options };
      this.#bucket(bucket).uploads.set(uploadId, { info, parts: new Map() });
      return uploadId;
    });
  }

  getUpload(ref: UploadRef): Promise<UploadInfo> {
    return settle(() => this.#upload(ref).info);
  }

  async putPart(ref: UploadRef, partNumber: number, body: Body): Promise<PartInfo> {
    this.#upload(ref);
    const bytes = await collect(body);
    const { md5, checksum } = body.digests();
    const etag = md5.toString('hex');
    const lastModified = wholeSeconds(this.#nowMs());
    const part = { partNumber, size: bytes.length, etag, lastModified, ...(checksum && { checksum }) };
    this.#upload(ref).parts.set(partNumber, { ...part, bytes });
    return part;
  }

  listParts(ref: UploadRef): Promise<readonly PartInfo[]> {
    return settle(() =>
      [...this.#upload(ref).parts.values()]
        .map(({ bytes: _bytes, ...part }) => part)
        .sort((a, b) => a.partNumber - b.partNumber),
    );
  }

  async completeUpload(
    ref: UploadRef,
    named: readonly CompletedPart[],
    options?: CompleteOptions,
  ): Promise<ObjectInfo> {
    const completed = this.#bucket(ref.bucket).uploads.get(ref.uploadId)?.completed;
    if (completed?.etag === multipartEtag(named.map((part) => part.etag))) return completed.info;
    const parts = selectParts(named, this.#upload(ref).parts);
    const checksum = await completedChecksum(this.#upload(ref).info, parts, options?.checksum);
    const upload = this.#upload(ref);
    const bytes = Buffer.concat(parts.map((part) => part.bytes));
    const content = {
      ...upload.info.attributes,
      size: bytes.length,
      etag: multipartEtag(parts.map((part) => part.etag)),
      parts: parts.map(toObjectPart),
      ...(checksum && { checksum }),
    };
    const info = this.#commit(ref, bytes, content, options);
    upload.completed = { etag: info.etag, info };
    upload.parts.clear();
    return info;
  }

  abortUpload(ref: UploadRef): Promise<void> {
    return settle(() => {
      this.#upload(ref);
      this.#bucket(ref.bucket).uploads.delete(ref.uploadId);
    });
  }

  listUploads(bucket: string): Promise<readonly UploadInfo[]> {
    return settle(() =>
      [...this.#bucket(bucket).uploads.values()]
        .filter((upload) => !upload.completed)
        .map((upload) => upload.info)
        .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId)),
    );
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new S3Error('NoSuchBucket', { details: { BucketName: name } });
    return bucket;
  }

  #upload(ref: UploadRef): Upload {
    const upload = this.#bucket(ref.bucket).uploads.get(ref.uploadId);
    if (!upload || upload.completed || upload.info.key !== ref.key) {
      throw new S3Error('NoSuchUpload', { details: { UploadId: ref.uploadId } });
    }
    return upload;
  }

  #commit(
    { bucket, key }: ObjectRef,
    bytes: Buffer,
    content: Omit<ObjectInfo, 'key' | 'lastModified'>,
    options?: PutOptions,
  ): ObjectInfo {
    const { objects } = this.#bucket(bucket);
    const current = objects.get(key)?.info;
    options?.condition?.(current);
    const now = wholeSeconds(this.#nowMs());
    const lastModified = current ? Math.max(now, current.lastModified + 1_000) : now;
    const info = { ...content, key, lastModified };
    objects.set(key, { info, bytes });
    return info;
  }
}

function settle<T>(compute: () => T): Promise<T> {
  return new Promise((resolve) => resolve(compute()));
}

function pick({ headers, metadata }: Attributes): Attributes {
  return { headers: { ...headers }, metadata: { ...metadata } };
}

function toObjectPart({ partNumber, size, checksum }: StoredPart): ObjectPart {
  return { partNumber, size, ...(checksum && { checksum }) };
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000;
}

async function collect(body: Body): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.open()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const SLICE_SIZE = 64 * 1024;

async function* slices(
  bytes: Buffer,
  range: ByteRange = { start: 0, end: bytes.length },
): AsyncGenerator<Buffer> {
  for (let at = range.start; at < range.end; at += SLICE_SIZE) {
    yield await Promise.resolve(bytes.subarray(at, Math.min(at + SLICE_SIZE, range.end)));
  }
}

function orderedKeys(objects: ReadonlyMap<string, StoredObject>): OrderedKeys {
  const keys = [...objects.keys()].sort(compareKeys);
  return {
    *from(key, inclusive) {
      for (const each of keys) {
        const order = compareKeys(each, key);
        const object = objects.get(each);
        if (object && (order > 0 || (inclusive && order === 0))) yield [each, object.info];
      }
    },
  };
}
