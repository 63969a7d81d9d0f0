/** What a listing rests on, and how the catalog learns of what was changed behind the gateway. */
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const ref = (key: string) => ({ bucket: 'bucket', key });
const listing = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };

describe.each([
  ['sealed', true],
  ['plain', false],
])('a store that proves what it answers, %s', (_name, sealed) => {
  let tree: MemoryTree;
  let rig: StoreRig;

  beforeEach(() => {
    tree = new MemoryTree();
    rig = new StoreRig({ tree, sealed });
  });
  afterEach(() => rig.close());

  const put = (key: string, content = key) => rig.store.put(ref(key), bodyOf(content), DEFAULT_ATTRIBUTES);
  const get = async (key: string) => (await readAll((await rig.store.open(ref(key))).read())).toString();
  const list = (query = {}) => rig.store.list('bucket', { ...listing, ...query });
  const keys = async (query = {}) => (await list(query)).objects.map(({ key }) => key);
  const listed = () => tree.calls.filter(({ method }) => method === 'list').map(({ path }) => path);

  it('looks into no more directories than a page shows', async () => {
    for (let i = 10; i < 50; i++) await put(`v/${i}/a`);
    await rig.restart(true);
    await rig.store.headBucket('bucket');
    tree.calls.length = 0;
    expect(await keys({ prefix: 'v/', maxKeys: 2 })).toEqual(['v/10/a', 'v/11/a']);
    expect(listed().length).toBeLessThan(45);
    tree.calls.length = 0;
    expect(await keys({ prefix: 'v/', after: 'v/48/a' })).toEqual(['v/49/a']);
    expect(listed()).toEqual(
      ['/root/bucket/v/48', '/root/bucket/v/49'].filter((path) => listed().includes(path)),
    );
  });

  it('shows a common prefix for what holds an object, however deep, and none for what is empty', async () => {
    await put('v/full/deep/er/x');
    await put('v/empty/deep/er/x');
    await rig.store.delete(ref('v/empty/deep/er/x'));
    await put('v/zz');
    await rig.restart(true);
    const page = await list({ prefix: 'v/', delimiter: '/' });
    expect(page.commonPrefixes).toEqual(['v/full/']);
    expect(page.objects.map(({ key }) => key)).toEqual(['v/zz']);
  });

  it('pages through what is not proved yet as through what is', async () => {
    const all: string[] = [];
    for (const d of ['a', 'b', 'c-', 'c', 'c.']) for (const f of ['1', '2', 'x/3']) all.push(`p/${d}/${f}`);
    for (const key of all) await put(key);
    all.sort();
    for (const maxKeys of [1, 2, 7]) {
      await rig.restart(true);
      const seen: string[] = [];
      for (let after = ''; ;) {
        const page = await list({ maxKeys, after });
        seen.push(...page.objects.map(({ key }) => key));
        if (page.next === undefined) break;
        after = page.next;
      }
      expect(seen).toEqual(all);
    }
  });

  it('finds by a crawl what was added, changed and removed behind the gateway, and answers without a look afterwards', async () => {
    await put('v/gone/x', 'x');
    await put('v/stays/same', 'same');
    await put('v/stays/removed', 'removed');
    tree.files.delete([...tree.files.keys()].find((path) => path.endsWith('removed%o')) ?? '');
    const moved = [...tree.files].find(([path]) => path.endsWith('same%o')) ?? ['', Buffer.alloc(0)];
    tree.files.set('/root/bucket/v/stays/torn.cfg', Buffer.from('torn'));
    tree.files.set('/root/bucket/v/stays/a foreign file', Buffer.from('foreign'));
    for (const path of [...tree.files.keys()]) if (path.includes('/gone/')) tree.files.delete(path);
    tree.directories.delete('/root/bucket/v/gone');
    await rig.crawl();
    const expected = sealed ? ['v/stays/same'] : ['v/stays/same', 'v/stays/torn.cfg'];
    tree.calls.length = 0;
    expect(await keys()).toEqual(expected);
    expect(await rig.store.stat(ref('v/gone/x'))).toBeUndefined();
    expect(tree.calls).toEqual([]);
    expect(moved[1].length).toBeGreaterThan(0);
    const findings = [...rig.catalog.findings.all()].map(({ path }) => path);
    expect(findings).toContain('/root/bucket/v/stays/a foreign file');
    if (sealed) expect(findings).toContain('/root/bucket/v/stays/torn.cfg');
    expect(rig.store.stats).toMatchObject({
      settler: { foreignChanges: 1 },
      directories: { lostDirectories: 1 },
      catalog: { findings: sealed ? 2 : 1 },
    });
    // What takes the place of a torn file is an object, and no finding any more.
    await put('v/stays/torn.cfg', 'whole');
    tree.files.delete('/root/bucket/v/stays/a foreign file');
    await rig.crawl();
    expect(rig.catalog.counts.findings).toBe(0);
  });

  it('has everything proved when a crawl from nothing is over', async () => {
    for (const key of ['a', 'b/c', 'b/d/e', 'f/g/h/i']) await put(key);
    await rig.restart(true);
    await rig.crawl();
    expect(rig.catalog.isProvedWhole).toBe(true);
    tree.calls.length = 0;
    expect(await keys()).toEqual(['a', 'b/c', 'b/d/e', 'f/g/h/i']);
    expect(tree.calls).toEqual([]);
  });

  it('leaves a connection to whoever comes while it crawls, all but one while somebody waits, and tells how long it takes', async () => {
    for (let i = 10; i < 50; i++) await put(`v/${i}/a`);
    await rig.restart(true);
    let [waiting, busy, most] = [0, 0, 0];
    const estimates: number[] = [];
    const { connections, ...rest } = tree.stats();
    tree.stats = () => ({ ...rest, connections: { ...connections, limit: 4, waiting } });
    const list = tree.list.bind(tree);
    tree.list = async (path) => {
      most = Math.max(most, (busy += 1));
      estimates.push(rig.store.crawler.progress.remainingMs ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 2));
      return list(path).finally(() => (busy -= 1));
    };
    await rig.crawl();
    expect(most).toBe(3);
    expect(estimates.some((ms) => ms > 0)).toBe(true);
    [waiting, most] = [1, 0];
    await rig.crawl();
    expect(most).toBe(1);
  });

  it('does not spin while a directory is on its way to the catalog', async () => {
    await put('d/x');
    let asked = 0;
    Object.defineProperty(rig.catalog, 'isProvedWhole', { get: () => ++asked > 1_000 });
    rig.store.crawler.start();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked).toBeLessThan(5);
  });

  it('lists everything, and nothing else, at any moment of a crawl from nothing', async () => {
    const all: string[] = [];
    for (let i = 0; i < 60; i++) all.push(`v/blocks/${i % 4}/${i % 15}/${String(i).padStart(2, '0')}.blk`);
    for (const key of all) await put(key);
    await rig.restart(true);
    const crawled = rig.crawl();
    let [isOver, listings] = [false, 0];
    void crawled.then(() => (isOver = true));
    while (!isOver) {
      const prefix = ['', 'v/blocks/', `v/blocks/${listings % 4}/`][listings % 3] ?? '';
      expect(await keys({ prefix })).toEqual(all.filter((key) => key.startsWith(prefix)).sort());
      const { commonPrefixes } = await list({ prefix: 'v/blocks/', delimiter: '/' });
      expect(commonPrefixes).toEqual(['v/blocks/0/', 'v/blocks/1/', 'v/blocks/2/', 'v/blocks/3/']);
      listings += 1;
      // The crawl has its turns.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(listings).toBeGreaterThan(2);
  });

  it('does not take what is written during a look for a foreign change', async () => {
    for (let i = 0; i < 20; i++) await put(`d/${i}`, 'first');
    rig.store.crawler.start();
    for (let round = 0; round < 5; round++) {
      const checked = rig.crawl();
      for (let i = 0; i < 20; i++) {
        if ((i + round) % 3 === 0) await rig.store.delete(ref(`d/${i}`));
        else await put(`d/${i}`, `${'x'.repeat(round)}${i}`);
        await put(`d/new-${round}-${i}/x`, 'new');
      }
      await checked;
    }
    for (let i = 0; i < 20; i++) {
      const isThere = (i + 4) % 3 !== 0;
      expect((await rig.store.stat(ref(`d/${i}`))) !== undefined).toBe(isThere);
      if (isThere) expect(await get(`d/${i}`)).toBe(`xxxx${i}`);
    }
    expect((await keys({ prefix: 'd/new-' })).length).toBe(100);
    expect(rig.store.stats).toMatchObject({
      settler: { foreignChanges: 0 },
      directories: { lostDirectories: 0 },
    });
  });

  it('keeps a directory from which everything went away while an object is written there', async () => {
    await put('d/e/old');
    let checked = Promise.resolve();
    const slow = rig.store.put(
      ref('d/e/new'),
      {
        ...bodyOf('new'),
        size: 3,
        replayable: false,
        digests: () => bodyOf('new').digests(),
        async *open() {
          for (const path of [...tree.files.keys()]) if (path.includes('/d/')) tree.files.delete(path);
          for (const path of ['/root/bucket/d/e', '/root/bucket/d']) tree.directories.delete(path);
          checked = rig.crawl();
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          yield Buffer.from('new');
        },
      },
      DEFAULT_ATTRIBUTES,
    );
    await slow;
    await checked;
    expect(await get('d/e/new')).toBe('new');
    expect(await keys({ prefix: 'd/' })).toContain('d/e/new');
  });
});
