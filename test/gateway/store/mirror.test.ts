/** The second location holds what the first one holds, whatever happens in between; and nothing goes from it that nobody deleted. */
import { blockOf, documentOf, Locations } from '../../support/locations';
import { MemoryTree } from '../../support/memory-tree';

const DAY_MS = 86_400_000;
const BLOCK = blockOf('one');
const DOCUMENT = documentOf('1');
const path = (key: string) => `/root/bucket/${key}`;

describe.each([
  ['sealed', true],
  ['plain', false],
])('a mirror, %s', (_name, sealed) => {
  let locations: Locations;
  let now = Date.parse('2026-11-25T10:00:00Z');
  const open = (options = {}) => {
    locations = new Locations({ sealed, now: () => now, ...options });
    locations.start();
  };
  const expectEqual = () =>
    expect(locations.objects(locations.second)).toEqual(locations.objects(locations.first));

  beforeEach(() => open());
  afterEach(() => locations.close());

  it('gets what is stored, replaced and deleted, byte for byte', async () => {
    for (const key of [BLOCK, DOCUMENT, 'a', 'a/b', 'a//b', `long/${'x'.repeat(900)}`])
      await locations.put(key);
    await locations.caughtUp();
    expectEqual();
    await locations.put(DOCUMENT, 'another');
    await locations.delete(BLOCK);
    await locations.delete('a');
    await locations.caughtUp();
    expectEqual();
    expect(locations.second.files.has(path(BLOCK))).toBe(false);
  });

  it('gets what was stored before there was one', async () => {
    await locations.close();
    open({ mirror: undefined });
    await locations.put(BLOCK);
    await locations.put(DOCUMENT);
    const { first, rig } = locations;
    await rig.stop();
    const second = new MemoryTree();
    const later = new Locations({ sealed, tree: first, mirror: second, directory: rig.directory });
    later.start();
    await later.rig.store.headBucket('bucket');
    await later.caughtUp();
    expect(later.objects(second)).toEqual(later.objects(first));
    expect(Object.keys(later.objects(second)).length).toBeGreaterThanOrEqual(2);
    await later.close();
  });

  it('gets what changed while it was switched off, though nobody noted that', async () => {
    await locations.put(DOCUMENT, 'one');
    await locations.caughtUp();
    await locations.rig.stop();
    locations.rig.start({ mirror: undefined });
    await locations.put(DOCUMENT, 'two');
    await locations.rig.stop();
    locations.rig.start({ mirror: locations.second });
    locations.start();
    await locations.rig.store.headBucket('bucket');
    await locations.caughtUp();
    expectEqual();
  });

  it('gets blocks before the document that names them', async () => {
    const stored: string[] = [];
    locations.second.fault = ({ method, path: to }) => {
      if (method === 'putFile') stored.push(to);
      return undefined;
    };
    for (let i = 0; i < 20; i++) await locations.put(blockOf(String(i)));
    await locations.put(DOCUMENT);
    await locations.caughtUp();
    expect(stored.filter((to) => to.includes('/bucket/')).at(-1)).toBe(path(DOCUMENT));
  });

  it('catches up after it was away, in order, without anybody noticing', async () => {
    await locations.rig.store.headBucket('bucket');
    locations.second.fault = () => 'before';
    await locations.put(BLOCK);
    await locations.put(DOCUMENT);
    await locations.until(({ state, pending }) => state === 'unreachable' && pending === 2);
    now += 20 * 60_000;
    expect(locations.report).toMatchObject({ lagMs: 20 * 60_000, maxLagMs: 60_000 });
    locations.second.fault = () => undefined;
    await locations.caughtUp();
    expect(locations.report.lagMs).toBe(0);
    expectEqual();
  });

  it('goes on after a kill with what was left', async () => {
    await locations.caughtUp();
    locations.second.fault = () => 'before';
    await locations.put(BLOCK);
    await locations.put('gone');
    await locations.delete('gone');
    await locations.restart();
    locations.second.fault = () => undefined;
    await locations.rig.store.headBucket('bucket');
    await locations.caughtUp();
    expectEqual();
  });

  it('is compared, and gets what it lacks, after the catalog was lost with the queue', async () => {
    await locations.put(DOCUMENT, 'one');
    await locations.put(BLOCK);
    await locations.caughtUp();
    locations.second.fault = () => 'before';
    await locations.put(DOCUMENT, 'two');
    await locations.put('new');
    await locations.restart(true);
    locations.second.fault = () => undefined;
    await locations.rig.store.headBucket('bucket');
    await locations.caughtUp();
    expectEqual();
  });

  it('gets back what it lost itself, at the next comparison', async () => {
    await locations.put(BLOCK);
    await locations.put(DOCUMENT);
    await locations.caughtUp();
    locations.second.files.delete(path(BLOCK));
    locations.second.files.set(path(DOCUMENT), Buffer.from('cut'));
    now += DAY_MS;
    await locations.compared(now);
    await locations.caughtUp();
    expectEqual();
  });

  it('is filled anew when it is replaced by an empty one', async () => {
    await locations.put(BLOCK);
    await locations.caughtUp();
    const { second } = locations;
    second.files.clear();
    for (const directory of [...second.directories])
      if (directory !== '/') second.directories.delete(directory);
    await locations.put(DOCUMENT);
    await locations.until(() => second.files.has(path(BLOCK)));
    await locations.caughtUp();
    expectEqual();
  });

  it('is refused, and left alone, if it belongs to another root', async () => {
    const other = new Locations({ sealed });
    await other.put('theirs');
    await other.rig.stop();
    const before = new Map(other.first.files);
    await locations.put(BLOCK);
    await locations.restart(false, { mirror: other.first });
    await locations.put(DOCUMENT);
    await locations.until(({ state }) => state === 'refused');
    expect(locations.report.reason).toMatch(/belongs to root-\w+, and the first location is root-\w+/);
    expect(other.first.files).toEqual(before);
    expect(await locations.get(DOCUMENT)).toBe(DOCUMENT);
  });

  it('is refused if it is the first location under another name', async () => {
    await locations.put(BLOCK);
    await locations.restart(false, { mirror: locations.first });
    await locations.put(DOCUMENT);
    await locations.until(({ state }) => state === 'refused');
    expect(locations.report.reason).toMatch(/is that of the first location/);
    await locations.delete(BLOCK);
    expect(await locations.get(DOCUMENT)).toBe(DOCUMENT);
  });

  it('is refused if it holds something of nobody knows whom', async () => {
    const second = new MemoryTree();
    for (const directory of ['/root', '/root/precious']) second.directories.add(directory);
    second.files.set('/root/precious/file%o', Buffer.from('theirs'));
    await locations.restart(true, { mirror: second });
    await locations.put(BLOCK);
    await locations.until(({ state }) => state === 'refused');
    expect([...second.files.keys()]).toEqual(['/root/precious/file%o']);
  });

  it('keeps everything while the first location shows nothing, or has lost everything', async () => {
    for (const key of [BLOCK, DOCUMENT, 'a/b']) await locations.put(key);
    await locations.caughtUp();
    const before = locations.objects(locations.second);
    const { first } = locations;
    const shown = first.list.bind(first);
    // An empty list, as of a directory that was looked at, and no file has a size.
    first.list = (directory) =>
      directory.startsWith('/root/bucket')
        ? Promise.resolve({ outcome: 'listed', entries: [] })
        : shown(directory);
    const [size, isDirectory] = [first.size.bind(first), first.isDirectory.bind(first)];
    first.size = (file) => (file.startsWith('/root/bucket') ? Promise.resolve(undefined) : size(file));
    first.isDirectory = (file) =>
      file.startsWith('/root/bucket/') ? Promise.resolve(false) : isDirectory(file);
    for (const losesDisk of [false, true]) {
      await locations.restart(losesDisk);
      await locations.rig.store.headBucket('bucket');
      const page = await locations.rig.store.list('bucket', {
        prefix: '',
        delimiter: '',
        after: '',
        maxKeys: 10,
      });
      expect(page.objects).toEqual([]);
      now += DAY_MS;
      await locations.compared(now);
      await locations.caughtUp();
      expect(locations.report.extras).toBe(3);
      expect(locations.objects(locations.second)).toEqual(before);
    }
  });

  it('lets go of what the first location does not have after a month, and not before', async () => {
    await locations.put(BLOCK);
    await locations.put('other');
    await locations.caughtUp();
    locations.second.fault = () => 'before';
    await locations.delete(BLOCK);
    await locations.restart(true);
    locations.second.fault = () => undefined;
    await locations.rig.store.headBucket('bucket');
    await locations.caughtUp();
    expect(locations.report.extras).toBe(1);
    for (let day = 0; day < 29; day += 7) {
      now += 7 * DAY_MS;
      await locations.compared(now);
      if (day < 21) expect(locations.second.files.has(path(BLOCK))).toBe(true);
    }
    await locations.until(() => !locations.second.files.has(path(BLOCK)));
    expect(locations.second.files.has(path('other%o'))).toBe(true);
  });
});

describe('keys on a mirror', () => {
  const [older, newer] = [Buffer.alloc(32, 7), Buffer.alloc(32, 8)];

  it('are marked there, changed as on the first location, and retired only once nothing there needs them', async () => {
    const now = Date.now();
    let later = 0;
    const locations = new Locations({ keys: { writeKey: older }, now: () => now + later });
    locations.start();
    await locations.put(BLOCK);
    await locations.put(DOCUMENT);
    await locations.caughtUp();
    await locations.restart(false, { keys: { writeKey: newer, readKeys: [older] } });
    await locations.rig.store.headBucket('bucket');
    await locations.caughtUp();
    const marks = (): string[] => [...locations.second.files.keys()].filter((file) => file.includes('/key-'));
    expect(marks().length).toBe(2);
    const { keys } = locations.rig.store;
    locations.second.fault = () => 'before';
    await keys.rotation?.start();
    while (keys.rotation?.status.state === 'running') await new Promise((resolve) => setTimeout(resolve, 10));
    const olderId = (await keys.report()).keys.find(({ writes }) => !writes)?.id ?? '';
    expect(await keys.retire(olderId)).toEqual([expect.stringContaining('the mirror is not the same')]);
    locations.second.fault = () => undefined;
    await locations.caughtUp();
    expect(locations.objects(locations.second)).toEqual(locations.objects(locations.first));
    expect(await keys.retire(olderId)).toEqual([]);
    later = DAY_MS;
    await locations.compared(now + later);
    while (marks().length > 1) await new Promise((resolve) => setTimeout(resolve, 10));
    await locations.close();
  });
});
