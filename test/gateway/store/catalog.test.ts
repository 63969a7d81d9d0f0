import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { Catalog } from '../../../gateway/store/catalog';
import type { Child } from '../../../gateway/store/catalog-tree';
import type { FormerLease } from '../../../gateway/store/catalog-state';
import { CatalogEnvironment } from '../../../gateway/store/catalog-environment';
import { CatalogDamagedError, CatalogError } from '../../../gateway/store/catalog-error';
import { catalogPath, openCatalog } from '../../../gateway/store/catalog-file';
import type { Directory } from '../../../gateway/store/directory';
import type { ObjectRecord } from '../../../gateway/store/object-record';

const record = (size = 1): ObjectRecord => ({
  kind: 'object',
  size,
  storedSize: size + 300,
  lastModified: 1_700_000_000_000,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  header: Buffer.alloc(96, size),
});

async function addObject(catalog: Catalog, bucket: string, key: string): Promise<void> {
  const segments = key.split('/');
  const name = segments.pop() ?? '';
  let directory = catalog.root(bucket) as Directory;
  for (const segment of segments) directory = await catalog.addDirectory(directory, segment, true);
  await catalog.putFile(directory, name, record(key.length));
}

const COUNT_ROWS = `
  const tree = require('lmdb').open({ path: process.argv[1], readOnly: true }).openDB({ name: 'tree' });
  process.stdout.write(String(tree.getStats().entryCount));`;

const released = (epoch: number): FormerLease => ({ epoch, renewals: 0, released: true });

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('catalog', () => {
  let path: string;
  let catalog: Catalog;

  beforeEach(async () => {
    path = mkdtempSync(join(tmpdir(), 'catalog-'));
    catalog = new Catalog(path);
    await catalog.begin(1);
    await catalog.addBucket('b', 5, true);
  });

  afterEach(async () => {
    await catalog.close(true);
    rmSync(path, { recursive: true, force: true });
  });

  it('walks any set of keys in UTF-8 byte order, from any key on', async () => {
    const key = fc
      .array(
        fc.string({ unit: fc.constantFrom('a', '-', '.', '0', 'é', '\u{ffff}', '😀', ''), maxLength: 2 }),
        { minLength: 1, maxLength: 4 },
      )
      .map((segments) => segments.join('/'))
      .filter((k) => k !== '');
    let bucket = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(key, { maxLength: 25 }),
        key,
        fc.boolean(),
        async (keys, from, inclusive) => {
          const name = `b${bucket++}`;
          await catalog.addBucket(name, 0, true);
          await Promise.all(keys.map((k) => addObject(catalog, name, k)));
          const expected = keys.filter((k) => byBytes(k, from) > (inclusive ? -1 : 0)).sort(byBytes);
          expect([...catalog.objectsFrom(name, from, inclusive)].map(([k]) => k)).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('numbers a directory once, however many writers meet in it', async () => {
    const root = catalog.root('b') as Directory;
    const added = await Promise.all(Array.from({ length: 20 }, () => catalog.addDirectory(root, 'd', true)));
    expect(new Set(added.map(({ id }) => id)).size).toBe(1);
  });

  it('adds a branch of directories at once, whoever else is adding some of it', async () => {
    const root = catalog.root('b') as Directory;
    const levels = (...names: string[]) => names.map((name) => ({ name, proved: true }));
    const [one, two] = await Promise.all([
      catalog.addDirectories(root, levels('n', 'm', 'p')),
      catalog.addDirectories(root, levels('n', 'm', 'q')),
    ]);
    expect(one.map(({ segments }) => segments)).toEqual([['n'], ['n', 'm'], ['n', 'm', 'p']]);
    expect(two.slice(0, 2)).toEqual(one.slice(0, 2));
    expect(await catalog.addDirectories(root, levels('n', 'm', 'q'))).toEqual(two);
    expect(catalog.directory('b', ['n', 'm', 'p'])).toEqual(one[2]);
    expect(two.every((directory) => catalog.isProved(directory))).toBe(true);
  });

  it('keeps everything over a clean close, proofs included', async () => {
    await addObject(catalog, 'b', 'x/y');
    const { id, written } = catalog.intents.add({ bucket: 'b', key: 'x/z' });
    await written;
    await catalog.close(true);
    catalog = new Catalog(path);
    await catalog.begin(2, released(1));
    expect([...catalog.objectsFrom('b', '', true)]).toEqual([['x/y', record(3)]]);
    expect(catalog.isProved(catalog.directory('b', ['x']) as Directory)).toBe(true);
    expect(catalog.intents.all()).toEqual([{ id, intent: { bucket: 'b', key: 'x/z' } }]);
    expect(catalog.intents.add({ bucket: 'b', key: 'k' }).id).toBeGreaterThan(id);
  });

  it('commits together what comes together, and answers when it is written', async () => {
    const commits = (): number =>
      (catalog.table('buckets', {}).getStats() as { lastTxnId: number }).lastTxnId;
    const root = catalog.root('b') as Directory;
    const before = commits();
    const puts = Array.from({ length: 500 }, (_, i) => catalog.putFile(root, `file-${i}`, record()));
    await Promise.race(puts);
    // Another process looks, while this one stands still.
    const rows = Number(execFileSync(process.execPath, ['-e', COUNT_ROWS, path], { encoding: 'utf8' }));
    expect(rows).toBeGreaterThan(0);
    await Promise.all(puts);
    expect(commits() - before).toBeLessThan(20);
  });

  it('outgrows its first map, of 128 KiB, while it is read', async () => {
    const root = catalog.root('b') as Directory;
    const bytes = (): number => statSync(join(path, 'data.mdb')).size;
    const namesFrom = (start: number, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `file-${String(start + i).padStart(6, '0')}`);
    const add = (names: readonly string[]): Promise<void[]> =>
      Promise.all(names.map((name) => catalog.putFile(root, name, record(Number(name.slice(5))))));
    const first = namesFrom(0, 200);
    await add(first);
    expect(bytes()).toBeLessThan(2 ** 17);
    const reader = catalog.children(root);
    const readOne = (): string | undefined => (reader.next() as IteratorResult<Child, undefined>).value?.name;
    const read = first.slice(0, 100).map(readOne);
    const dump = catalog.dump(false)[Symbol.asyncIterator]();
    const head = (await dump.next()).value as Buffer;
    for (let start = 200; start < 40_000; start += 1_990) {
      await add(namesFrom(start, 1_990));
      for (let at = 0; at < start; at += 97)
        expect(catalog.file(root, namesFrom(at, 1)[0]!)).toEqual(record(at));
    }
    expect(bytes()).toBeGreaterThan(2 ** 21);
    read.push(...[...reader].map(({ name }) => name));
    expect(read).toEqual(namesFrom(0, 40_000));

    const copy = new Catalog(join(path, 'copy'));
    async function* rest(): AsyncGenerator<Buffer> {
      yield head;
      yield* { [Symbol.asyncIterator]: () => dump };
    }
    await copy.restore(rest(), '');
    expect([...copy.children(copy.root('b') as Directory)].map(({ name }) => name)).toEqual(first);
    await copy.close(false);
  });

  it.each([
    ['it was not closed in order', false, released(1)],
    ['the epoch before did not end in order', true, { epoch: 1, renewals: 7, released: false }],
    ['nobody knows how the epoch before ended', true, undefined],
    ['another gateway served in between', true, released(2)],
  ])('forgets every proof, and nothing else, when %s', async (_why, clean, former) => {
    await addObject(catalog, 'b', 'x/y');
    await catalog.close(clean);
    catalog = new Catalog(path);
    await catalog.begin(3, former);
    expect(catalog.isProved(catalog.directory('b', ['x']) as Directory)).toBe(false);
    expect([...catalog.objectsFrom('b', '', true)]).toHaveLength(1);
  });

  it('removes a directory with all below it', async () => {
    await Promise.all(['x/a', 'x/y/b', 'x/y/z/c', 'w'].map((key) => addObject(catalog, 'b', key)));
    await catalog.removeDirectory(catalog.root('b') as Directory, 'x');
    expect([...catalog.objectsFrom('b', '', true)].map(([key]) => key)).toEqual(['w']);
    expect(catalog.directory('b', ['x', 'y'])).toBeUndefined();
  });

  it('hides what is not an object from the walk, and keeps it for the directory', async () => {
    const root = catalog.root('b') as Directory;
    await catalog.putFile(root, 'torn', { kind: 'unreadable', storedSize: 3, reason: 'too short' });
    expect([...catalog.objectsFrom('b', '', true)]).toEqual([]);
    expect([...catalog.children(root)]).toHaveLength(1);
    expect(catalog.firstObject(root)).toBeUndefined();
  });

  it.each([
    ['an older version is begun anew', 2, CatalogDamagedError],
    ['a newer version is left alone', 9, CatalogError],
  ])('of %s', async (_what, schema, Reason) => {
    const directory = join(path, 'of-another-version');
    mkdirSync(directory);
    const log = pino({ level: 'silent' });
    const first = await openCatalog(directory, log);
    await first.begin(1);
    await first.addBucket('b', 5, true);
    await first.close(true);
    const environment = new CatalogEnvironment(catalogPath(directory));
    await environment.root.put('state', { ...(environment.root.get('state') as object), schema });
    await environment.close();
    expect(() => new Catalog(catalogPath(directory))).toThrow(Reason);
    if (Reason === CatalogError) return expect(openCatalog(directory, log)).rejects.toThrow(/schema 9/);
    const anew = await openCatalog(directory, log);
    expect([anew.isBlank, anew.buckets()]).toEqual([true, []]);
    await anew.close(true);
  });

  it('says in one sentence that its directory cannot be used', () => {
    const file = join(path, 'file');
    writeFileSync(file, '');
    expect(() => new Catalog(join(file, 'catalog'))).toThrow(CatalogError);
    expect(() => new Catalog(join(file, 'catalog'))).toThrow(/cannot open the catalog in .*file\/catalog/);
  });
});
