/** One page of a listing, taken from any ordered, seekable source of keys. */
import type { ListPage, ListQuery, ObjectInfo } from '../store/object-store';
import { compareKeys, keyAfterPrefix } from './key-order';

/** Keys in the order of `compareKeys`. */
export interface OrderedKeys {
  /** Entries from `key` on, `key` itself only if `inclusive`. The iteration may be ended early, and must then let go of what it holds. */
  from(key: string, inclusive: boolean): Iterable<readonly [key: string, info: ObjectInfo]>;
}

interface Position {
  readonly key: string;
  readonly inclusive: boolean;
}

/** Costs a seek per common prefix and a step per object, however many keys a common prefix hides. */
export function listPage(keys: OrderedKeys, query: ListQuery): ListPage {
  const page = { objects: [] as ObjectInfo[], commonPrefixes: [] as string[] };
  if (query.maxKeys === 0) return page;
  let last = '';
  let position = startOf(query);
  while (position) {
    const from: Position = position;
    position = undefined;
    for (const [key, info] of keys.from(from.key, from.inclusive)) {
      if (!key.startsWith(query.prefix)) return page;
      const commonPrefix = commonPrefixOf(key, query);
      const listed = commonPrefix === undefined || compareKeys(commonPrefix, query.after) > 0;
      if (listed && page.objects.length + page.commonPrefixes.length === query.maxKeys) {
        return { ...page, next: last };
      }
      if (commonPrefix === undefined) {
        page.objects.push(info);
        last = key;
        continue;
      }
      if (listed) page.commonPrefixes.push(commonPrefix);
      last = listed ? commonPrefix : last;
      position = past(commonPrefix);
      break;
    }
  }
  return page;
}

function startOf({ prefix, after }: ListQuery): Position | undefined {
  return compareKeys(after, prefix) < 0
    ? { key: prefix, inclusive: true }
    : { key: after, inclusive: after === '' };
}

/** The key up to and with the first delimiter after the prefix; undefined where there is none. */
export function commonPrefixOf(
  key: string,
  { prefix, delimiter }: Pick<ListQuery, 'prefix' | 'delimiter'>,
): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function past(prefix: string): Position | undefined {
  const key = keyAfterPrefix(prefix);
  return key === undefined ? undefined : { key, inclusive: true };
}
