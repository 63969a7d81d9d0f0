/** What the model is compared with: the store in this process, or a gateway process over HTTP. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { S3Error } from '../../gateway/errors';
import { DEFAULT_ATTRIBUTES } from '../../gateway/store/object-record';
import type { ObjectStore } from '../../gateway/store/object-store';
import { statusOf } from '../chaos/workload';
import { bodyOf, readAll } from '../support/bodies';
import { bodyBytes } from '../support/s3';
import { partsOf, type Listing, type Seen, type Version } from './s3-model';

export interface PageQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly maxKeys: number;
}

export interface Page extends Listing {
  /** Gives the next page, as `after`. */
  readonly next: string | undefined;
}

/** Throws `Unsure` where a client is to come again. */
export interface Subject {
  /** Returns the ETag. */
  put(key: string, version: Version): Promise<string>;
  head(key: string): Promise<Seen | undefined>;
  get(key: string): Promise<(Seen & { readonly bytes: Buffer }) | undefined>;
  delete(key: string): Promise<void>;
  page(query: PageQuery): Promise<Page>;
}

/** Answered 503, or not at all: what was asked may have happened. */
export class Unsure extends Error {}

const PASSING = ['SlowDown', 'ServiceUnavailable'];

export class StoreSubject implements Subject {
  constructor(
    private readonly store: ObjectStore,
    private readonly bucket: string,
  ) {}

  put(key: string, version: Version): Promise<string> {
    return this.#ask(async (store) => {
      const ref = { bucket: this.bucket, key };
      const parts = partsOf(version);
      if (!version.isMultipart) return (await store.put(ref, bodyOf(parts[0]!), DEFAULT_ATTRIBUTES)).etag;
      const upload = { ...ref, uploadId: await store.createUpload(ref, DEFAULT_ATTRIBUTES) };
      const done = [];
      for (const [i, part] of parts.entries()) {
        const { partNumber, etag } = await store.putPart(upload, i + 1, bodyOf(part));
        done.push({ partNumber, etag });
      }
      return (await store.completeUpload(upload, done)).etag;
    });
  }

  head(key: string): Promise<Seen | undefined> {
    return this.#ask((store) => store.stat({ bucket: this.bucket, key }));
  }

  get(key: string): Promise<(Seen & { bytes: Buffer }) | undefined> {
    return this.#ask(async (store) => {
      try {
        const object = await store.open({ bucket: this.bucket, key });
        return { ...object.info, bytes: await readAll(object.read()) };
      } catch (error) {
        if (error instanceof S3Error && error.code === 'NoSuchKey') return undefined;
        throw error;
      }
    });
  }

  delete(key: string): Promise<void> {
    return this.#ask((store) => store.delete({ bucket: this.bucket, key }));
  }

  page(query: PageQuery): Promise<Page> {
    return this.#ask(async (store) => {
      const { next, ...page } = await store.list(this.bucket, query);
      return { ...page, next };
    });
  }

  async #ask<Answer>(ask: (store: ObjectStore) => Promise<Answer>): Promise<Answer> {
    try {
      return await ask(this.store);
    } catch (error) {
      if (error instanceof S3Error && PASSING.includes(error.code))
        throw new Unsure(error.code, { cause: error });
      throw error;
    }
  }
}

export class HttpSubject implements Subject {
  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
  ) {}

  put(key: string, version: Version): Promise<string> {
    return this.#ask(async (client) => {
      const ref = { Bucket: this.bucket, Key: key };
      const parts = partsOf(version);
      if (!version.isMultipart)
        return unquoted((await client.send(new PutObjectCommand({ ...ref, Body: parts[0]! }))).ETag);
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(ref));
      const Parts = [];
      for (const [i, Body] of parts.entries()) {
        const part = { ...ref, UploadId, PartNumber: i + 1, Body };
        const { ETag, ChecksumCRC32 } = await client.send(new UploadPartCommand(part));
        Parts.push({ PartNumber: i + 1, ETag, ChecksumCRC32 });
      }
      const whole = { ...ref, UploadId, MultipartUpload: { Parts } };
      return unquoted((await client.send(new CompleteMultipartUploadCommand(whole))).ETag);
    });
  }

  async head(key: string): Promise<Seen | undefined> {
    return this.#find(async (client) => {
      const head = await client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
      return { etag: unquoted(head.ETag), size: head.ContentLength ?? -1 };
    });
  }

  async get(key: string): Promise<(Seen & { bytes: Buffer }) | undefined> {
    return this.#find(async (client) => {
      const reply = await client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
      const bytes = await bodyBytes(reply.Body);
      return { etag: unquoted(reply.ETag), size: reply.ContentLength ?? -1, bytes };
    });
  }

  async delete(key: string): Promise<void> {
    await this.#ask((client) => client.send(new DeleteObjectCommand({ Bucket: this.bucket, Key: key })));
  }

  async page({ prefix, delimiter, after, maxKeys }: PageQuery): Promise<Page> {
    const reply = await this.#ask((client) =>
      client.send(
        new ListObjectsV2Command({
          Bucket: this.bucket,
          Prefix: prefix,
          MaxKeys: maxKeys,
          ...(delimiter && { Delimiter: delimiter }),
          ...(after && { StartAfter: after }),
        }),
      ),
    );
    const objects = (reply.Contents ?? []).map(({ Key = '', ETag, Size = -1 }) => ({
      key: Key,
      etag: unquoted(ETag),
      size: Size,
    }));
    const commonPrefixes = (reply.CommonPrefixes ?? []).map(({ Prefix = '' }) => Prefix);
    const last = [objects.at(-1)?.key ?? '', commonPrefixes.at(-1) ?? ''].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    )[1];
    return { objects, commonPrefixes, next: reply.IsTruncated ? last : undefined };
  }

  #find<Answer>(ask: (client: S3Client) => Promise<Answer>): Promise<Answer | undefined> {
    return this.#ask(async (client) => {
      try {
        return await ask(client);
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    });
  }

  /** What is not answered at all is as open as a 503. */
  async #ask<Answer>(ask: (client: S3Client) => Promise<Answer>): Promise<Answer> {
    try {
      return await ask(this.client);
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined || status === 503) throw new Unsure(String(error), { cause: error });
      throw error;
    }
  }
}

const unquoted = (etag: string | undefined): string => (etag ?? '').replaceAll('"', '');
