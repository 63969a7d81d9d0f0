/**
 * Who reads files without seal now. Nothing in such a file tells one version from another, so while it is being read, it must not be replaced by a
 * sealed one: a read that begins late, or goes on over another connection, would take that one's bytes for the object's.
 */
export class PlainReads {
  readonly #readers = new Map<string, number>();

  isRead(path: string): boolean {
    return this.#readers.has(path);
  }

  /** Returns what ends the read. Call it under the object's lock. */
  begin(path: string): () => void {
    this.#readers.set(path, (this.#readers.get(path) ?? 0) + 1);
    return () => {
      const left = (this.#readers.get(path) ?? 1) - 1;
      if (left > 0) this.#readers.set(path, left);
      else this.#readers.delete(path);
    };
  }
}
