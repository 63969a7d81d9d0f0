/** Seals what is stored anew under the key that seals now: the same bytes, ETag, times and metadata, in another file. */

import { createHash, randomBytes } from 'node:crypto';
import { S3Error } from '../errors';
import type { SealContext } from '../seal/context';
import { headerKeyId } from '../seal/header';
import type { Keyring } from '../seal/keyring';
import type { FileMetadata } from './file-metadata';
import type { SealedBy } from './key-check';
import { objectSealedBy, partSealedBy } from './key-census';
import type { PartRow, UploadRow } from './multipart-rows';
import { isDamage, type KnownFile, type ObjectFiles } from './object-files';
import { DEFAULT_ATTRIBUTES, type ObjectRecord, type StoredPart } from './object-record';
import type { ObjectReader, Place } from './object-reader';
import type { ObjectRef } from './object-store';
import type { ObjectWriter } from './object-writer';
import type { RemoteLayout } from './remote-layout';
import type { Uploads } from './uploads';

/** Bytes up to which an object is held in memory, so that it is read and written one after the other: most blocks of Longhorn. */
const HELD_BYTES = 16 * 1024 * 1024;
const PLAIN_MD5 = /^[0-9a-f]{32}$/;

/**
 * - `resealed`: it is sealed with the key that seals now.
 * - `current`: it was already.
 * - `changed`: somebody else wrote, deleted or read it meanwhile; look again later.
 * - `damaged`: what is stored is not what was once stored; only a new PUT mends it.
 */
export type ResealOutcome = 'resealed' | 'current' | 'changed' | 'damaged';

/** It is given up, for a client that waits or because the gateway stops. */
export class GaveWayError extends Error {
  override readonly name = 'GaveWayError';
}

/** The bytes are not those that the ETag was made of. */
class WrongDigestError extends Error {
  override readonly name = 'WrongDigestError';
}

export interface ResealerOptions {
  readonly keyring: Keyring;
  readonly files: ObjectFiles;
  readonly layout: RemoteLayout;
  readonly reader: ObjectReader;
  readonly writer: ObjectWriter;
  readonly uploads: Uploads;
  /** Connections to the FTP server; with a single one, what is too large for the memory cannot be read and written at a time. */
  readonly connections: number;
}

export class Resealer {
  constructor(private readonly options: ResealerOptions) {}

  /** Whether an object, with all its parts, is sealed with the key that seals now. */
  isCurrent(record: ObjectRecord): boolean {
    const { parts = [] } = record;
    return this.#seals(objectSealedBy(record)) && parts.every((part) => this.isCurrentPart(part));
  }

  isCurrentPart(part: StoredPart): boolean {
    return this.#seals(partSealedBy(part));
  }

  /** Throws what reading and writing throws, and `GaveWayError`. */
  async object(ref: ObjectRef, signal: AbortSignal): Promise<ResealOutcome> {
    const found = await this.options.reader.find(ref);
    if (!found) return 'changed';
    const { place, record } = found;
    if (record.damaged) return 'damaged';
    if (this.isCurrent(record)) return 'current';
    try {
      const { parts, upload } = record;
      const done =
        parts && upload !== undefined
          ? await this.#multipart(ref, record, upload, parts, signal)
          : await this.#single(ref, place, record, signal);
      return done ? 'resealed' : 'changed';
    } catch (error) {
      if (!isBadContent(error)) throw error;
      await this.options.reader.markDamaged(ref, place, record, error);
      return 'damaged';
    }
  }

  /**
   * Deletes files of parts that a gateway which died left beside those of a multipart object. Nothing else writes in the directory of an upload
   * that was completed.
   */
  async tidy(ref: ObjectRef): Promise<void> {
    const { reader, uploads } = this.options;
    const { upload, parts } = (await reader.find(ref))?.record ?? {};
    if (upload !== undefined && parts) await uploads.tidy(upload, new Set(parts.map(({ file }) => file)));
  }

  /** A part of an upload in progress. */
  async part(upload: UploadRow, part: PartRow, signal: AbortSignal): Promise<ResealOutcome> {
    if (this.isCurrentPart(part)) return 'current';
    const { bucket, key, uploadId } = upload;
    const { uploads } = this.options;
    const release = uploads.retainParts(uploadId);
    try {
      const file = `${part.partNumber}-${randomBytes(8).toString('hex')}`;
      const { partNumber, size, etag, lastModified, checksum } = part;
      const metadata = { size, etag, lastModified, ...(checksum && { checksum }), headers: {}, metadata: {} };
      const context = { bucket, key, uploadId, partNumber };
      const stored = await this.#copyPart(context, part, file, metadata, signal);
      return (await uploads.replacePart(upload, part, { ...part, ...stored })) ? 'resealed' : 'changed';
    } catch (error) {
      if (isBadContent(error)) return 'damaged';
      throw error;
    } finally {
      release();
    }
  }

  async #single(ref: ObjectRef, place: Place, record: ObjectRecord, signal: AbortSignal): Promise<boolean> {
    const { reader, writer, files, layout } = this.options;
    const { size, header, storedSize } = record;
    const path = layout.object(ref);
    let body: () => AsyncIterable<Buffer>;
    if (size <= HELD_BYTES) {
      body = await held(verified(reader.read(ref, place, record), record.etag));
    } else {
      this.#requireTwoConnections(path);
      const file = { path, context: ref, size, storedSize, ...(header && { header }) };
      const givesWay = (): boolean => writer.isAwaited(ref);
      body = () => yielding(verified(files.read(file), record.etag), signal, givesWay);
    }
    return writer.replace(ref, record, async () => {
      const metadata = (): FileMetadata => metadataOf(record);
      const stored = await files.write({ path, context: ref, size, body, replayable: true, metadata });
      return { ...record, ...stored };
    });
  }

  /** The parts first, in new files beside the old ones; then the manifest that names them; then the old files go. */
  async #multipart(
    ref: ObjectRef,
    record: ObjectRecord,
    uploadId: string,
    parts: readonly StoredPart[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { writer, files, layout, uploads } = this.options;
    const release = uploads.retainParts(uploadId);
    try {
      const resealed: StoredPart[] = [];
      for (const part of parts) {
        const isCurrent = this.isCurrentPart(part);
        resealed.push(isCurrent ? part : await this.#completedPart(ref, record, uploadId, part, signal));
      }
      const next = { ...record, parts: resealed };
      const done = await writer.replace(ref, record, async () => {
        const stored = await files.write({
          path: layout.object(ref),
          context: ref,
          size: 0,
          body: nothing,
          replayable: true,
          metadata: () => metadataOf(next),
          manifest: true,
        });
        return { ...next, ...stored };
      });
      if (done) {
        const kept = new Set(resealed.map(({ file }) => file));
        uploads.discardFiles(
          uploadId,
          parts.map(({ file }) => file).filter((file) => !kept.has(file)),
        );
      }
      // Otherwise the new files stay: the object may be in the trash, with its parts, and come back. They go with the directory, or are tidied up.
      return done;
    } finally {
      release();
    }
  }

  /**
   * The name of the new file follows from the old one and the key: what was done before the gateway died is found again. No name
   * comes twice, since the old file's name never does.
   */
  async #completedPart(
    ref: ObjectRef,
    object: ObjectRecord,
    uploadId: string,
    part: StoredPart,
    signal: AbortSignal,
  ): Promise<StoredPart> {
    const { files, layout, keyring } = this.options;
    const { partNumber, size, storedSize } = part;
    const context = { ...ref, uploadId, partNumber };
    const origin = createHash('sha256').update(`${keyring.writeKeyId} ${part.file}`).digest('hex');
    const file = `${partNumber}-${origin.slice(0, 16)}`;
    const { metadata } = part.header
      ? await files.readFacts(layout.part(uploadId, part.file), context, storedSize)
      : { metadata: undefined };
    if (metadata) {
      const done = await this.#findPart(layout.part(uploadId, file), context, metadata);
      if (done) return { ...part, file, ...done };
    }
    const plain = { size, etag: '', lastModified: object.lastModified, headers: {}, metadata: {} };
    return { ...part, ...(await this.#copyPart(context, part, file, metadata ?? plain, signal)) };
  }

  async #findPart(
    path: string,
    context: SealContext,
    { size, etag }: FileMetadata,
  ): Promise<{ storedSize: number; header: string } | undefined> {
    const { files } = this.options;
    const storedSize = await files.size(path);
    if (storedSize === undefined) return undefined;
    try {
      const { header, metadata } = await files.readFacts(path, context, storedSize);
      const isDone = metadata?.size === size && metadata.etag === etag;
      return isDone && header && this.#seals(headerKeyId(header))
        ? { storedSize, header: header.toString('base64') }
        : undefined;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return undefined;
    }
  }

  /** Seals a part's bytes into a new file. An empty ETag is made from the bytes. */
  async #copyPart(
    context: SealContext & { readonly uploadId: string },
    part: StoredPart,
    file: string,
    metadata: FileMetadata,
    signal: AbortSignal,
  ): Promise<Pick<StoredPart, 'file' | 'storedSize' | 'header'>> {
    const { files, layout } = this.options;
    const { size, storedSize, header } = part;
    const source: KnownFile = {
      path: layout.part(context.uploadId, part.file),
      context,
      size,
      storedSize,
      ...(header !== undefined && { header: Buffer.from(header, 'base64') }),
    };
    const etag = metadata.etag === '' ? await files.md5(source.path, storedSize) : metadata.etag;
    const read = (): AsyncIterable<Buffer> => verified(files.read(source), etag);
    let body: () => AsyncIterable<Buffer>;
    if (size <= HELD_BYTES) body = await held(read());
    else {
      this.#requireTwoConnections(source.path);
      body = () => yielding(read(), signal, () => false);
    }
    const path = layout.part(context.uploadId, file);
    const stored = await files.write({
      path,
      context,
      size,
      body,
      replayable: true,
      metadata: () => ({ ...metadata, etag }),
    });
    return {
      file,
      storedSize: stored.storedSize,
      ...(stored.header && { header: stored.header.toString('base64') }),
    };
  }

  #seals(sealedBy: SealedBy): boolean {
    return sealedBy === this.options.keyring.writeKeyId;
  }

  #requireTwoConnections(path: string): void {
    if (this.options.connections < 2)
      throw new Error(
        `${path} is too large to be sealed anew over one connection: expected FTP_CONNECTIONS of 2 or more`,
      );
  }
}

function isBadContent(error: unknown): error is Error {
  // The reader tells of damage in S3's words.
  const isReported = error instanceof S3Error && error.code === 'InternalError';
  return isDamage(error) || error instanceof WrongDigestError || isReported;
}

function metadataOf(record: ObjectRecord): FileMetadata {
  const { size, etag, lastModified, checksum, upload, parts } = record;
  return {
    size,
    etag,
    lastModified,
    ...(checksum && { checksum }),
    ...(record.attributes ?? DEFAULT_ATTRIBUTES),
    ...(upload !== undefined && { upload }),
    ...(parts && { parts }),
  };
}

/** Reads a small source once; what it returns gives its bytes as often as they are asked for. */
async function held(source: AsyncIterable<Buffer>): Promise<() => AsyncIterable<Buffer>> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return async function* () {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  };
}

/** Throws at the end if the bytes are not those of the ETag, as far as that tells. */
async function* verified(source: AsyncIterable<Buffer>, etag: string): AsyncGenerator<Buffer> {
  const md5 = createHash('md5');
  for await (const chunk of source) {
    md5.update(chunk);
    yield chunk;
  }
  if (PLAIN_MD5.test(etag) && md5.digest('hex') !== etag)
    throw new WrongDigestError('The stored bytes do not have the MD5 that they were stored with.');
}

async function* yielding(
  source: AsyncIterable<Buffer>,
  signal: AbortSignal,
  givesWay: () => boolean,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    if (signal.aborted || givesWay()) throw new GaveWayError('given up for now');
    yield chunk;
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  // A manifest's bytes are those of its parts.
}
