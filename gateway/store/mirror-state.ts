/** Whether the queue tells all that the mirror lacks: not after the catalog may have lost changes, nor after somebody changed the first location without the queue. */

import type { Database } from 'lmdb';
import type { Catalog } from './catalog';

interface State {
  /** Of the first location, in which the queue was kept last. */
  readonly epoch: number;
  /** Of the catalog: rises where it may have lost changes. */
  readonly trustedFrom: number;
  /** When both locations were last compared, in milliseconds since the epoch. */
  readonly comparedAt?: number;
}

const KEY = 'state';

export class MirrorState {
  readonly #rows: Database<State, string>;
  /** Rises when the mirror turns out to be another one. */
  #mirrors = 0;

  constructor(private readonly catalog: Catalog) {
    this.#rows = catalog.table('mirror-state', {});
  }

  /** Undefined: both have to be compared before the queue is enough. */
  get comparedAt(): number | undefined {
    const state = this.#rows.get(KEY);
    return state?.trustedFrom === this.catalog.trustedFrom ? state.comparedAt : undefined;
  }

  /** In a new epoch: whether this catalog kept the queue in the one before. */
  async begin(epoch: number): Promise<void> {
    const { trustedFrom } = this.catalog;
    const state = this.#rows.get(KEY);
    const isContinued = state?.epoch === epoch - 1 && state.trustedFrom === trustedFrom;
    await this.#rows.put(KEY, isContinued ? { ...state, epoch } : { epoch, trustedFrom });
  }

  /** The mirror is another one: nothing is known of it. */
  async forget(): Promise<void> {
    this.#mirrors += 1;
    const { epoch, trustedFrom } = this.catalog;
    await this.#rows.put(KEY, { epoch, trustedFrom });
  }

  /** What a comparison that begins now holds for. */
  mark(): { readonly epoch: number; readonly trustedFrom: number; readonly mirrors: number } {
    const { epoch, trustedFrom } = this.catalog;
    return { epoch, trustedFrom, mirrors: this.#mirrors };
  }

  /** A comparison ended, whole. */
  async compared(
    { epoch, trustedFrom, mirrors }: ReturnType<MirrorState['mark']>,
    at: number,
  ): Promise<void> {
    if (epoch !== this.catalog.epoch || mirrors !== this.#mirrors) return;
    await this.#rows.put(KEY, { epoch, trustedFrom, comparedAt: at });
  }
}
