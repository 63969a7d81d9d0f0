/** Changes under way that a crash may leave half done: the file of such an object is looked at again before it is believed. */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';

export interface Intent {
  readonly bucket: string;
  readonly key: string;
}

export class Intents {
  readonly #rows: Database<Intent, number>;
  #next: number;

  constructor(private readonly environment: CatalogEnvironment) {
    this.#rows = environment.database('intents', { keyEncoding: 'uint32' });
    this.#next = Math.max(0, ...this.#rows.getKeys({})) + 1;
  }

  all(): { id: number; intent: Intent }[] {
    return [...this.#rows.getRange({})].map(({ key, value }) => ({ id: key, intent: value }));
  }

  /** Resolves to the number to give to `remove`, once it is on disk. */
  async add(intent: Intent): Promise<number> {
    const id = this.#next++;
    await this.environment.write(this.#rows.put(id, intent));
    return id;
  }

  async remove(id: number): Promise<void> {
    await this.environment.write(this.#rows.remove(id));
  }
}
