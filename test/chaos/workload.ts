/** Clients at work: writers that keep the model, and readers that hold the gateway to it. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyBytes } from '../support/s3';
import {
  contentOf,
  isContentOfOne,
  isSizeOfOne,
  type ObjectModel,
  type State,
  type Version,
} from './object-model';
import type { SeededRandom } from './random';

const PART_SIZE = 5 * 1024 * 1024;
const PAUSE_AFTER_FAILURE_MS = 25;

/** The numbers of one run. */
export interface Tally {
  acknowledged: number;
  unacknowledged: number;
  reads: number;
}

export class Workload {
  readonly tally: Tally = { acknowledged: 0, unacknowledged: 0, reads: 0 };
  /** What the gateway answered that it never may. */
  readonly violations: string[] = [];
  private readonly uploads = new Set<AbortController>();
  private stopping = false;
  private versions = 0;
  private running: Promise<void>[] = [];

  constructor(
    private readonly client: S3Client,
    private readonly bucket: string,
    private readonly model: ObjectModel,
    private readonly random: SeededRandom,
  ) {}

  get uploadsInFlight(): number {
    return this.uploads.size;
  }

  /** Cuts the client's connection of every upload in flight. */
  cutUploads(): void {
    for (const upload of this.uploads) upload.abort();
  }

  /** Resolves when one more write was acknowledged, or the time is over. */
  async untilNextAcknowledged(timeoutMs: number): Promise<void> {
    const before = this.tally.acknowledged;
    const deadline = Date.now() + timeoutMs;
    while (this.tally.acknowledged === before && Date.now() < deadline) await sleep(5);
  }

  /** Each writer has its keys to itself. */
  start(writers: readonly (readonly string[])[], readers: number): void {
    const keys = writers.flat();
    this.running = [
      ...writers.map((own) => this.repeat(own, (key) => this.write(key))),
      ...Array.from({ length: readers }, () => this.repeat(keys, (key) => this.read(key))),
    ];
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.running);
  }

  private async repeat(keys: readonly string[], work: (key: string) => Promise<void>): Promise<void> {
    while (!this.stopping) await work(keys[this.random.integer(0, keys.length - 1)] ?? '');
  }

  private async write(key: string): Promise<void> {
    const [outcome, request] = this.chooseWrite(key);
    this.model.attempted(key, outcome);
    const upload = new AbortController();
    this.uploads.add(upload);
    try {
      await request(upload.signal);
      this.model.acknowledged(key, outcome);
      this.tally.acknowledged += 1;
    } catch (error) {
      if (!isConnectionRefused(error)) this.tally.unacknowledged += 1;
      this.refuseClientErrors(`write of ${key}`, error);
      await sleep(PAUSE_AFTER_FAILURE_MS);
    } finally {
      this.uploads.delete(upload);
    }
  }

  private chooseWrite(key: string): [State, (signal: AbortSignal) => Promise<unknown>] {
    const kind = this.random.weighted<'small' | 'block' | 'multipart' | 'delete'>([
      [40, 'small'],
      [40, 'block'],
      [5, 'multipart'],
      [15, 'delete'],
    ]);
    const ref = { Bucket: this.bucket, Key: key };
    if (kind === 'delete') {
      return ['absent', (abortSignal) => this.client.send(new DeleteObjectCommand(ref), { abortSignal })];
    }
    const version: Version = { number: ++this.versions, size: this.sizeFor(kind) };
    const Body = contentOf(version);
    if (kind === 'multipart') return [version, (signal) => this.putInParts(ref, Body, signal)];
    return [
      version,
      (abortSignal) => this.client.send(new PutObjectCommand({ ...ref, Body }), { abortSignal }),
    ];
  }

  private sizeFor(kind: 'small' | 'block' | 'multipart'): number {
    switch (kind) {
      case 'small':
        return this.random.integer(0, 4096);
      case 'block':
        return this.random.integer(500_000, 3_000_000);
      case 'multipart':
        return PART_SIZE + this.random.integer(1, 1_000_000);
    }
  }

  private async putInParts(
    ref: { Bucket: string; Key: string },
    content: Buffer,
    abortSignal: AbortSignal,
  ): Promise<void> {
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(ref), { abortSignal });
    const upload = { ...ref, UploadId };
    try {
      const Parts: CompletedPart[] = [];
      for (const [index, Body] of [content.subarray(0, PART_SIZE), content.subarray(PART_SIZE)].entries()) {
        const PartNumber = index + 1;
        const part = new UploadPartCommand({ ...upload, PartNumber, Body });
        const { ETag, ChecksumCRC32 } = await this.client.send(part, { abortSignal });
        Parts.push({ PartNumber, ETag, ChecksumCRC32 });
      }
      const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
      await this.client.send(complete, { abortSignal });
    } catch (error) {
      await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  }

  private async read(key: string): Promise<void> {
    const look = this.random.chance(0.5) ? () => this.head(key) : () => this.get(key);
    const { found, states } = await this.model.during(key, () => look().catch((error: unknown) => error));
    if (found instanceof Error) {
      if (isNotFound(found)) {
        if (!states.has('absent')) this.violations.push(`${key} is there, and was answered with 404`);
      } else {
        this.refuseClientErrors(`read of ${key}`, found);
        await sleep(PAUSE_AFTER_FAILURE_MS);
      }
      return;
    }
    this.tally.reads += 1;
    const good = Buffer.isBuffer(found)
      ? isContentOfOne(found, states)
      : isSizeOfOne(found as number, states);
    if (!good) this.violations.push(`${key} was answered with what nobody had put there`);
  }

  /** A fault may answer 5xx or nothing; a 4xx would tell the client something that is not so. */
  private refuseClientErrors(what: string, error: unknown): void {
    const status = statusOf(error);
    if (status !== undefined && status >= 400 && status < 500 && !isNoSuchUpload(error)) {
      this.violations.push(`${what} was answered with ${status} ${(error as Error).name}`);
    }
  }

  private async head(key: string): Promise<number> {
    const reply = await this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key }));
    return reply.ContentLength ?? -1;
  }

  private async get(key: string): Promise<Buffer> {
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.bucket, Key: key }));
    return bodyBytes(Body);
  }
}

export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

export const isNotFound = (error: unknown): boolean => statusOf(error) === 404 && !isNoSuchUpload(error);

/** The gateway is down, and never saw the request. */
const isConnectionRefused = (error: unknown): boolean =>
  (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';

/** An upload that was open when the gateway died may be gone; that is for the client to start again. */
const isNoSuchUpload = (error: unknown): boolean => (error as Error).name === 'NoSuchUpload';
