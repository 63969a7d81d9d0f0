/** The seam between the S3 side and whatever keeps the objects. Its doc comments are the contract. */

/** Names one object. `key` is opaque: any Unicode of 1 to 1,024 UTF-8 bytes. */
export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
}

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** A checksum as S3 shows it. `value` is base64, with `-N` after it for a composite of N parts. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
  readonly value: string;
}

/** What a client may say about an object when it writes it. */
export interface Attributes {
  /** Stored response headers by lower-case name: content-type, cache-control, content-disposition, … */
  readonly headers: Readonly<Record<string, string>>;
  /** User metadata by lower-case name, without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** All that S3 answers about an object need. */
export interface ObjectInfo extends Attributes {
  readonly key: string;
  /** Plaintext bytes. */
  readonly size: number;
  /** Hex MD5, or for multipart the hex MD5 of the parts' MD5s, `-`, and their number. No quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch, whole seconds, by the gateway's clock; later than that of the object it replaced. */
  readonly lastModified: number;
  readonly checksum?: Checksum;
  /** Present for a multipart object, in part order. */
  readonly parts?: readonly ObjectPart[];
}

export interface ObjectPart {
  readonly partNumber: number;
  /** Plaintext bytes. */
  readonly size: number;
  readonly checksum?: Checksum;
}

/** Bytes on their way into the store, checked against what the client declared and signed. */
export interface Body {
  /** Plaintext bytes; what `open` yields has exactly this length, or it throws. */
  readonly size: number;
  /** Whether `open` may be called more than once: the bytes are in memory. */
  readonly replayable: boolean;
  /** Yields the bytes in order. Throws the S3Error to answer if they fail their length, hash, signature or checksum: before it ends, always. */
  open(): AsyncIterable<Buffer>;
  /** Digests of the plaintext. Valid only once an iteration of `open` has ended. */
  digests(): Digests;
}

export interface Digests {
  /** 16 bytes. */
  readonly md5: Buffer;
  /** The checksum that the client asked to keep, if it did. */
  readonly checksum?: Checksum;
}

/** Bytes [start, end) of an object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Runs under the key's write lock just before the commit, with what is stored then; throws an S3Error to refuse. */
export type WriteCondition = (current: ObjectInfo | undefined) => void;

export interface PutOptions {
  readonly condition?: WriteCondition;
}

/** An object opened for reading: `info` and the bytes belong to the same version. */
export interface OpenObject {
  readonly info: ObjectInfo;
  /**
   * Yields the plaintext of `range` (all of it by default), authenticated before it is yielded.
   * Throws when a byte cannot be had; never ends early. Ending the iteration frees what it holds.
   */
  read(range?: ByteRange): AsyncIterable<Buffer>;
}

export interface ListQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Exclusive: only keys and common prefixes that sort after this, in UTF-8 byte order. Empty for the start. */
  readonly after: string;
  /** Keys and common prefixes together, 0 to 1,000. */
  readonly maxKeys: number;
}

export interface ListPage {
  readonly objects: readonly ObjectInfo[];
  /** In UTF-8 byte order, each once over all pages. */
  readonly commonPrefixes: readonly string[];
  /** Where the next page starts: give it as `after`. Absent on the last page. */
  readonly next?: string;
}

export interface BucketInfo {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** Names one multipart upload in progress. */
export interface UploadRef extends ObjectRef {
  readonly uploadId: string;
}

export interface UploadInfo extends UploadRef {
  /** Milliseconds since the epoch. */
  readonly initiatedAt: number;
  readonly attributes: Attributes;
  /** What the client said it would send with each part; absent where it said nothing. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: Checksum['type'];
}

export interface UploadOptions {
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: Checksum['type'];
}

export interface PartInfo extends ObjectPart {
  /** Hex MD5, no quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

/** One line of a CompleteMultipartUpload request. */
export interface CompletedPart {
  readonly partNumber: number;
  /** No quotes. */
  readonly etag: string;
  readonly checksum?: string;
}

export interface CompleteOptions extends PutOptions {
  /** The full-object or composite checksum that the client expects. */
  readonly checksum?: Checksum;
}

/**
 * Keeps objects.
 *
 * Every method throws `S3Error`, and nothing else, for what a client can be told: `NoSuchBucket`, `NoSuchKey`, `NoSuchUpload`,
 * `SlowDown` for a passing trouble. It never says that something is absent, and never returns a short list, because it could not find out.
 * A promise resolves only when the change survives the death of the process. Reads see every change that has resolved.
 */
export interface ObjectStore {
  listBuckets(): Promise<readonly BucketInfo[]>;
  /** The bucket, or undefined if it does not exist. */
  headBucket(bucket: string): Promise<BucketInfo | undefined>;
  /** True if it was made, false if it was there already. */
  createBucket(bucket: string): Promise<boolean>;
  /** Throws `BucketNotEmpty`, also while it holds multipart uploads. */
  deleteBucket(bucket: string): Promise<void>;

  /** Stores `body` whole or not at all; what was there before stays readable until it is replaced. */
  put(ref: ObjectRef, body: Body, attributes: Attributes, options?: PutOptions): Promise<ObjectInfo>;
  /** The object, or undefined if it surely does not exist. */
  stat(ref: ObjectRef): Promise<ObjectInfo | undefined>;
  /** Throws `NoSuchKey`. */
  open(ref: ObjectRef): Promise<OpenObject>;
  /** Deleting what does not exist succeeds. */
  delete(ref: ObjectRef, options?: PutOptions): Promise<void>;
  list(bucket: string, query: ListQuery): Promise<ListPage>;

  /** Returns the upload id. */
  createUpload(ref: ObjectRef, attributes: Attributes, options?: UploadOptions): Promise<string>;
  /** Throws `NoSuchUpload`. */
  getUpload(upload: UploadRef): Promise<UploadInfo>;
  /** A part sent again replaces the earlier one. */
  putPart(upload: UploadRef, partNumber: number, body: Body): Promise<PartInfo>;
  /** In part order. */
  listParts(upload: UploadRef): Promise<readonly PartInfo[]>;
  /**
   * Makes the object out of the named parts. Throws `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`.
   * Completing a completed upload again with the same parts returns the object.
   */
  completeUpload(
    upload: UploadRef,
    parts: readonly CompletedPart[],
    options?: CompleteOptions,
  ): Promise<ObjectInfo>;
  abortUpload(upload: UploadRef): Promise<void>;
  /** All uploads in progress, by key and then upload id. */
  listUploads(bucket: string): Promise<readonly UploadInfo[]>;
}
