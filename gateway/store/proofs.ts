/** Which directories are proved: their listing was, in this generation. All proofs become void at once when the generation rises. */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';
import type { CatalogState } from './catalog-state';

export class Proofs {
  /** By directory number, one for every directory: the generation in which its listing was last proved, 0 for never. */
  readonly #generations: Database<number, number>;
  /** Numbers of directories that were removed. */
  readonly #removed = new Set<number>();
  #directories = 0;

  constructor(
    private readonly environment: CatalogEnvironment,
    private readonly state: CatalogState,
  ) {
    this.#generations = environment.database('proofs', { keyEncoding: 'uint32' });
    this.recount();
  }

  /** The rows are others now, all at once. */
  recount(): void {
    this.#directories = this.environment.count('proofs');
  }

  /** The rows are about to be dropped. */
  forget(): void {
    this.#directories = 0;
  }

  /** Number of all directories, proved or not. */
  get directories(): number {
    return this.#directories;
  }

  /** Every directory is proved. */
  get isWhole(): boolean {
    return this.state.current.proved === this.#directories;
  }

  isProved(directory: number): boolean {
    return this.#generations.get(directory) === this.state.current.generation;
  }

  /** Whether it was proved since when records are of the files that they were of. */
  isTrusted(directory: number): boolean {
    return (this.#generations.get(directory) ?? 0) >= this.state.current.trustedFrom;
  }

  isRemoved(directory: number): boolean {
    return this.#removed.has(directory);
  }

  /** Counts it before it is on disk: in between, not everything counts as proved if it is not, and no proof of another generation is counted. */
  add(directory: number, proved: boolean): Promise<unknown>[] {
    this.#directories += 1;
    if (proved) this.state.countProved(1);
    const generation = proved ? this.state.current.generation : 0;
    return [this.#generations.put(directory, generation), this.state.put({})];
  }

  /** @param writes what becomes true with it */
  async prove(directory: number, generation: number, writes: readonly Promise<unknown>[]): Promise<void> {
    const isNew = generation === this.state.current.generation && !this.isProved(directory);
    await this.environment.write(this.#generations.put(directory, generation), ...writes);
    // It may have become void, or proved by another, meanwhile.
    if (isNew && generation === this.state.current.generation && !this.isRemoved(directory))
      this.state.countProved(1);
  }

  /** @param removals of what is in them */
  async remove(directories: readonly number[], removals: readonly Promise<unknown>[]): Promise<void> {
    // The count of the proved falls first, and that of all when they are gone: in between not everything counts as proved.
    this.state.countProved(-directories.filter((each) => this.isProved(each)).length);
    for (const each of directories) this.#removed.add(each);
    const proofs = directories.map((each) => this.#generations.remove(each));
    await this.environment.write(...proofs, ...removals);
    this.#directories -= directories.length;
  }
}
