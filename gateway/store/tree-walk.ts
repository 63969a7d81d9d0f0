/** Walks the catalog's tree in the order in which S3 lists: that of the UTF-8 bytes of whole keys. */

import type { Directory } from './directory';
import type { ObjectRecord } from './object-record';
import type { Proofs } from './proofs';
import { isDirectoryRow } from './row-codec';
import type { TreeRows } from './tree-rows';

/** What a walk meets: an object, or a directory that has to be proved before anybody knows what is in it. */
export type ListingStep =
  | { readonly key: string; readonly record: ObjectRecord }
  | { readonly key: string; readonly unproved: Directory };

/** A directory that is gone through from a name on. */
interface Level {
  readonly id: number;
  /** Of the keys in it. */
  readonly prefix: string;
  readonly start: string;
}

export class TreeWalk {
  constructor(
    private readonly tree: TreeRows,
    private readonly proofs: Proofs,
  ) {}

  /**
   * From `key` on. Goes down to its directory by lookups, and from there on, level by level, back up: so a start deep in the tree costs no scan above it.
   * @param checked a directory that is not proved is a step of its own, and is not entered
   */
  *from(root: Directory, key: string, inclusive: boolean, checked: boolean): Generator<ListingStep> {
    for (const level of this.#levels(root, key, inclusive, checked).reverse())
      yield* this.#below(root.bucket, level, checked);
  }

  /** All objects below a directory, proved or not. */
  *below({ id, bucket, segments }: Directory): Generator<ListingStep> {
    const prefix = segments.map((segment) => `${segment}/`).join('');
    yield* this.#below(bucket, { id, prefix, start: '' }, false);
  }

  #levels(root: Directory, key: string, inclusive: boolean, checked: boolean): Level[] {
    const levels: Level[] = [];
    const segments = key.split('/');
    const last = segments.pop() ?? '';
    let [id, prefix] = [root.id, ''];
    for (const segment of segments) {
      if (checked && !this.proofs.isProved(id)) break;
      const name = `${segment}/`;
      const row = this.tree.row(id, name);
      if (!row || !isDirectoryRow(row)) return [...levels, { id, prefix, start: name }];
      levels.push({ id, prefix, start: after(name) });
      id = row.id;
      prefix += name;
    }
    return [...levels, { id, prefix, start: inclusive ? last : after(last) }];
  }

  *#below(bucket: string, { id, prefix, start }: Level, checked: boolean): Generator<ListingStep> {
    if (checked && !this.proofs.isProved(id)) {
      yield { key: prefix, unproved: { id, bucket, segments: prefix.split('/').slice(0, -1) } };
      return;
    }
    for (const { name, row } of this.tree.rows(id, start)) {
      if (isDirectoryRow(row))
        yield* this.#below(bucket, { id: row.id, prefix: prefix + name, start: '' }, checked);
      else if (row.kind === 'object') yield { key: prefix + name, record: row };
    }
  }
}

/** The least name that is greater. */
function after(name: string): string {
  return `${name}\0`;
}
