/**
 * The block maps of all backups of one block set, packed: 32 bytes for each distinct block, and 8 for each place where a backup
 * names one. 10 backups of 200,000 blocks take some 30 MiB. Pure.
 */

import { randomInt } from 'node:crypto';
import { BackupConfigError, type BlockMapping } from './backup-config';

/** Bytes of a name; its hex digits are twice as many. */
const NAME_BYTES = 32;
/** Distinct blocks of a set at most: 8 TiB in blocks of 2 MiB. */
const MAX_NAMES = 2 ** 22;
/** Places of all backups of a set together at most. */
const MAX_PLACES = 2 ** 24;
/** Bytes of a block at most; Longhorn's are 2 or 16 MiB. */
const MAX_BLOCK_SIZE = 64 * 2 ** 20;

/** Block names, each numbered as it first came. */
export class BlockNames {
  #bytes = Buffer.alloc(NAME_BYTES * 1024);
  /** An open hash table of numbers plus one; 0 is free. */
  #slots = new Uint32Array(2048);
  #size = 0;
  // Names come from outside: with these nobody can choose names that all meet in one place.
  readonly #factors = Array.from({ length: NAME_BYTES / 4 }, () => randomInt(2 ** 31) * 2 + 1);

  get size(): number {
    return this.#size;
  }

  /** The number of a name, given as 64 hex digits. Throws `BackupConfigError` when there are too many. */
  add(name: string): number {
    if (this.#size === MAX_NAMES) throw new BackupConfigError(`there are more than ${MAX_NAMES} blocks`);
    if ((this.#size + 1) * NAME_BYTES > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    this.#bytes.write(name, this.#size * NAME_BYTES, 'hex');
    const slot = this.#findSlot(this.#size);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    this.#slots[slot] = ++this.#size;
    if (this.#size * 2 > this.#slots.length) this.#grow();
    return this.#size - 1;
  }

  /** 64 hex digits. */
  name(number: number): string {
    return this.#at(number).toString('hex');
  }

  /** All numbers, in the order of their names. */
  inOrder(): Uint32Array {
    return Uint32Array.from({ length: this.#size }, (_, number) => number).sort((a, b) =>
      this.#at(a).compare(this.#at(b)),
    );
  }

  #at(number: number): Buffer {
    return this.#bytes.subarray(number * NAME_BYTES, (number + 1) * NAME_BYTES);
  }

  /** The slot of the name with this number, or the free one where it belongs. */
  #findSlot(number: number): number {
    const name = this.#at(number);
    const mask = this.#slots.length - 1;
    let slot =
      this.#factors.reduce((hash, factor, i) => hash ^ mix(name.readUInt32LE(i * 4), factor), 0) & mask;
    for (;;) {
      const found = this.#slots[slot] ?? 0;
      if (found === 0 || this.#at(found - 1).equals(name)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let number = 0; number < this.#size; number++) this.#slots[this.#findSlot(number)] = number + 1;
  }
}

function mix(word: number, factor: number): number {
  const product = Math.imul(word ^ (word >>> 15), factor);
  return product ^ (product >>> 13);
}

/** Which blocks one backup has, and where. */
export interface BlockMap {
  /** Bytes of a block. */
  readonly blockSize: number;
  /** Rising: each times `blockSize` is an offset. */
  readonly positions: Uint32Array;
  /** For each position, the number of the block's name. */
  readonly names: Uint32Array;
}

/** Collects the maps of one set's backups. */
export class BlockMaps {
  readonly names = new BlockNames();
  #places = 0;

  /** Collects the map of one backup; `finish` comes once the document has told the size of its blocks. */
  collect(): { add(block: BlockMapping): void; finish(blockSize: number, sizeBytes: number): BlockMap } {
    const offsets: number[] = [];
    const names: number[] = [];
    return {
      add: ({ offset, checksum }) => {
        if (++this.#places > MAX_PLACES)
          throw new BackupConfigError(`the backups name more than ${MAX_PLACES} blocks together`);
        offsets.push(offset);
        names.push(this.names.add(checksum));
      },
      finish: (blockSize, sizeBytes) => toMap(offsets, names, blockSize, sizeBytes),
    };
  }
}

/** Throws `BackupConfigError` for blocks that are not side by side within the volume. */
function toMap(
  offsets: readonly number[],
  names: readonly number[],
  blockSize: number,
  sizeBytes: number,
): BlockMap {
  if (blockSize > MAX_BLOCK_SIZE || sizeBytes / blockSize > 2 ** 32)
    throw new BackupConfigError(`${sizeBytes} bytes in blocks of ${blockSize} are out of bounds`);
  const order = Uint32Array.from(offsets.keys());
  if (offsets.some((offset, i) => i > 0 && offset <= (offsets[i - 1] ?? 0)))
    order.sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0));
  const positions = new Uint32Array(order.length);
  for (const [i, index] of order.entries()) {
    const offset = offsets[index] ?? 0;
    if (offset % blockSize !== 0)
      throw new BackupConfigError(`the block at ${offset} does not stand at a multiple of ${blockSize}`);
    if (offset >= sizeBytes)
      throw new BackupConfigError(`the block at ${offset} lies beyond the ${sizeBytes} bytes of the volume`);
    positions[i] = offset / blockSize;
    if (i > 0 && positions[i] === positions[i - 1])
      throw new BackupConfigError(`two blocks stand at ${offset}`);
  }
  return { blockSize, positions, names: order.map((index) => names[index] ?? 0) };
}
