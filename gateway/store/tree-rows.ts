/** The rows of the catalog's tree: each by its directory's number and its name, so that those of a directory stand together, in order. */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';
import { RowCodec, type TreeRow } from './row-codec';

/**
 * What the package reads, which lies in memory that its next read uses again, is copied into memory that small buffers share. By itself it makes an
 * allocation of its own for each, and a page of a listing then takes as long to collect as to read.
 */
const OPTIONS = {
  keyEncoding: 'binary',
  encoding: 'binary',
  encoder: {
    encode: (bytes: Buffer): Buffer => bytes,
    decode: (bytes: Buffer): Buffer => copyOf(bytes, 0, bytes.length),
  },
} as const;

/** How the package reads a key, which it lets others replace, and its types leave out. */
interface KeyReader {
  readKey: (bytes: Buffer, start: number, end: number) => Buffer;
}

export class TreeRows {
  readonly #rows: Database<Buffer, Buffer>;
  #codec: RowCodec;
  /** Rows that were put or removed since it was opened. */
  changes = 0;

  /** @param keyIds those that rows name by number */
  constructor(
    private readonly environment: CatalogEnvironment,
    keyIds: readonly string[],
  ) {
    this.#rows = environment.database('tree', OPTIONS);
    (this.#rows as unknown as KeyReader).readKey = copyOf;
    this.#codec = new RowCodec(keyIds);
  }

  useKeys(keyIds: readonly string[]): void {
    this.#codec = new RowCodec(keyIds);
  }

  get count(): number {
    return this.environment.count('tree');
  }

  row(directory: number, name: string): TreeRow | undefined {
    const key = rowKey(directory, name);
    const bytes = this.#rows.get(key);
    return bytes && this.#codec.decode(key, bytes);
  }

  /** In order, from `start` on. */
  *rows(directory: number, start: string): Generator<{ name: string; row: TreeRow }> {
    const range = { start: rowKey(directory, start), end: rowKey(directory + 1, ''), snapshot: false };
    for (const { key, value } of this.#rows.getRange(range))
      yield { name: key.toString('utf8', 4), row: this.#codec.decode(key, value) };
  }

  /** Reads every row, and counts those of directories. Throws `CatalogDamagedError` for the first that is not as it was written. */
  countDirectories(): number {
    let directories = 0;
    for (const { key, value } of this.#rows.getRange({ snapshot: false }))
      if (this.#codec.isDirectory(key, value)) directories += 1;
    return directories;
  }

  /** The write is part of the caller's. */
  put(directory: number, name: string, row: TreeRow): Promise<boolean> {
    this.changes += 1;
    const key = rowKey(directory, name);
    return this.#rows.put(key, this.#codec.encode(key, row));
  }

  /** The write is part of the caller's. */
  remove(directory: number, name: string): Promise<boolean> {
    this.changes += 1;
    return this.#rows.remove(rowKey(directory, name));
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function rowKey(directory: number, name: string): Buffer {
  const key = Buffer.allocUnsafe(4 + Buffer.byteLength(name));
  key.writeUInt32BE(directory);
  key.write(name, 4, 'utf8');
  return key;
}
