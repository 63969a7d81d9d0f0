/** Takes exact numbers of bytes from a stream of Buffers of any size, without copying them. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  /** The stream's Buffers must not be changed once it has yielded them. */
  constructor(source: AsyncIterable<Buffer>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, in pieces; fewer only where the stream ends. */
  async take(length: number): Promise<Buffer[]> {
    const pieces: Buffer[] = [];
    for (let missing = length; missing > 0 && !(await this.isAtEnd());) {
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      pieces.push(piece);
    }
    return pieces;
  }

  /** As `take`, in one Buffer. */
  async takeBuffer(length: number): Promise<Buffer> {
    const pieces = await this.take(length);
    const [only] = pieces;
    return only !== undefined && pieces.length === 1 ? only : Buffer.concat(pieces);
  }

  /** Whether the stream has no byte left; waits for it to say so. */
  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#ended) {
      this.#ended = true; // A stream that fails has ended too.
      const next = await this.#iterator.next();
      if (next.done === true) break;
      this.#ended = false;
      this.#rest = next.value;
    }
    return this.#rest.length === 0;
  }

  /** Frees what the stream holds if it has not ended. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }
}

/** Bytes in all `pieces` together. */
export function totalLength(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
