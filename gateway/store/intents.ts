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

  /** Returns the number to give to `remove`, and when it is on disk: nothing that it is about may be changed before. */
  add(intent: Intent): { readonly id: number; readonly written: Promise<void> } {
    const id = this.#next++;
    return { id, written: this.environment.write(this.#rows.put(id, intent)) };
  }

  async remove(id: number): Promise<void> {
    await this.environment.write(this.#rows.remove(id));
  }
}
