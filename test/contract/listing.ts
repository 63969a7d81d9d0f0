import fc from 'fast-check';
import type { ListPage, ListQuery, ObjectStore } from '../../gateway/store/object-store';
import { bodyOf } from './bodies';
import { keys } from './keys';
import type { ContractOptions } from './object-store';

const bucket = 'bucket';
const NO_ATTRIBUTES = { headers: {}, metadata: {} };
const EVERYTHING: ListQuery = { prefix: '', delimiter: '', after: '', maxKeys: 1_000 };

/** What a listing shows, in one line per entry. */
interface Listing {
  readonly keys: readonly string[];
  readonly commonPrefixes: readonly string[];
}

export function listContract(store: () => ObjectStore, { runs = 50 }: ContractOptions): void {
  const fill = async (name: string, all: readonly string[]): Promise<void> => {
    await store().createBucket(name);
    for (const key of all) await store().put({ bucket: name, key }, bodyOf(key), NO_ATTRIBUTES);
  };

  it('shows nothing of an empty bucket', async () => {
    await store().createBucket(bucket);
    expect(await store().list(bucket, EVERYTHING)).toEqual({ objects: [], commonPrefixes: [] });
  });

  it('shows the same information as stat', async () => {
    await fill(bucket, ['b', 'a/1', 'a/2']);
    const { objects } = await store().list(bucket, EVERYTHING);
    const stats = await Promise.all(['a/1', 'a/2', 'b'].map((key) => store().stat({ bucket, key })));
    expect(objects).toEqual(stats);
  });

  it('never shows a prefix whose last object is gone', async () => {
    await fill(bucket, ['a/b/1', 'a/c/2']);
    await store().delete({ bucket, key: 'a/b/1' });
    const query = { ...EVERYTHING, prefix: 'a/', delimiter: '/' };
    expect((await store().list(bucket, query)).commonPrefixes).toEqual(['a/c/']);
    await store().delete({ bucket, key: 'a/c/2' });
    expect(await store().list(bucket, query)).toEqual({ objects: [], commonPrefixes: [] });
  });

  it('agrees with a plain model for every prefix, delimiter, marker and page size', async () => {
    const delimiters = fc.oneof(fc.constantFrom('', '/', '/', 'a', '/a', '//'), fc.string({ maxLength: 2 }));
    const query = fc.record({
      prefix: fc.oneof(fc.constant(''), fc.constantFrom('a', 'a/', '/', 'a/b', 'z'), keys),
      delimiter: delimiters,
      after: fc.oneof(fc.constant(''), fc.constantFrom('a', 'a/', 'b'), keys),
      maxKeys: fc.oneof(fc.constant(1_000), fc.integer({ min: 0, max: 5 })),
    });
    const contents = fc.uniqueArray(keys, { maxLength: 15 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(contents, fc.array(query, { minLength: 1, maxLength: 8 }), async (all, queries) => {
        const name = `bucket-${run++}`;
        await fill(name, all);
        for (const each of queries) {
          const page = await store().list(name, each);
          const model = modelPage(all, each);
          expect(shown(page)).toEqual(shown(model));
          expect(page.next === undefined).toBe(model.next === undefined);
        }
      }),
      { numRuns: runs },
    );
  });

  it('shows each entry once over all pages', async () => {
    const shapes = fc.record({
      prefix: fc.constantFrom('', 'a', 'a/'),
      delimiter: fc.constantFrom('', '/', 'b'),
      maxKeys: fc.integer({ min: 1, max: 4 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(keys, { maxLength: 20 }), shapes, async (all, shape) => {
        const name = `bucket-${run++}`;
        await fill(name, all);
        const pages = await allPages(store(), name, shape);
        for (const page of pages.slice(0, -1)) {
          expect(page.objects.length + page.commonPrefixes.length).toBe(shape.maxKeys);
        }
        const together = {
          keys: pages.flatMap((p) => shown(p).keys),
          commonPrefixes: pages.flatMap((p) => p.commonPrefixes),
        };
        expect(together).toEqual(shown(modelPage(all, { ...shape, after: '', maxKeys: 1_000 })));
      }),
      { numRuns: runs },
    );
  });

  it('loses no key that stays while others come and go between pages', async () => {
    const staying = Array.from({ length: 20 }, (_, i) => `key-${String(i).padStart(2, '0')}/x`);
    await fill(bucket, staying);
    const seen: string[] = [];
    let after = '';
    for (let i = 0; ; i++) {
      const page = await store().list(bucket, { ...EVERYTHING, after, maxKeys: 3 });
      seen.push(...page.objects.map((info) => info.key));
      if (page.next === undefined) break;
      after = page.next;
      await store().put({ bucket, key: `${after}-new-${i}` }, bodyOf('x'), NO_ATTRIBUTES);
      await store().put({ bucket, key: `a-before-${i}` }, bodyOf('x'), NO_ATTRIBUTES);
      await store().delete({ bucket, key: `a-before-${i - 1}` });
    }
    expect(seen).toEqual(expect.arrayContaining(staying));
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('goes on after a marker that was deleted meanwhile', async () => {
    await fill(bucket, ['a', 'b', 'c']);
    await store().delete({ bucket, key: 'b' });
    expect(shown(await store().list(bucket, { ...EVERYTHING, after: 'b' })).keys).toEqual(['c']);
  });
}

function shown(page: ListPage): Listing {
  return { keys: page.objects.map((info) => info.key), commonPrefixes: page.commonPrefixes };
}

async function allPages(
  store: ObjectStore,
  bucketName: string,
  shape: Omit<ListQuery, 'after'>,
): Promise<ListPage[]> {
  const pages: ListPage[] = [];
  let after: string | undefined = '';
  while (after !== undefined) {
    const page = await store.list(bucketName, { ...shape, after });
    pages.push(page);
    after = page.next;
  }
  return pages;
}

/** The specification, without a thought for speed. */
function modelPage(all: readonly string[], query: ListQuery): ListPage {
  const entries = all
    .filter((key) => key.startsWith(query.prefix))
    .map((key) => {
      const rest = key.slice(query.prefix.length);
      const at = query.delimiter === '' ? -1 : rest.indexOf(query.delimiter);
      return at < 0 ? { key } : { commonPrefix: query.prefix + rest.slice(0, at + query.delimiter.length) };
    })
    .map((entry) => ({ ...entry, name: entry.key ?? entry.commonPrefix ?? '' }))
    .filter((entry, i, list) => list.findIndex((other) => same(other, entry)) === i)
    .filter((entry) => byteOrder(entry.name, query.after) > 0)
    .sort((a, b) => byteOrder(a.name, b.name));
  const page = entries.slice(0, query.maxKeys);
  const last = page.at(-1);
  return {
    objects: page.flatMap(({ key }) => (key === undefined ? [] : [{ key } as ListPage['objects'][number]])),
    commonPrefixes: page.flatMap(({ commonPrefix }) => commonPrefix ?? []),
    ...(last && entries.length > page.length && { next: last.name }),
  };
}

interface Entry {
  readonly key?: string;
  readonly commonPrefix?: string;
}

function same(a: Entry, b: Entry): boolean {
  return a.key === b.key && a.commonPrefix === b.commonPrefix;
}

function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
