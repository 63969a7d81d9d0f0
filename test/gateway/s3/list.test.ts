import { compareKeys } from '../../../gateway/s3/key-order';
import { listPage, type OrderedKeys } from '../../../gateway/s3/list';
import type { ObjectInfo } from '../../../gateway/store/object-store';

/** Counts what a listing costs its source. */
function countedKeys(all: readonly string[]) {
  const sorted = [...all].sort(compareKeys);
  const cost = { seeks: 0, steps: 0 };
  const keys: OrderedKeys = {
    *from(key, inclusive) {
      cost.seeks++;
      for (const each of sorted) {
        const order = compareKeys(each, key);
        if (order < 0 || (order === 0 && !inclusive)) continue;
        cost.steps++;
        yield [each, { key: each } as ObjectInfo];
      }
    },
  };
  return { keys, cost };
}

const query = { prefix: '', delimiter: '', after: '', maxKeys: 1_000 };
const many = Array.from({ length: 3 }, (_, i) => Array.from({ length: 500 }, (_, j) => `v/${i}/${j}`)).flat();

describe('a page of a listing', () => {
  it('steps over what a common prefix hides', () => {
    const { keys, cost } = countedKeys([...many, 'v/z']);
    const page = listPage(keys, { ...query, prefix: 'v/', delimiter: '/' });
    expect(page.commonPrefixes).toEqual(['v/0/', 'v/1/', 'v/2/']);
    expect(page.objects.map((info) => info.key)).toEqual(['v/z']);
    expect(cost.steps).toBeLessThanOrEqual(5);
    expect(cost.seeks).toBeLessThanOrEqual(5);
  });

  it('starts at its marker and stops at its end', () => {
    const { keys, cost } = countedKeys(many);
    const page = listPage(keys, { ...query, after: 'v/1/499', maxKeys: 3 });
    expect(page.objects).toHaveLength(3);
    expect(page.next).toBe(page.objects.at(-1)?.key);
    expect(cost.steps).toBe(4);
  });

  it('goes on after a common prefix without showing it again', () => {
    const { keys } = countedKeys(many);
    const byFolder = { ...query, prefix: 'v/', delimiter: '/', maxKeys: 1 };
    const first = listPage(keys, byFolder);
    expect(first).toMatchObject({ commonPrefixes: ['v/0/'], next: 'v/0/' });
    expect(listPage(keys, { ...byFolder, after: 'v/0/' }).commonPrefixes).toEqual(['v/1/']);
    expect(listPage(keys, { ...byFolder, after: 'v/2/' })).toEqual({ objects: [], commonPrefixes: [] });
  });

  it('is empty and final for no keys at most, as in S3', () => {
    expect(listPage(countedKeys(many).keys, { ...query, maxKeys: 0 })).toEqual({
      objects: [],
      commonPrefixes: [],
    });
  });

  it('says that nothing follows when the last key just fits', () => {
    const { keys } = countedKeys(['a', 'b']);
    expect(listPage(keys, { ...query, maxKeys: 2 }).next).toBeUndefined();
    expect(listPage(keys, { ...query, maxKeys: 1 }).next).toBe('a');
  });

  it('lets go of its source when it stops early', () => {
    let released = 0;
    const keys: OrderedKeys = {
      *from() {
        try {
          for (const key of ['a/1', 'a/2', 'b']) yield [key, { key } as ObjectInfo];
        } finally {
          released++;
        }
      },
    };
    listPage(keys, { ...query, maxKeys: 1 });
    expect(released).toBe(1);
  });
});
