/**
 * Writes a backup target, decrypted, into a directory that Longhorn can use over NFS, or that can be copied to any S3 server.
 * Documents come after all blocks, so that what is half exported shows no backup that is not there.
 */

import { createWriteStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { checksumOf, parseKey, rootDirectory } from '../backupstore/layout';
import { forEachLimited } from '../store/concurrency';
import { decompress } from './decompress';
import { isFault, orFault, type Fault } from './fault';
import { DamagedObjectError, readWhole, type BackupSource } from './source';
import { metered, twice, type ReadMeter } from './stored-block';

/** Bytes of a stored block at most: Longhorn's are 2 or 16 MiB. */
const MAX_BLOCK_BYTES = 64 * 2 ** 20;
const PARTIAL_SUFFIX = '.partial';

export interface ExportOptions {
  /** The backup target's path: empty, or ending in `/`. */
  readonly path: string;
  /** Local; made if missing. */
  readonly directory: string;
  /** Objects at a time. */
  readonly concurrency: number;
  readonly meter: ReadMeter;
  readonly onObject: (done: number) => void;
}

export interface ExportResult {
  readonly written: number;
  /** Blocks that the directory had already, with the right bytes. */
  readonly reused: number;
  /** What was not written, by key, or by key prefix where even the names could not be learned. */
  readonly faults: readonly (readonly [string, Fault])[];
  /** Keys that Longhorn reads nothing from, and locks: left out. */
  readonly skipped: number;
}

/** Throws what the local file system says. */
export async function exportTree(source: BackupSource, options: ExportOptions): Promise<ExportResult> {
  return new Exporter(source, options).run();
}

class Exporter {
  readonly #documents: string[] = [];
  readonly #faults = new Map<string, Fault>();
  #written = 0;
  #reused = 0;
  #skipped = 0;

  constructor(
    private readonly source: BackupSource,
    private readonly options: ExportOptions,
  ) {}

  async run(): Promise<ExportResult> {
    const { path, concurrency } = this.options;
    const blocks = this.#walk(rootDirectory(path));
    await Promise.all(
      Array.from({ length: concurrency }, async () => {
        for await (const { key, checksum } of { [Symbol.asyncIterator]: () => blocks })
          await this.#note(key, () => this.#copyBlock(key, checksum));
      }),
    );
    await forEachLimited(this.#documents, concurrency, (key) =>
      this.#note(key, () => this.#copyDocument(key)),
    );
    return {
      written: this.#written,
      reused: this.#reused,
      faults: [...this.#faults],
      skipped: this.#skipped,
    };
  }

  async #note(key: string, copy: () => Promise<true | Fault>): Promise<void> {
    const outcome = await copy();
    if (isFault(outcome)) this.#faults.set(key, outcome);
    this.options.onObject(this.#written + this.#reused);
  }

  /** Yields the blocks below a prefix, and notes the rest. */
  async *#walk(prefix: string): AsyncGenerator<{ readonly key: string; readonly checksum: string }> {
    const entries = await orFault(() => this.source.list(prefix));
    if (isFault(entries)) {
      this.#faults.set(prefix, entries);
      return;
    }
    for (const { name, kind } of entries) {
      const key = prefix + name;
      const meaning = kind === 'object' && isSafe(key) ? parseKey(key) : undefined;
      if (kind === 'directory') yield* this.#walk(`${key}/`);
      else if (meaning?.kind === 'block') yield { key, checksum: meaning.checksum };
      else if (meaning && meaning.kind !== 'lock') this.#documents.push(key);
      else this.#skipped += 1;
    }
  }

  async #copyBlock(key: string, checksum: string): Promise<true | Fault> {
    const target = join(this.options.directory, key);
    const known = await readFile(target).catch(() => undefined);
    if (known && (await holds(known, checksum))) {
      this.#reused += 1;
      return true;
    }
    return twice(this.source, key, async (found) => {
      const bytes = await readWhole(
        { ...found, read: () => metered(found, this.options.meter) },
        MAX_BLOCK_BYTES,
      );
      if (!(await holds(bytes, checksum)))
        throw new DamagedObjectError('The block has other bytes than its name says.');
      await this.#write(target, [bytes]);
      return true as const;
    });
  }

  async #copyDocument(key: string): Promise<true | Fault> {
    const target = join(this.options.directory, key);
    return twice(this.source, key, async (found) => {
      await this.#write(target, metered(found, this.options.meter));
      return true as const;
    });
  }

  async #write(target: string, bytes: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
    const partial = target + PARTIAL_SUFFIX;
    await mkdir(dirname(target), { recursive: true });
    try {
      await pipeline(Readable.from(bytes), createWriteStream(partial));
      const file = await open(partial);
      await file.sync();
      await file.close();
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    this.#written += 1;
  }
}

/** Whether a stored block decompresses to what its name says, in whichever way Longhorn compressed it. */
async function holds(stored: Buffer, checksum: string): Promise<boolean> {
  if (checksumOf(stored) === checksum) return true;
  const bytes = await orFault(() => decompress(once(stored), 'lz4', MAX_BLOCK_BYTES));
  return Buffer.isBuffer(bytes) && checksumOf(bytes) === checksum;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(bytes);
}

/** The key becomes a local path. */
function isSafe(key: string): boolean {
  return (
    !key.split('/').some((segment) => segment === '' || segment === '.' || segment === '..') &&
    !key.includes('\\')
  );
}
