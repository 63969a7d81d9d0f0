/** Where writers are in the tree now: nobody removes a directory from under them, and a listing that they may have overtaken is known for one. */
export class Presence {
  readonly #held = new Map<number, number>();
  readonly #watches = new Map<number, Set<() => void>>();

  /** Whether a writer is in a directory or below. */
  isHeld(directory: number): boolean {
    return this.#held.has(directory);
  }

  /** @param path the numbers of the writer's directory and of all above it; returns what ends it */
  hold(directory: number, path: readonly number[]): () => void {
    this.#count(path, 1);
    this.#tell(directory);
    return () => {
      this.#count(path, -1);
      this.#tell(directory);
    };
  }

  /** Calls back whenever a writer begins or ends in this very directory, until the returned function is called. */
  watch(directory: number, onWriter: () => void): () => void {
    const watches = this.#watches.get(directory) ?? new Set();
    this.#watches.set(directory, watches.add(onWriter));
    return () => {
      watches.delete(onWriter);
      if (watches.size === 0) this.#watches.delete(directory);
    };
  }

  #count(path: readonly number[], more: number): void {
    for (const directory of path) {
      const count = (this.#held.get(directory) ?? 0) + more;
      if (count > 0) this.#held.set(directory, count);
      else this.#held.delete(directory);
    }
  }

  #tell(directory: number): void {
    for (const onWriter of this.#watches.get(directory) ?? []) onWriter();
  }
}
