/**
 * What the mirror has to be brought up to date with: one row an object, written in the transaction of the change itself, so that no crash loses it.
 * A row says that something changed, not what: whoever takes it looks at how things are now.
 */

import type { Database } from 'lmdb';
import type { Catalog } from './catalog';
import type { ObjectRef } from './object-store';

/**
 * - `stored`: a client stored it, or it was sealed anew: the mirror's file is an older one.
 * - `found`: it may be missing on the mirror, or be another version there.
 * - `deleted`: a client deleted it. Nothing else makes anything go from the mirror.
 */
export type ChangeKind = 'stored' | 'found' | 'deleted';

export interface PendingChange extends ObjectRef {
  /** Rises from change to change: the order in which they are carried over. */
  readonly number: number;
  readonly kind: ChangeKind;
  /** When it was noted, in milliseconds since the epoch. */
  readonly since: number;
  /** Stored bytes, about. */
  readonly bytes: number;
  /** Uploads whose parts nothing needs any more once this is done. */
  readonly uploads: readonly string[];
  /** It was tried and failed, and was put last. */
  readonly postponed?: true;
}

export type Change = Pick<PendingChange, 'kind'> & Partial<Pick<PendingChange, 'bytes' | 'uploads'>>;

type Row = Omit<PendingChange, 'number'>;

export class MirrorQueue {
  /** By number. One that the index does not name was overtaken. */
  readonly #rows: Database<Row, number>;
  readonly #index: Database<number, [bucket: string, key: string]>;
  /** Those that were put last: the only ones that are older than those before them. */
  readonly #postponed = new Map<number, number>();
  #next = 1;
  #bytes = 0;
  #onChange: () => void = () => undefined;

  constructor(
    private readonly catalog: Catalog,
    private readonly now: () => number,
  ) {
    this.#rows = catalog.table('mirror-changes', { keyEncoding: 'uint32' });
    this.#index = catalog.table('mirror-index', {});
    this.recount();
  }

  /** After the catalog was opened, restored or cleared. */
  recount(): void {
    this.#bytes = 0;
    this.#postponed.clear();
    for (const { key: number, value } of this.#rows.getRange({})) {
      this.#next = Math.max(this.#next, number + 1);
      this.#bytes += value.bytes;
      if (value.postponed) this.#postponed.set(number, value.since);
    }
  }

  /** Called whenever there is something to do. */
  set onChange(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** For the same event turn, or the same transaction, as the change of the object's row. What was noted before of that object is forgotten. */
  async note({ bucket, key }: ObjectRef, { kind, bytes = 0, uploads = [] }: Change): Promise<void> {
    const before = this.#find({ bucket, key });
    // What is only found to differ says less than what is known to have changed.
    if (kind === 'found' && before) return;
    const all = [...new Set([...(before?.uploads ?? []), ...uploads])];
    await this.#put({ bucket, key, kind, bytes, uploads: all, since: this.now() }, before);
    this.#onChange();
  }

  /** It is carried over; unless it changed again meanwhile, nothing is left to do. */
  async done(change: PendingChange): Promise<void> {
    const { bucket, key } = change;
    await this.catalog.atomically(() => {
      if (this.#isLatest(change)) void this.#index.remove([bucket, key]);
      void this.#drop(change);
    });
  }

  /** It could not be carried over now: others come first. It stays as old as it is. */
  async postpone(change: PendingChange): Promise<void> {
    const { bucket, key, kind, bytes, uploads, since } = change;
    await this.catalog.atomically(() => {
      if (this.#isLatest(change))
        void this.#put({ bucket, key, kind, bytes, uploads, since, postponed: true }, change);
      else void this.#drop(change);
    });
  }

  isPending({ bucket, key }: ObjectRef): boolean {
    return this.#index.get([bucket, key]) !== undefined;
  }

  /** In order, up to the number `last`. */
  page(limit: number, last: number): PendingChange[] {
    const range = this.#rows.getRange({ end: last + 1, limit, snapshot: false });
    return [...range].map(({ key: number, value }) => ({ number, ...value }));
  }

  /** The number of the last one. */
  get last(): number {
    return this.#next - 1;
  }

  get count(): number {
    return (this.#index.getStats() as { entryCount: number }).entryCount;
  }

  /** Of all of them, about. */
  get bytes(): number {
    return this.count === 0 ? 0 : Math.max(0, this.#bytes);
  }

  /** Since when the oldest waits, in milliseconds since the epoch. */
  get oldestSince(): number | undefined {
    const first = this.page(1, this.last)[0]?.since ?? Infinity;
    const oldest = Math.min(first, ...this.#postponed.values());
    return Number.isFinite(oldest) ? oldest : undefined;
  }

  async #put(row: Row, before: PendingChange | undefined): Promise<void> {
    const number = this.#next++;
    this.#bytes += row.bytes;
    if (row.postponed) this.#postponed.set(number, row.since);
    await Promise.all([
      before && this.#drop(before),
      this.#rows.put(number, row),
      this.#index.put([row.bucket, row.key], number),
    ]);
  }

  #isLatest({ bucket, key, number }: PendingChange): boolean {
    return this.#index.get([bucket, key]) === number;
  }

  #drop({ number, bytes }: PendingChange): Promise<boolean> {
    this.#bytes -= bytes;
    this.#postponed.delete(number);
    return this.#rows.remove(number);
  }

  #find({ bucket, key }: ObjectRef): PendingChange | undefined {
    const number = this.#index.get([bucket, key]);
    const row = number === undefined ? undefined : this.#rows.get(number);
    return row && { number: number!, ...row };
  }
}
