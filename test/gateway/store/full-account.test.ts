import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const DAY_MS = 86_400_000;
const SIZE = 1_000;
const ref = (key: string) => ({ bucket: 'bucket', key });
const content = (key: string) => Buffer.alloc(SIZE, key);

describe('a full account', () => {
  let tree: MemoryTree;
  let rig: StoreRig;
  let now: number;

  /** Files that rest in the trash, deleted a day apart; the last one a day ago. */
  const start = async (...deleted: string[]): Promise<void> => {
    now = Date.parse('2026-11-20T10:00:00Z');
    tree = new MemoryTree();
    rig = new StoreRig({ tree, now: () => now });
    for (const key of deleted) {
      await put(key);
      await rig.store.delete(ref(key));
      now += DAY_MS;
    }
    tree.capacityBytes = [...tree.files.values()].reduce((sum, { length }) => sum + length, 0) + SIZE / 2;
  };
  afterEach(() => rig.close());

  const put = (key: string, replayable = true) =>
    rig.store.put(ref(key), { ...bodyOf(content(key)), replayable }, DEFAULT_ATTRIBUTES);
  const inTrash = async () => (await rig.store.trashJobs.versions({}, 10)).map(({ key }) => key);

  it('takes what is stored, in the place of what has rested for two days', async () => {
    await start('a', 'b', 'c');
    await put('new');
    expect((await readAll((await rig.store.open(ref('new'))).read())).equals(content('new'))).toBe(true);
    expect(await inTrash()).toEqual(['c']);
    expect(rig.store.stats.trash).toMatchObject({ entries: 1, evicted: 2, expired: 0 });
  });

  it('takes the parts of an upload and several objects at once', async () => {
    await start('a', 'b', 'c');
    const upload = {
      ...ref('large'),
      uploadId: await rig.store.createUpload(ref('large'), DEFAULT_ATTRIBUTES),
    };
    await Promise.all([rig.store.putPart(upload, 1, bodyOf(content('large'))), put('new')]);
    await expect(rig.store.listParts(upload)).resolves.toHaveLength(1);
    expect(rig.store.stats.trash).toMatchObject({ entries: 1, evicted: 2 });
  });

  it('keeps no hold on a new directory whose file was sent twice', async () => {
    await start('a', 'b', 'c');
    await put('new/directory/file');
    expect(rig.store.stats.trash).toMatchObject({ evicted: 2 });
    await rig.store.delete(ref('new/directory/file'));
    const { catalog } = rig;
    expect(await catalog.removeDirectory(catalog.directory('bucket', ['new'])!, 'directory')).toBe(true);
  });

  it('keeps what was deleted less than two days ago, and refuses', async () => {
    await start('a');
    await expect(put('new')).rejects.toMatchObject({ code: 'QuotaExceeded' });
    expect(await inTrash()).toEqual(['a']);
    expect(await rig.store.stat(ref('new'))).toBeUndefined();
  });

  it('asks for what cannot be sent again once there is room', async () => {
    await start('a', 'b');
    await expect(put('new', false)).rejects.toMatchObject({ code: 'SlowDown' });
    await put('new', false);
    expect(await inTrash()).toEqual(['b']);
  });

  it('knows what to give up after a crash and with its catalog lost', async () => {
    await start('a', 'b');
    await rig.restart(true);
    await put('new');
    expect(await inTrash()).toEqual(['b']);
  });
});
