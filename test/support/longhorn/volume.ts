/** A Longhorn volume in memory: sparse blocks, writes at any offset, and snapshots. */

/** Longhorn's default block size of backups. */
export const DEFAULT_BLOCK_SIZE = 2 * 1024 * 1024;

/** The volume as it was at one moment. */
export interface Snapshot {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Blocks with data by index; all others read as zeros. */
  readonly blocks: ReadonlyMap<number, Buffer>;
  /** For each block with data, the number of the snapshot that its last write came before. */
  readonly generations: ReadonlyMap<number, number>;
  readonly generation: number;
}

export class Volume {
  private readonly blocks = new Map<number, Buffer>();
  private readonly generations = new Map<number, number>();
  private readonly snapshots = new Map<string, Snapshot>();

  constructor(
    readonly name: string,
    readonly sizeBytes: number,
    readonly blockSize: number = DEFAULT_BLOCK_SIZE,
  ) {
    if (sizeBytes <= 0 || sizeBytes % blockSize !== 0) {
      throw new RangeError(`a volume of ${sizeBytes} bytes is no multiple of ${blockSize}`);
    }
  }

  write(offset: number, data: Buffer): void {
    if (offset < 0 || offset + data.length > this.sizeBytes) throw new RangeError('write beyond the volume');
    for (let done = 0; done < data.length;) {
      const index = Math.floor((offset + done) / this.blockSize);
      const within = (offset + done) % this.blockSize;
      const length = Math.min(data.length - done, this.blockSize - within);
      const block = Buffer.from(this.blocks.get(index) ?? Buffer.alloc(this.blockSize));
      data.copy(block, within, done, done + length);
      this.blocks.set(index, block);
      this.generations.set(index, this.snapshots.size + 1);
      done += length;
    }
  }

  read(offset: number, length: number): Buffer {
    const result = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const index = Math.floor((offset + done) / this.blockSize);
      const within = (offset + done) % this.blockSize;
      const take = Math.min(length - done, this.blockSize - within);
      this.blocks.get(index)?.copy(result, done, within, within + take);
      done += take;
    }
    return result;
  }

  /** Freezes what the volume holds now. */
  snapshot(name: string, createdAt: number): Snapshot {
    const snapshot: Snapshot = {
      name,
      createdAt,
      blocks: new Map(this.blocks),
      generations: new Map(this.generations),
      generation: this.snapshots.size + 1,
    };
    this.snapshots.set(name, snapshot);
    return snapshot;
  }

  findSnapshot(name: string): Snapshot | undefined {
    return this.snapshots.get(name);
  }

  /** Whether every byte equals that of `snapshot`. */
  equals(snapshot: Snapshot): boolean {
    const indexes = new Set([...this.blocks.keys(), ...snapshot.blocks.keys()]);
    const zeros = Buffer.alloc(this.blockSize);
    return [...indexes].every((index) =>
      (this.blocks.get(index) ?? zeros).equals(snapshot.blocks.get(index) ?? zeros),
    );
  }
}

/** Indexes of the blocks written since `since`, or of all with data; by what was written, not by content, as Longhorn does. */
export function changedBlocks(snapshot: Snapshot, since?: Snapshot): number[] {
  const from = since?.generation ?? 0;
  return [...snapshot.generations]
    .filter(([, generation]) => generation > from)
    .map(([index]) => index)
    .sort((a, b) => a - b);
}
