/** What the catalog's database keeps of the trash: each version by its object, and in the order in which they were thrown away. */

import type { Database } from 'lmdb';
import type { Catalog } from './catalog';
import type { TrashedVersion } from './trash-name';

/** A directory of the trash: filled by one holder of the lease, in order. */
export interface Batch {
  readonly epoch: number;
  readonly number: number;
}

export interface TrashEntry extends TrashedVersion {
  readonly batch: Batch;
  /** On the FTP server, parts included. */
  readonly bytes: number;
}

type Stored = Pick<TrashEntry, 'batch' | 'bytes' | 'modifiedAt' | 'upload'>;
type ObjectKey = [bucket: string, key: string, removedAt: number];
type OrderKey = [epoch: number, batch: number, removedAt: number, bucket: string, key: string];

export class TrashRows {
  readonly #byObject: Database<Stored, ObjectKey>;
  readonly #inOrder: Database<number, OrderKey>;

  constructor(catalog: Catalog) {
    this.#byObject = catalog.table('trash', {});
    this.#inOrder = catalog.table('trash-order', {});
  }

  async put({ bucket, key, removedAt, batch, bytes, modifiedAt, upload }: TrashEntry): Promise<void> {
    const stored = { batch, bytes, modifiedAt, ...(upload !== undefined && { upload }) };
    await Promise.all([
      this.#byObject.put([bucket, key, removedAt], stored),
      this.#inOrder.put([batch.epoch, batch.number, removedAt, bucket, key], bytes),
    ]);
  }

  async remove({ bucket, key, removedAt, batch }: TrashEntry): Promise<void> {
    await Promise.all([
      this.#byObject.remove([bucket, key, removedAt]),
      this.#inOrder.remove([batch.epoch, batch.number, removedAt, bucket, key]),
    ]);
  }

  get(bucket: string, key: string, removedAt: number): TrashEntry | undefined {
    const stored = this.#byObject.get([bucket, key, removedAt]);
    return stored && { bucket, key, removedAt, ...stored };
  }

  /** Of one object, the oldest first. */
  versions(bucket: string, key: string): TrashEntry[] {
    const range = { start: [bucket, key, 0], end: [bucket, key, Infinity] } satisfies Record<
      string,
      ObjectKey
    >;
    return [...this.#byObject.getRange(range)].map(({ key: [, , removedAt], value }) => ({
      bucket,
      key,
      removedAt,
      ...value,
    }));
  }

  /** Those that follow, by object and of one object the oldest first; at most `limit`. */
  page(after: Pick<TrashEntry, 'bucket' | 'key' | 'removedAt'>, limit: number): TrashEntry[] {
    const start: ObjectKey = [after.bucket, after.key, after.removedAt + 1];
    return [...this.#byObject.getRange({ start, limit })].map(({ key, value }) => ({
      bucket: key[0],
      key: key[1],
      removedAt: key[2],
      ...value,
    }));
  }

  /** Those of a batch, the oldest first. */
  *inBatch({ epoch, number }: Batch): Generator<TrashEntry> {
    const range = { start: [epoch, number, 0, '', ''], end: [epoch, number + 1, 0, '', ''] } satisfies Record<
      string,
      OrderKey
    >;
    for (const [, , removedAt, bucket, key] of this.#inOrder.getKeys({ ...range, snapshot: false })) {
      const entry = this.get(bucket, key, removedAt);
      if (entry) yield entry;
    }
  }

  /** The batches that have any, in order. */
  *batches(): Generator<Batch> {
    let start: OrderKey = [0, 0, 0, '', ''];
    for (;;) {
      const [next] = this.#inOrder.getKeys({ start, limit: 1 });
      if (!next) return;
      const [epoch, number] = next;
      yield { epoch, number };
      start = [epoch, number + 1, 0, '', ''];
    }
  }
}
