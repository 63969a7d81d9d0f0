/** Backups straight from the FTP server: takes no lease and writes nothing, so that it works while a gateway runs and when none is left. */

import { RemoteError, type RemoteTree } from '../ftp/remote-tree';
import type { SealContext } from '../seal/context';
import { FormatError, IntegrityError } from '../seal/errors';
import { looksSealed } from '../seal/header';
import type { Keyring } from '../seal/keyring';
import { openWhole } from '../seal/open';
import { decodeMetadata, type FileMetadata } from '../store/file-metadata';
import type { RemoteLayout } from '../store/remote-layout';
import { isContinued, parseName } from '../store/remote-path';
import { ProvedListings } from './proved-listings';
import {
  DamagedObjectError,
  SourceUnavailableError,
  type BackupSource,
  type FoundObject,
  type SourceEntry,
} from './source';

export interface FtpSourceOptions {
  /** The source closes it. */
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
  readonly bucket: string;
  /** Absent: files are the bare bytes, and a sealed one cannot be read. */
  readonly keyring?: Keyring;
  /** Whether a file without seal is read although there is a key. */
  readonly readPlain: boolean;
  /** For people. */
  readonly description: string;
}

/** Bytes that tell whether a file is sealed. */
const MAGIC_BYTES = 8;

export class FtpSource implements BackupSource {
  readonly description: string;
  readonly #listings: ProvedListings;

  constructor(private readonly options: FtpSourceOptions) {
    this.description = options.description;
    this.#listings = new ProvedListings(options.tree, options.layout.root);
  }

  async list(prefix: string): Promise<readonly SourceEntry[]> {
    const { layout, bucket } = this.options;
    const path = layout.directory(bucket, prefix.split('/').slice(0, -1));
    return withSourceErrors(() => this.#names(path, []));
  }

  async find(key: string): Promise<FoundObject | undefined> {
    const { tree, layout, bucket } = this.options;
    const target = layout.object({ bucket, key });
    return withSourceErrors(async () => {
      // A server that cannot replace by a rename has, for a moment or after a crash, only the older file beside the name.
      for (const path of [target, layout.aside(target)]) {
        const storedSize = await tree.size(path);
        if (storedSize !== undefined) return { storedSize, read: () => this.#read(path, key, storedSize) };
      }
      await this.#listings.assertAbsent(target);
      return undefined;
    });
  }

  close(): Promise<void> {
    return this.options.tree.close(0);
  }

  /** What the names in a directory stand for; names that go on in a deeper directory are followed, foreign ones left out. */
  async #names(path: string, levels: readonly string[]): Promise<SourceEntry[]> {
    const entries: SourceEntry[] = [];
    for (const { name, type, size } of (await this.#listings.entries(path)) ?? []) {
      const isDirectory = type === 'directory';
      const names = [...levels, name];
      if (isDirectory && isContinued(name)) {
        entries.push(...(await this.#names(`${path}/${name}`, names)));
        continue;
      }
      const whole = isDirectory ? name : (this.options.layout.fromAside(name) ?? name);
      const parsed = parseName([...levels, whole], isDirectory);
      if (!parsed) continue;
      const { segment, kind } = parsed;
      // An aside is the older of two, if there are two.
      const isSized = kind === 'object' && whole === name && size !== undefined;
      entries.push({ name: segment, kind, ...(isSized && { storedSize: size }) });
    }
    const rank = ({ storedSize }: SourceEntry): number => (storedSize === undefined ? 0 : 1);
    entries.sort((a, b) => rank(a) - rank(b));
    return [...new Map(entries.map((entry) => [`${entry.kind} ${entry.name}`, entry])).values()];
  }

  async *#read(path: string, key: string, storedSize: number): AsyncGenerator<Buffer, void, undefined> {
    const { tree, keyring, bucket, readPlain } = this.options;
    const bytes = tree.read(path, { end: storedSize })[Symbol.asyncIterator]();
    try {
      const head = await takeHead(bytes);
      const isSealed = looksSealed(head);
      if (isSealed && !keyring) throw new IntegrityError('unknown-key', 'there is no ENCRYPTION_KEY');
      const stream = startingWith(head, bytes);
      if (!keyring || (!isSealed && readPlain)) return yield* stream;
      const { cipher, metadata } = yield* openWhole(keyring, { bucket, key }, stream);
      if (cipher.header.manifest) yield* this.#readParts(keyring, key, decodeMetadata(metadata));
    } catch (error) {
      throw toSourceError(error);
    } finally {
      await bytes.return?.();
    }
  }

  async *#readParts(
    keyring: Keyring,
    key: string,
    { upload = '', parts = [], size }: FileMetadata,
  ): AsyncGenerator<Buffer, void, undefined> {
    const { tree, layout, bucket } = this.options;
    if (parts.reduce((sum, part) => sum + part.size, 0) !== size)
      throw new DamagedObjectError('The parts of the manifest do not add up to its size.');
    for (const { partNumber, file, storedSize, header = '' } of parts) {
      const path = layout.part(upload, file);
      await this.#assertPart(path, partNumber, storedSize);
      const context: SealContext = { bucket, key, uploadId: upload, partNumber };
      const headerBytes = Buffer.from(header, 'base64');
      yield* openWhole(keyring, context, tree.read(path, { end: storedSize }), { headerBytes });
    }
  }

  async #assertPart(path: string, partNumber: number, storedSize: number): Promise<void> {
    const size = await this.options.tree.size(path);
    if (size === storedSize) return;
    if (size === undefined) await this.#listings.assertAbsent(path);
    const found = size === undefined ? 'is missing' : `has ${size} instead of ${storedSize} bytes`;
    throw new DamagedObjectError(`The file of part ${partNumber} ${found}.`);
  }
}

/** As many of a stream's first bytes as tell whether it is sealed, or more. */
async function takeHead(bytes: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < MAGIC_BYTES) {
    const next = await bytes.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

async function* startingWith(
  head: Buffer,
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function withSourceErrors<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw toSourceError(error);
  }
}

/** A key that is not at hand says nothing about the bytes. */
function toSourceError(error: unknown): unknown {
  if (error instanceof IntegrityError && error.reason === 'unknown-key')
    return new SourceUnavailableError(error.message, { cause: error });
  if (error instanceof IntegrityError || error instanceof FormatError)
    return new DamagedObjectError(error.message, { cause: error });
  if (error instanceof RemoteError) return new SourceUnavailableError(error.message, { cause: error });
  return error;
}
