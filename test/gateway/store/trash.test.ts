import { checksumOf } from '../../../gateway/backupstore/layout';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import type { TrashSettings } from '../../../gateway/store/trash';
import { bodyOf, readAll } from '../../support/bodies';
import { createBackup } from '../../support/longhorn/backup';
import { randomBlock } from '../../support/longhorn/block-content';
import { deleteBackupVolume } from '../../support/longhorn/delete';
import type { Backupstore } from '../../support/longhorn/driver';
import { layout } from '../../support/longhorn/layout';
import { poll } from '../../support/longhorn/list';
import { restoreBackup } from '../../support/longhorn/restore';
import { StoreDriver } from '../../support/longhorn/store-driver';
import { Volume, type Snapshot } from '../../support/longhorn/volume';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const DAY_MS = 86_400_000;
const VOLUME = 'pvc-1';
const BLOCK_SIZE = 1024;
const TRASH = '/root/_longhaul/trash/';

describe.each([
  ['sealed', true],
  ['plain', false],
])('trash, %s', (_name, sealed) => {
  let tree: MemoryTree;
  let rig: StoreRig;
  let now: number;

  const start = (trash: Partial<TrashSettings> = {}): void => {
    tree = new MemoryTree();
    now = Date.parse('2026-11-20T10:00:00Z');
    rig = new StoreRig({ tree, sealed, readPlain: !sealed, trash, now: () => now });
  };
  const ref = (key: string) => ({ bucket: 'bucket', key });
  const put = (key: string, content: string | Buffer) =>
    rig.store.put(ref(key), bodyOf(content), DEFAULT_ATTRIBUTES);
  const get = async (key: string) => (await readAll((await rig.store.open(ref(key))).read())).toString();
  const has = async (key: string) => (await rig.store.stat(ref(key))) !== undefined;
  const remove = (key: string) => rig.store.delete(ref(key));
  const inTrash = () => [...tree.files.keys()].filter((path) => path.startsWith(TRASH));
  const look = () => rig.store.trashKeeper.look();
  const restore = async (request = {}) => {
    rig.store.trashJobs.restore(request);
    await rig.store.trashJobs.ended();
    return rig.store.trashJobs.job;
  };
  const upload = async (key: string, content: string) => {
    const uploadId = await rig.store.createUpload(ref(key), DEFAULT_ATTRIBUTES);
    const { etag } = await rig.store.putPart({ ...ref(key), uploadId }, 1, bodyOf(content));
    await rig.store.completeUpload({ ...ref(key), uploadId }, [{ partNumber: 1, etag }]);
  };
  const parts = () => [...tree.files.keys()].filter((path) => path.startsWith('/root/_longhaul/uploads/'));

  beforeEach(() => start());
  afterEach(() => rig.close());

  it('keeps what was deleted until its time is over', async () => {
    await put('a/k.cfg', 'content');
    await remove('a/k.cfg');
    expect(await has('a/k.cfg')).toBe(false);
    expect(inTrash()).toHaveLength(1);
    now += 7 * DAY_MS - 1;
    await look();
    expect(inTrash()).toHaveLength(1);
    now += 1;
    await look();
    expect(inTrash()).toEqual([]);
    expect(rig.store.stats.trash).toMatchObject({ entries: 0, bytes: 0, kept: 1, expired: 1 });
  });

  it('keeps what was replaced by something else, and not what was replaced by the same', async () => {
    await put('k', 'same');
    await put('k', 'same');
    expect(inTrash()).toEqual([]);
    await put('k', 'other');
    expect(inTrash()).toHaveLength(1);
    expect(await get('k')).toBe('other');
    expect([...tree.files.keys()].filter((path) => path.includes('%a'))).toEqual([]);
  });

  it('costs a new object nothing, and a delete no more than one rename', async () => {
    await put('d/first', 'x');
    tree.calls.length = 0;
    await put('d/k', 'x');
    expect(tree.calls.map(({ method }) => method)).toEqual(['putFile']);
    await remove('d/k');
    tree.calls.length = 0;
    await put('d/k', 'x');
    await put('d/k', 'x');
    await remove('d/k');
    expect(tree.calls.map(({ method }) => method)).toEqual(['putFile', 'putFile', 'rename']);
  });

  it('does not keep locks, nor the stubs of backups in progress', async () => {
    const stub = '{"Name":"backup-1","CreatedTime":""}';
    const document = layout.backupConfig(VOLUME, 'backup-1');
    await put(document, stub);
    await put(document, stub.replace('""}', '"t"}'));
    expect(inTrash()).toEqual([]);
    await put(layout.lock(VOLUME, 'lock-1'), '1');
    await put(layout.lock(VOLUME, 'lock-1'), '2');
    await remove(layout.lock(VOLUME, 'lock-1'));
    expect(inTrash()).toEqual([]);
    await remove(document);
    expect(inTrash()).toHaveLength(1);
  });

  it('keeps a replaced file that is no object of ours', async () => {
    await put('d/k.blk', 'content');
    tree.files.set('/root/bucket/d/k.blk', Buffer.from(sealed ? 'sealed with another key' : ''));
    await rig.restart(true);
    await rig.store.stat(ref('d/k.blk'));
    await put('d/k.blk', 'new');
    expect(inTrash().map((path) => tree.files.get(path)?.toString())).toEqual([
      sealed ? 'sealed with another key' : '',
    ]);
  });

  it('empties the oldest first when there is too much', async () => {
    for (let i = 0; i < 5; i++) {
      await put(`k${i}`, Buffer.alloc(1000));
      await remove(`k${i}`);
      now += 1000;
    }
    const { bytes } = rig.store.stats.trash;
    const directory = rig.directory;
    expect(bytes).toBeGreaterThanOrEqual(5000);
    await rig.stop();
    rig = new StoreRig({
      tree,
      sealed,
      readPlain: !sealed,
      now: () => now,
      trash: { maxBytes: bytes / 2 },
      directory,
    });
    await rig.store.headBucket('bucket');
    await look();
    expect(rig.store.stats.trash).toMatchObject({ entries: 2, evicted: 3 });
    expect((await rig.store.trashJobs.versions({}, 10)).map(({ key }) => key)).toEqual(['k3', 'k4']);
  });

  it('takes nothing, and empties itself, when it is switched off', async () => {
    await put('k', '1');
    await remove('k');
    const { directory } = rig;
    await rig.stop();
    rig = new StoreRig({ tree, sealed, readPlain: !sealed, now: () => now, trash: { keepMs: 0 }, directory });
    await put('k', '1');
    await put('k', '2');
    await remove('k');
    await look();
    expect(inTrash()).toEqual([]);
    await look();
    expect([...tree.files.keys()].filter((path) => path.includes('/k') && !path.includes('/key-'))).toEqual(
      [],
    );
  });

  it.each([
    ['as it is', undefined],
    ['after a crash', false],
    ['with its catalog lost', true],
  ])('gives back what was deleted, %s', async (_how, losesDisk) => {
    const keys = ['a', 'a/b', 'd/k.cfg', `${'long '.repeat(60)}/${'é'.repeat(300)}`, 'ü/ /..'];
    for (const key of keys) await put(key, `content of ${key}`);
    const before = await Promise.all(keys.map((key) => rig.store.stat(ref(key))));
    for (const key of keys) await remove(key);
    if (losesDisk !== undefined) {
      await rig.restart(losesDisk);
      await rig.store.headBucket('bucket');
      await look();
    }
    expect(await restore()).toMatchObject({ state: 'done', done: keys.length });
    for (const key of keys) expect(await get(key)).toBe(`content of ${key}`);
    const after = await Promise.all(keys.map((key) => rig.store.stat(ref(key))));
    expect(after.map((info) => info?.lastModified)).toEqual(before.map((info) => info?.lastModified));
    expect(inTrash()).toEqual([]);
    expect(rig.store.stats.trash).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('gives back the last version, and none where an object is', async () => {
    await put('k', 'first');
    await put('k', 'second');
    await remove('k');
    await put('other', 'first');
    await put('other', 'second');
    expect(await restore({ prefix: 'k' })).toMatchObject({ done: 1, present: 0 });
    expect(await get('k')).toBe('second');
    expect(await restore()).toMatchObject({ done: 0, present: 2 });
    expect(await get('other')).toBe('second');
  });

  it('gives back all as it was at a time', async () => {
    await put('kept', 'old');
    await put('replaced', 'old');
    await put('deleted', 'old');
    now += DAY_MS;
    const asOf = now;
    now += DAY_MS;
    await put('new', 'garbage');
    await put('replaced', 'garbage 1');
    await put('replaced', 'garbage 2');
    await put('deleted', 'garbage');
    await remove('deleted');
    await put('short-lived', 'garbage');
    await remove('short-lived');
    expect(await restore({ asOf })).toMatchObject({ state: 'done', done: 2 });
    expect(await Promise.all(['kept', 'replaced', 'deleted', 'new'].map(get))).toEqual([
      'old',
      'old',
      'old',
      'garbage',
    ]);
    expect(await has('short-lived')).toBe(false);
    // What was replaced by the restore can be had back too.
    expect(await restore({ asOf: now + 2_000 })).toMatchObject({ state: 'done' });
    expect(inTrash().length).toBeGreaterThan(0);
  });

  it('keeps the parts of an object until it leaves for good', async () => {
    await upload('d/big.zip', 'content');
    await remove('d/big.zip');
    if (sealed) expect(parts()).toHaveLength(1);
    await rig.restart(true);
    await rig.store.headBucket('bucket');
    await look();
    await restore();
    expect(await get('d/big.zip')).toBe('content');
    await upload('d/big.zip', 'other');
    if (sealed) expect(parts()).toHaveLength(2);
    await remove('d/big.zip');
    now += 8 * DAY_MS;
    await look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(inTrash()).toEqual([]);
    expect(parts()).toEqual([]);
  });

  it('keeps the parts of a completed upload that a crash left as if it were in progress', async () => {
    const uploadId = await rig.store.createUpload(ref('d/big.zip'), DEFAULT_ATTRIBUTES);
    const { etag } = await rig.store.putPart({ ...ref('d/big.zip'), uploadId }, 1, bodyOf('content'));
    const row = rig.catalog.multipart.upload(uploadId);
    await rig.store.completeUpload({ ...ref('d/big.zip'), uploadId }, [{ partNumber: 1, etag }]);
    if (row) await rig.catalog.multipart.putUpload(row);
    await remove('d/big.zip');
    await rig.store.expireUploads(now + DAY_MS);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await restore();
    expect(await get('d/big.zip')).toBe('content');
  });

  it('leaves the parts of an object alone whose delete a crash undid', async () => {
    await upload('d/big.zip', 'content');
    tree.fault = ({ method }) => (method === 'rename' ? 'before' : undefined);
    await expect(remove('d/big.zip')).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    now += 7 * DAY_MS;
    expect(await has('d/big.zip')).toBe(true);
    await look();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await get('d/big.zip')).toBe('content');
  });

  it('finds no place for a late command of a former holder', async () => {
    await put('k', 'x');
    await put('l', 'x');
    await remove('k');
    const open = inTrash().map((path) => path.slice(0, path.lastIndexOf('/')))[0] ?? '';
    await rig.restart();
    expect(await get('l')).toBe('x');
    await expect(tree.rename('/root/bucket/l%o', `${open}/late`)).rejects.toThrow();
    await expect(tree.makeDir(`${open.slice(0, open.lastIndexOf('/'))}/2`)).rejects.toThrow();
    expect(await get('l')).toBe('x');
  });

  it('deletes a selection for good', async () => {
    for (const key of ['a/1', 'a/2', 'b/1']) {
      await put(key, 'x');
      await remove(key);
    }
    rig.store.trashJobs.empty({ prefix: 'a/' });
    expect(() => rig.store.trashJobs.empty({})).toThrow('busy');
    await rig.store.trashJobs.ended();
    expect(rig.store.trashJobs.job).toMatchObject({ action: 'empty', state: 'done', done: 2 });
    expect((await rig.store.trashJobs.versions({}, 10)).map(({ key }) => key)).toEqual(['b/1']);
    expect(inTrash()).toHaveLength(1);
  });

  it.each([
    ['delete', false],
    ['delete', true],
    ['overwrite', false],
    ['overwrite', true],
    ['restore', false],
    ['restore', true],
  ])('loses nothing when it crashes anywhere in a %s (catalog lost: %s)', async (operation, losesDisk) => {
    for (let crashAt = 1, isOver = false; !isOver; crashAt++) {
      for (const how of ['before', 'after'] as const) {
        await rig.close();
        start();
        await put('d/k.cfg', 'old');
        if (operation === 'restore') await remove('d/k.cfg');
        let calls = 0;
        tree.fault = () => {
          calls += 1;
          if (calls < crashAt) return undefined;
          return calls === crashAt ? how : 'before';
        };
        const acting: Promise<unknown> =
          operation === 'delete'
            ? remove('d/k.cfg')
            : operation === 'overwrite'
              ? put('d/k.cfg', 'new')
              : restore();
        const outcome = await acting.then(
          (job) => (operation === 'restore' ? (job as { state: string }).state === 'done' : true),
          () => false,
        );
        isOver = calls < crashAt;
        tree.fault = () => undefined;
        await rig.restart(losesDisk);
        await rig.store.headBucket('bucket');
        await look();
        const content = (await has('d/k.cfg')) ? await get('d/k.cfg') : undefined;
        const rested = (await rig.store.trashJobs.versions({}, 10)).map(({ key }) => key);
        const what = `${operation}, crashed ${how} call ${crashAt}`;
        if (operation === 'overwrite') {
          expect([what, content]).toEqual([what, outcome || content === 'new' ? 'new' : 'old']);
          expect([what, rested.length]).toEqual([what, content === 'new' ? 1 : 0]);
        } else {
          expect([what, rested.length]).toEqual([what, content === undefined ? 1 : 0]);
          if (outcome) expect([what, content]).toEqual([what, operation === 'restore' ? 'old' : undefined]);
        }
        await restore();
        const sees = operation === 'overwrite' && content === 'new' ? 'new' : 'old';
        expect([what, await get('d/k.cfg')]).toEqual([what, sees]);
      }
    }
  });

  describe('of a deleted volume', () => {
    let longhorn: Backupstore;
    let volume: Volume;
    const snapshots: Snapshot[] = [];

    beforeEach(async () => {
      longhorn = {
        driver: new StoreDriver(() => rig.store, 'bucket'),
        now: Date.now,
        sleep: () => Promise.resolve(),
        threads: 2,
      };
      volume = new Volume(VOLUME, 8 * BLOCK_SIZE, BLOCK_SIZE);
      snapshots.length = 0;
      for (const day of [0, 1, 2]) {
        for (let block = 0; block < 3; block++)
          volume.write((day + block) * BLOCK_SIZE, randomBlock(10 * day + block, BLOCK_SIZE));
        const snapshot = volume.snapshot(`snapshot-${day}`, now + day);
        snapshots.push(snapshot);
        const mode = day === 2 ? 'full' : 'incremental';
        await createBackup(longhorn, { volume, snapshot, backupName: `backup-${day}`, mode });
      }
    });

    it('holds no block twice that a full backup sent again', async () => {
      const snapshot = volume.snapshot('snapshot-3', now + 3);
      await createBackup(longhorn, { volume, snapshot, backupName: 'backup-3', mode: 'full' });
      const versions = await rig.store.trashJobs.versions({}, 100);
      expect(new Set(versions.map(({ key }) => key))).toEqual(new Set([layout.volumeConfig(VOLUME)]));
    });

    it.each([
      ['at once', undefined],
      ['after the catalog was lost', true],
    ])('gives the backups back whole, %s, and Longhorn lists and restores them', async (_how, losesDisk) => {
      await put('other/k', 'x');
      await deleteBackupVolume(longhorn, VOLUME);
      await remove('other/k');
      expect((await poll(longhorn)).volumes.has(VOLUME)).toBe(false);
      if (losesDisk) {
        await rig.restart(true);
        await rig.store.headBucket('bucket');
        await look();
      }
      expect(await restore({ volume: VOLUME })).toMatchObject({ state: 'done', missing: 0, damaged: 0 });
      expect(await has('other/k')).toBe(false);
      expect((await poll(longhorn)).volumes.get(VOLUME)).toEqual(['backup-0', 'backup-1', 'backup-2']);
      for (const [day, snapshot] of snapshots.entries()) {
        const restored = await restoreBackup(longhorn, { volumeName: VOLUME, backupName: `backup-${day}` });
        expect(restored.equals(snapshot)).toBe(true);
      }
      const [block] = [...(snapshots[2] as Snapshot).blocks.values()];
      const needed = layout.block(VOLUME, checksumOf(block as Buffer));
      await expect(remove(needed)).rejects.toMatchObject({ code: 'SlowDown' });
      expect(rig.store.stats.guard.objections.named).toBe(1);
    });

    it('shows what rests there, and of which volume', async () => {
      await deleteBackupVolume(longhorn, VOLUME);
      await put('other/k', 'x');
      await remove('other/k');
      const groups = await rig.store.trashJobs.groups({});
      expect(groups).toMatchObject([
        { bucket: 'bucket', place: VOLUME, isVolume: true },
        { bucket: 'bucket', place: 'other', isVolume: false, versions: 1 },
      ]);
    });
  });
});
