/**
 * The backupstore's S3 driver, in the request styles that Longhorn's releases have had.
 * Source: github.com/longhorn/backupstore, `s3/s3_service.go` and its history.
 */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type BackupstoreDriver, inThreads } from './driver';

/**
 * `v1.10.1`, that is up to it: ListObjects V1, and one PutObject with Content-MD5.
 * `v1.12.0`, that is 1.10.2 to 1.12.0: ListObjectsV2, and multipart with CRC32 above 5 MiB.
 * `v1.12.1`, that is from it on: ListObjectsV2, and one PutObject.
 */
export const ERAS = ['v1.10.1', 'v1.12.0', 'v1.12.1'] as const;
export type Era = (typeof ERAS)[number];

/** Above this size the transfer manager of 1.10.2 to 1.12.0 goes multipart; also the size of its parts. */
const PART_SIZE = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 5;
/** 5 attempts for every call, as the driver of the SDK v2 has. */
const MAX_ATTEMPTS = 5;

export interface S3DriverOptions {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
  /** From the backup target's URL; a part of the credential scope and nothing else. @default 'us-east-1' */
  readonly region?: string;
  /** The path in the backup target's URL, without its leading `/`. @default '' */
  readonly path?: string;
  /** @default 'v1.12.1' */
  readonly era?: Era;
  /** Sends parts as aws-chunked with a trailer, as 1.10.2 to 1.12.0 do over https. @default false */
  readonly chunkedParts?: boolean;
  readonly client?: Partial<S3ClientConfig>;
}

export class S3Driver implements BackupstoreDriver {
  /** Calls so far, by operation: `HeadObject`, `PutObject`, … Retries are not counted again. */
  readonly requests = new Map<string, number>();
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly path: string;
  private readonly era: Era;
  private readonly chunkedParts: boolean;

  constructor(options: S3DriverOptions) {
    this.bucket = options.bucket;
    this.path = options.path ?? '';
    this.era = options.era ?? 'v1.12.1';
    this.chunkedParts = options.chunkedParts ?? false;
    this.client = new S3Client({
      endpoint: options.endpoint,
      region: options.region ?? 'us-east-1',
      credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
      forcePathStyle: true,
      maxAttempts: MAX_ATTEMPTS,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      ...options.client,
    });
    this.client.middlewareStack.add(
      (next, context) => (request) => {
        const operation = String(context.commandName).replace(/Command$/, '');
        this.requests.set(operation, (this.requests.get(operation) ?? 0) + 1);
        return next(request);
      },
      { step: 'initialize', name: 'countRequests' },
    );
  }

  close(): void {
    this.client.destroy();
  }

  async list(directory: string): Promise<string[]> {
    const joined = this.resolve(directory);
    const prefix = joined.endsWith('/') ? joined : `${joined}/`;
    const { keys, prefixes } = await this.listObjects(prefix, '/');
    return [
      ...keys.map((key) => key.slice(prefix.length)),
      ...prefixes.map((found) => found.slice(prefix.length).replace(/\/$/, '')),
    ].filter((entry) => entry !== '');
  }

  async size(path: string): Promise<number> {
    return (await this.head(path))?.size ?? -1;
  }

  async time(path: string): Promise<number> {
    return (await this.head(path))?.time ?? 0;
  }

  async read(path: string): Promise<Buffer> {
    const command = new GetObjectCommand({
      Bucket: this.bucket,
      Key: this.resolve(path),
      ...(this.era === 'v1.12.0' && { ChecksumMode: 'ENABLED' }),
    });
    const { Body } = await this.client.send(command);
    if (!Body) throw new Error(`no body for ${path}`);
    return Buffer.from(await Body.transformToByteArray());
  }

  async write(path: string, data: Buffer): Promise<void> {
    const target = {
      Bucket: this.bucket,
      Key: this.resolve(path),
      ContentType: this.era === 'v1.10.1' ? undefined : 'application/octet-stream',
    };
    if (this.era === 'v1.12.0' && data.length > PART_SIZE) {
      await this.writeInParts(target, data);
      return;
    }
    const ContentMD5 = this.era === 'v1.10.1' ? createHash('md5').update(data).digest('base64') : undefined;
    await this.client.send(new PutObjectCommand({ ...target, Body: data, ContentMD5 }));
  }

  async remove(path: string): Promise<void> {
    const { keys } = await this.listObjects(this.resolve(path), '');
    const failed: string[] = [];
    for (const Key of keys) {
      await this.client
        .send(new DeleteObjectCommand({ Bucket: this.bucket, Key }))
        .catch(() => failed.push(Key));
    }
    if (failed.length > 0) throw new Error(`failed to delete objects ${failed.join(' ')}`);
  }

  /** Joins and cleans, and keeps a trailing `/`; the empty path stays empty. */
  private resolve(path: string): string {
    const joined = posix.join(this.path, path);
    return joined === '.' ? '' : joined;
  }

  private async head(path: string): Promise<{ size: number; time: number } | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.bucket, Key: this.resolve(path) });
    const reply = await this.client.send(command).catch(() => undefined);
    if (reply?.ContentLength === undefined) return undefined;
    // The real driver dies of a nil pointer here.
    if (!reply.LastModified) throw new Error(`HEAD of ${path} has no Last-Modified`);
    return { size: reply.ContentLength, time: reply.LastModified.getTime() };
  }

  private async writeInParts(
    target: { Bucket: string; Key: string; ContentType: string | undefined },
    data: Buffer,
  ): Promise<void> {
    const { UploadId } = await this.client.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'CRC32' }),
    );
    const upload = { Bucket: target.Bucket, Key: target.Key, UploadId };
    const parts: CompletedPart[] = [];
    try {
      await inThreads(PARTS_AT_ONCE, partsOf(data), async ({ PartNumber, bytes }) => {
        const body = this.chunkedParts
          ? { Body: Readable.from(slicesOf(bytes)), ContentLength: bytes.length }
          : { Body: bytes };
        const { ETag, ChecksumCRC32 } = await this.client.send(
          new UploadPartCommand({ ...upload, ...body, PartNumber, ChecksumAlgorithm: 'CRC32' }),
        );
        parts[PartNumber - 1] = { PartNumber, ETag, ChecksumCRC32 };
      });
      await this.client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
      );
    } catch (error) {
      await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  }

  private listObjects(prefix: string, delimiter: string): Promise<Listing> {
    return this.era === 'v1.10.1' ? this.listV1(prefix, delimiter) : this.listV2(prefix, delimiter);
  }

  /** The pager of SDK v1 goes on at NextMarker, else at the last key. */
  private async listV1(Prefix: string, Delimiter: string): Promise<Listing> {
    const listing: Listing = { keys: [], prefixes: [] };
    let Marker: string | undefined;
    for (;;) {
      const command = new ListObjectsCommand({ Bucket: this.bucket, Prefix, Delimiter, Marker });
      const page = await this.client.send(command);
      addPage(listing, page);
      if (page.IsTruncated !== true) return listing;
      const next = page.NextMarker ?? page.Contents?.at(-1)?.Key;
      if (next === undefined) throw new Error('a truncated page without NextMarker and without keys');
      Marker = next;
    }
  }

  private async listV2(Prefix: string, Delimiter: string): Promise<Listing> {
    const listing: Listing = { keys: [], prefixes: [] };
    let ContinuationToken: string | undefined;
    for (;;) {
      const command = new ListObjectsV2Command({ Bucket: this.bucket, Prefix, Delimiter, ContinuationToken });
      const page = await this.client.send(command);
      addPage(listing, page);
      if (page.IsTruncated !== true) return listing;
      ContinuationToken = page.NextContinuationToken;
    }
  }
}

interface Listing {
  readonly keys: string[];
  readonly prefixes: string[];
}

function addPage(
  listing: Listing,
  page: { Contents?: { Key?: string }[]; CommonPrefixes?: { Prefix?: string }[] },
): void {
  for (const { Key } of page.Contents ?? []) if (Key !== undefined) listing.keys.push(Key);
  for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) listing.prefixes.push(Prefix);
}

function* partsOf(data: Buffer): Generator<{ PartNumber: number; bytes: Buffer }> {
  for (let start = 0; start < data.length; start += PART_SIZE) {
    yield { PartNumber: start / PART_SIZE + 1, bytes: data.subarray(start, start + PART_SIZE) };
  }
}

function* slicesOf(data: Buffer): Generator<Buffer> {
  for (let start = 0; start < data.length; start += 64 * 1024) yield data.subarray(start, start + 64 * 1024);
}
