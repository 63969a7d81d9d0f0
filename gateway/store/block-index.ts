/**
 * Which backup names which block: tables beside the catalog, changed together with it. A block is kept as the first 64 bits of its checksum, sorted in
 * up to 256 rows a backup: 8 bytes a block, and a question reads one row of each backup. That any two of a million blocks agree in 64 bits has odds of one
 * in 30 million, and would only keep a block that nobody needs.
 */

import type { Database } from 'lmdb';
import type { Catalog } from './catalog';

/** Names a block set among all buckets. */
export type BlockSetId = string;

/** What was learnt from the document of one backup. */
export interface BackupEntry {
  /** Of the document that was read: see `versionOf`. */
  readonly version: string;
  /** `in-progress`: it does not say yet which blocks it needs. `unreadable`: nobody can tell. */
  readonly state: 'complete' | 'in-progress' | 'unreadable';
}

const PREFIX_BYTES = 8;
const ROWS = 256;
/** 16 TiB in blocks of 2 MiB; 64 MiB of memory while its document is read. */
const MAX_BLOCKS = 8 * 1024 * 1024;

/** The blocks that one document names, while it is read. */
export class BlockNames {
  #prefixes = new BigUint64Array(1024);
  #count = 0;

  /** False if there are more than can be kept; the names are then of no use. */
  add(checksum: string): boolean {
    if (this.#count === MAX_BLOCKS) return false;
    if (this.#count === this.#prefixes.length) {
      const grown = new BigUint64Array(2 * this.#count);
      grown.set(this.#prefixes);
      this.#prefixes = grown;
    }
    this.#prefixes[this.#count++] = prefixOf(checksum).readBigUInt64BE();
    return true;
  }

  /** Each row with its sorted prefixes, undefined for none. */
  rows(): (Buffer | undefined)[] {
    const sorted = this.#prefixes.subarray(0, this.#count).sort();
    const rows: (Buffer | undefined)[] = [];
    let at = 0;
    for (let row = 0; row < ROWS; row++) {
      const end = BigInt(row + 1) << 56n;
      const start = at;
      while (at < sorted.length && (sorted[at] as bigint) < end) at++;
      rows.push(at > start ? encodeRow(sorted.subarray(start, at)) : undefined);
    }
    return rows;
  }
}

export class BlockIndex {
  readonly #entries: Database<BackupEntry, [BlockSetId, string]>;
  readonly #names: Database<Buffer, [BlockSetId, number, string]>;

  constructor(catalog: Catalog) {
    this.#entries = catalog.table('backup-entries', {});
    this.#names = catalog.table('block-names', { encoding: 'binary' });
  }

  entry(set: BlockSetId, backup: string): BackupEntry | undefined {
    return this.#entries.get([set, backup]);
  }

  /** The backups that something is known of, present or not. */
  backups(set: BlockSetId): string[] {
    return [...this.#entries.getKeys({ start: [set, ''], end: [set, '\u{10ffff}'] })].map(
      ([, backup]) => backup,
    );
  }

  /** In place of what was known of that backup. */
  async put(set: BlockSetId, backup: string, entry: BackupEntry, names: BlockNames): Promise<void> {
    await Promise.all([
      this.#entries.put([set, backup], entry),
      ...this.#putNames(set, backup, names.rows()),
    ]);
  }

  async remove(set: BlockSetId, backup: string): Promise<void> {
    await Promise.all([this.#entries.remove([set, backup]), ...this.#putNames(set, backup, [])]);
  }

  /** The backups whose documents name a block. */
  *naming(set: BlockSetId, checksum: string): Generator<string> {
    const prefix = prefixOf(checksum);
    const row = prefix.readUInt8();
    for (const { key, value } of this.#names.getRange({ start: [set, row, ''], end: [set, row + 1, ''] })) {
      if (holds(value, prefix)) yield key[2];
    }
  }

  *#putNames(
    set: BlockSetId,
    backup: string,
    rows: readonly (Buffer | undefined)[],
  ): Generator<Promise<boolean>> {
    for (let row = 0; row < ROWS; row++) {
      const names = rows[row];
      yield names ? this.#names.put([set, row, backup], names) : this.#names.remove([set, row, backup]);
    }
  }
}

function prefixOf(checksum: string): Buffer {
  return Buffer.from(checksum.slice(0, 2 * PREFIX_BYTES), 'hex');
}

/** Big-endian, each once. */
function encodeRow(sorted: BigUint64Array): Buffer {
  const row = Buffer.allocUnsafe(sorted.length * PREFIX_BYTES);
  let length = 0;
  let last: bigint | undefined;
  for (const prefix of sorted) {
    if (prefix !== last) length = row.writeBigUInt64BE(prefix, length);
    last = prefix;
  }
  return row.subarray(0, length);
}

function holds(row: Buffer, prefix: Buffer): boolean {
  let low = 0;
  let high = row.length / PREFIX_BYTES;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = row.compare(prefix, 0, PREFIX_BYTES, middle * PREFIX_BYTES, (middle + 1) * PREFIX_BYTES);
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}
