/** Writes and reads the files that hold objects and parts: sealed where there is a key, the bare bytes otherwise. */

import { createHash } from 'node:crypto';
import type { NewDirectories, RemoteTree } from '../ftp/remote-tree';
import type { SealContext } from '../seal/context';
import { FormatError, IntegrityError } from '../seal/errors';
import { looksSealed } from '../seal/header';
import type { Keyring } from '../seal/keyring';
import { ObjectCipher } from '../seal/object-cipher';
import { openRange, openTail, openWhole, TAIL_GUESS } from '../seal/open';
import { seal } from '../seal/seal';
import { decodeMetadata, encodeMetadata, type FileMetadata } from './file-metadata';
import type { ByteRange } from './object-store';

export interface ObjectFilesOptions {
  readonly tree: RemoteTree;
  /** Absent: files are written and read as the bare bytes. */
  readonly keyring?: Keyring;
  readonly segmentLog2: number;
  /** Whether a file without seal is read although there is a key. An attacker who may write to the FTP server can then forge objects. */
  readonly readPlain: () => boolean;
  /** Names a temporary file in this process's own directory; never the same twice. */
  readonly temporaryPath: () => string;
  readonly asidePath: (path: string) => string;
  /** Milliseconds after which a read without any progress is given up. @default that of the tree */
  readonly readDeadlineMs?: number;
}

/** What is to be written. */
export interface NewFile {
  readonly path: string;
  readonly context: SealContext;
  /** Plaintext bytes that `body` yields. */
  readonly size: number;
  readonly body: () => AsyncIterable<Buffer>;
  readonly replayable: boolean;
  /** Called when the body has ended: the digests are known then. */
  readonly metadata: () => FileMetadata;
  /** The file names the parts that hold the bytes, and holds none itself. */
  readonly manifest?: boolean;
  /** The file that is there already, if it may be worth keeping. */
  readonly replaced?: ReplacedFile;
  /** Directories that lead to it, to be made along with it. */
  readonly newDirectories?: NewDirectories;
  /** Awaited before anything changes at its place. */
  readonly mayCommit?: () => Promise<void>;
}

export interface ReplacedFile {
  /** Whether it is kept, in view of what replaces it. Asked when the body has ended. */
  keeps(size: number, etag: string): boolean;
  /** Called with where it waits, once it is replaced and kept. */
  keep(aside: string): Promise<void>;
}

/** A file that is on the FTP server, whole. */
export interface StoredFile {
  readonly storedSize: number;
  /** Absent for a file without seal. One that was kept may lack its MAC. */
  readonly header?: Buffer;
}

/** What a file tells about its object. A file without seal tells nothing but its size. */
export type FileFacts = StoredFile & { readonly metadata?: FileMetadata };

/** A file to read, as the catalog knows it. */
export interface KnownFile extends StoredFile {
  readonly path: string;
  readonly context: SealContext;
  /** Plaintext bytes in this file. */
  readonly size: number;
}

export class ObjectFiles {
  constructor(private readonly options: ObjectFilesOptions) {}

  /** Whether new files are sealed. */
  get seals(): boolean {
    return this.options.keyring !== undefined;
  }

  /** Stores a file whole, in place of what was there. Throws what the body and the tree throw. */
  async write(file: NewFile): Promise<StoredFile> {
    const { tree, keyring, segmentLog2, temporaryPath, asidePath } = this.options;
    let header: Buffer | undefined;
    // Each attempt seals anew: two texts under one salt would give both away.
    const body = (): AsyncIterable<Buffer> => {
      if (!keyring) return file.body();
      const { size, context, manifest = false } = file;
      const sealing = seal(keyring, context, { size, segmentLog2, manifest });
      header = sealing.headerBytes;
      return sealing.stream(file.body(), () => encodeMetadata(file.metadata()));
    };
    const { replaced, newDirectories, mayCommit } = file;
    const aside = asidePath(file.path);
    let keeps = false;
    const keepsReplaced = (): boolean => {
      const { size, etag } = file.metadata();
      return (keeps = replaced?.keeps(size, etag) ?? false);
    };
    const { size, committedBy } = await tree.putFile({
      temporary: temporaryPath(),
      target: file.path,
      aside,
      body,
      replayable: file.replayable,
      ...(replaced && { keepsReplaced }),
      ...(newDirectories && { newDirectories }),
      ...(mayCommit && { mayCommit }),
      size: file.size,
    });
    if (keeps && committedBy === 'aside') await replaced?.keep(aside);
    return { storedSize: size, ...(header && { header }) };
  }

  /**
   * Reads what the end of a file tells. Throws `FormatError` or `IntegrityError` for one that is not whole or not ours,
   * and `RemoteError` if it cannot be read or is shorter than `storedSize`.
   */
  async readFacts(path: string, context: SealContext, storedSize: number): Promise<FileFacts> {
    const { keyring } = this.options;
    if (!keyring) return { storedSize };
    let length = Math.min(TAIL_GUESS, storedSize);
    for (;;) {
      const tail = await this.#readTail(path, storedSize, length);
      const opened = await this.#openTail(path, context, tail, storedSize);
      if (opened === undefined) return { storedSize };
      if (!('needed' in opened)) {
        return { storedSize, header: opened.cipher.headerBytes, metadata: decodeMetadata(opened.metadata) };
      }
      length = opened.needed;
    }
  }

  /** Yields the plaintext of a file, or a range of it. Throws `FormatError`, `IntegrityError`, `RemoteError`. */
  read(file: KnownFile, range?: ByteRange): AsyncIterable<Buffer> {
    const { tree, keyring, readPlain, readDeadlineMs } = this.options;
    const { path, context, header, storedSize, size } = file;
    const options = readDeadlineMs === undefined ? {} : { deadlineMs: readDeadlineMs };
    if (header && !keyring) throw new IntegrityError('unknown-key');
    if (!header && keyring && !readPlain()) throw new FormatError('not-sealed');
    if (!header || !keyring)
      return tree.read(path, { ...options, ...(range ?? { start: 0, end: storedSize }) });
    if (!range || (range.start === 0 && range.end === size)) {
      return openWhole(keyring, context, tree.read(path, { ...options, end: storedSize }), {
        headerBytes: header,
      });
    }
    const { stored, open } = openRange(ObjectCipher.reopen(keyring, context, header), range);
    return open(tree.read(path, { ...options, ...stored }));
  }

  /** Bytes of a file as it lies there; undefined if the server refuses it. */
  size(path: string): Promise<number | undefined> {
    return this.options.tree.size(path);
  }

  /** Hex MD5 of a file without seal, whose ETag nobody recorded. */
  async md5(path: string, storedSize: number): Promise<string> {
    const md5 = createHash('md5');
    for await (const chunk of this.options.tree.read(path, { end: storedSize })) md5.update(chunk);
    return md5.digest('hex');
  }

  async #readTail(path: string, storedSize: number, length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    if (length > 0) {
      const range = { start: storedSize - length, end: storedSize };
      for await (const chunk of this.options.tree.read(path, range)) chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Undefined for a file without seal that may be read as it is. */
  async #openTail(
    path: string,
    context: SealContext,
    tail: Buffer,
    storedSize: number,
  ): Promise<ReturnType<typeof openTail> | undefined> {
    const { keyring, readPlain } = this.options;
    try {
      return keyring && openTail(keyring, context, tail, storedSize);
    } catch (error) {
      if (!readPlain() || !(await this.#isPlain(path, tail, storedSize))) throw error;
      return undefined;
    }
  }

  /** A file that begins like a sealed one is never taken for a plain one. */
  async #isPlain(path: string, tail: Buffer, storedSize: number): Promise<boolean> {
    if (tail.length === storedSize) return !looksSealed(tail);
    const start: Buffer[] = [];
    for await (const chunk of this.options.tree.read(path, { end: Math.min(8, storedSize) }))
      start.push(chunk);
    return !looksSealed(Buffer.concat(start));
  }
}

/** Whether an error says that the file itself is bad, not the way to it. */
export function isDamage(error: unknown): error is FormatError | IntegrityError {
  return error instanceof FormatError || error instanceof IntegrityError;
}
