import { randomBytes } from 'node:crypto';
import {
  backingImageSet,
  backupConfigKey,
  blockKey,
  checksumOf,
  volumeSet,
} from '../../../gateway/backupstore/layout';
import type { GuardMode } from '../../../gateway/store/delete-guard';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf } from '../../support/bodies';
import { createBackup } from '../../support/longhorn/backup';
import { randomBlock } from '../../support/longhorn/block-content';
import { deleteBackup, deleteBackupVolume } from '../../support/longhorn/delete';
import type { Backupstore, BackupstoreDriver } from '../../support/longhorn/driver';
import { layout } from '../../support/longhorn/layout';
import { listVolumes } from '../../support/longhorn/list';
import { restoreBackup } from '../../support/longhorn/restore';
import { StoreDriver } from '../../support/longhorn/store-driver';
import { Volume, type Snapshot } from '../../support/longhorn/volume';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const BLOCK_SIZE = 1024;
const VOLUME = 'pvc-1';
const START = Date.parse('2026-11-20T10:00:00Z');
const set = volumeSet('', VOLUME);

/** Longhorn on `driver`, without its pauses. */
function longhornOn(driver: BackupstoreDriver): Backupstore {
  return { driver, now: Date.now, sleep: () => Promise.resolve(), threads: 2 };
}

/** The driver with some calls replaced. */
function withCalls(driver: BackupstoreDriver, calls: Partial<BackupstoreDriver>): BackupstoreDriver {
  const bound: BackupstoreDriver = {
    list: (path) => driver.list(path),
    size: (path) => driver.size(path),
    time: (path) => driver.time(path),
    read: (path) => driver.read(path),
    write: (path, data) => driver.write(path, data),
    remove: (path) => driver.remove(path),
  };
  return { ...bound, ...calls };
}

describe.each([
  ['sealed', true],
  ['plain', false],
])('delete guard, %s', (_name, sealed) => {
  let tree: MemoryTree;
  let rig: StoreRig;
  let driver: StoreDriver;
  let longhorn: Backupstore;
  let volume: Volume;
  let snapshots: Snapshot[];

  const start = (deleteGuard: GuardMode = 'enforce'): void => {
    tree = new MemoryTree();
    rig = new StoreRig({ tree, sealed, readPlain: !sealed, deleteGuard });
    driver = new StoreDriver(() => rig.store, 'bucket');
    longhorn = longhornOn(driver);
    volume = new Volume(VOLUME, 16 * BLOCK_SIZE, BLOCK_SIZE);
    snapshots = [];
  };

  /** Three backups: each day four blocks get new data, two of them those of the day before. */
  const makeBackups = async (count = 3): Promise<void> => {
    for (let day = 0; day < count; day++) {
      for (let block = 0; block < 4; block++)
        volume.write((2 * day + block) * BLOCK_SIZE, randomBlock(100 * day + block, BLOCK_SIZE));
      const snapshot = volume.snapshot(`snapshot-${day}`, START + day);
      snapshots.push(snapshot);
      await createBackup(longhorn, { volume, snapshot, backupName: `backup-${day}` });
    }
  };
  const isRestorable = async (day: number): Promise<boolean> => {
    const restored = await restoreBackup(longhorn, { volumeName: VOLUME, backupName: `backup-${day}` }).catch(
      () => undefined,
    );
    return restored?.equals(snapshots[day] as Snapshot) ?? false;
  };
  const blocks = (): string[] =>
    [...tree.files.keys()].filter((path) => path.startsWith('/root/bucket/') && path.endsWith('.blk'));
  const put = (key: string, content: string | Buffer) =>
    rig.store.put({ bucket: 'bucket', key }, bodyOf(content), DEFAULT_ATTRIBUTES);
  const remove = (key: string) => rig.store.delete({ bucket: 'bucket', key });
  const anyObjection = (): number =>
    Object.values(rig.store.stats.guard.objections).reduce((sum, count) => sum + count, 0);

  beforeEach(() => start());
  afterEach(() => rig.close());

  it.each([
    ['with all that it learnt', undefined],
    ['after a crash', false],
    ['with its catalog lost', true],
  ])('lets garbage collection delete what nothing names, and nothing else, %s', async (_how, losesDisk) => {
    await makeBackups();
    if (losesDisk !== undefined) await rig.restart(losesDisk);
    expect(await deleteBackup(longhorn, VOLUME, 'backup-0')).toEqual({ deletedBlocks: 2 });
    expect(await isRestorable(1)).toBe(true);
    expect(await deleteBackup(longhorn, VOLUME, 'backup-2')).toEqual({ deletedBlocks: 4 });
    expect(await isRestorable(1)).toBe(true);
    expect(anyObjection()).toBe(0);
    expect(rig.store.stats.guard.documentsRead).toBe(losesDisk === true ? 2 : 0);
  });

  it('lets a whole volume be deleted, a backup in progress included', async () => {
    await makeBackups();
    await put(layout.backupConfig(VOLUME, 'backup-9'), '{"Name":"backup-9","CreatedTime":""}');
    await deleteBackupVolume(longhorn, VOLUME);
    expect((await listVolumes(longhorn)).has(VOLUME)).toBe(false);
    expect(blocks()).toEqual([]);
    expect(anyObjection()).toBe(0);
  });

  describe.each<[string, GuardMode, boolean]>([
    ['loses no block', 'enforce', true],
    ['would lose blocks without it', 'off', false],
    ['would lose blocks when it only warns', 'warn', false],
  ])('%s', (_what, mode, keeps) => {
    beforeEach(async () => {
      await rig.close();
      start(mode);
      await makeBackups();
    });

    it('when a client cannot list the backups, and takes that for none', async () => {
      const failing = withCalls(driver, {
        list: (path) =>
          path === layout.backups(VOLUME) ? Promise.reject(new Error('timeout')) : driver.list(path),
      });
      const deleted = deleteBackup(longhornOn(failing), VOLUME, 'backup-0');
      if (keeps) await expect(deleted).rejects.toThrow('failed to delete backup blocks');
      else await deleted;
      expect([await isRestorable(1), await isRestorable(2)]).toEqual([keeps, keeps]);
      expect(rig.store.stats.guard.objections.named).toBe(mode === 'off' ? 0 : 10);
    });

    it('when the gateway cannot list the backups', async () => {
      const lateFault = withCalls(driver, {
        remove: async (path) => {
          await driver.remove(path);
          if (path !== layout.backupConfig(VOLUME, 'backup-0')) return;
          await rig.restart(true);
          tree.unreadable.add(`/root/bucket/${layout.backups(VOLUME).slice(0, -1)}`);
        },
      });
      const deleted = deleteBackup(longhornOn(lateFault), VOLUME, 'backup-0');
      if (keeps) await expect(deleted).rejects.toThrow('failed to delete backup blocks');
      else await deleted;
      tree.unreadable.clear();
      expect([await isRestorable(1), await isRestorable(2)]).toEqual([keeps, keeps]);
      if (!keeps) return;
      expect(rig.store.stats.guard.objections.unknown).toBe(blocks().length);
      expect(await deleteBackup(longhorn, VOLUME, 'backup-1')).toEqual({ deletedBlocks: 4 });
      expect(await isRestorable(2)).toBe(true);
    });

    it('when the locks cannot be listed, and a backup begins while another is deleted', async () => {
      const withoutLocks = (more: Partial<BackupstoreDriver>) =>
        longhornOn(
          withCalls(driver, {
            list: (path) =>
              path === layout.locks(VOLUME) ? Promise.reject(new Error('timeout')) : driver.list(path),
            ...more,
          }),
        );
      let backup: Promise<unknown> | undefined;
      let finish = (): void => undefined;
      const isCollected = new Promise<void>((resolve) => (finish = resolve));
      // The volume goes back to what backup 0 had: the new backup finds those blocks stored, and does not send them.
      for (const [index, content] of (snapshots[0] as Snapshot).blocks)
        volume.write(index * BLOCK_SIZE, content);
      const snapshot = volume.snapshot('snapshot-3', START + 3);
      snapshots.push(snapshot);
      const begin = (): Promise<void> =>
        new Promise((resolve, reject) => {
          const path = layout.backupConfig(VOLUME, 'backup-3');
          let writes = 0;
          const writer = withoutLocks({
            write: async (to, data) => {
              if (to === path && ++writes === 2) {
                resolve();
                await isCollected;
              }
              await driver.write(to, data);
            },
          });
          backup = createBackup(writer, { volume, snapshot, backupName: 'backup-3' });
          backup.catch(reject);
        });
      const deleter = withoutLocks({
        remove: async (path) => {
          if (path.endsWith('.blk') && !backup) await begin();
          await driver.remove(path);
        },
      });
      const deleted = deleteBackup(deleter, VOLUME, 'backup-0');
      if (keeps) await expect(deleted).rejects.toThrow('failed to delete backup blocks');
      else await deleted;
      finish();
      await backup;
      expect([await isRestorable(1), await isRestorable(2)]).toEqual([true, true]);
      expect(await isRestorable(3)).toBe(keeps);
    });
  });

  it('refuses while the last listing of the backups failed, and no longer once one succeeds', async () => {
    await makeBackups(1);
    const unneeded = blockKey(set, checksumOf('unneeded'));
    await put(unneeded, 'x');
    const list = () => driver.list(layout.backups(VOLUME));
    await rig.restart(true);
    const directory = `/root/bucket/${layout.backups(VOLUME).slice(0, -1)}`;
    tree.unreadable.add(directory);
    await expect(list()).rejects.toMatchObject({ code: 'SlowDown' });
    tree.unreadable.clear();
    await expect(remove(unneeded)).rejects.toMatchObject({ code: 'SlowDown', status: 503 });
    expect(rig.store.stats.guard.objections['listing-failed']).toBe(1);
    await list();
    await remove(unneeded);
    expect(await rig.store.stat({ bucket: 'bucket', key: unneeded })).toBeUndefined();
  });

  it.each([
    ['is no JSON', 'not a document', 'unreadable'],
    ['is cut short', '{"Name":"backup-9","CreatedTime":"t","Blocks":[{"Off', 'unreadable'],
    ['is that of a backup in progress', '{"Name":"backup-9","CreatedTime":""}', 'in-progress'],
  ] as const)('keeps all blocks of a volume while a document %s', async (_what, content, reason) => {
    const unneeded = blockKey(set, checksumOf('unneeded'));
    await put(unneeded, 'x');
    await put(backupConfigKey(set, 'backup-9'), content);
    await expect(remove(unneeded)).rejects.toMatchObject({ code: 'SlowDown' });
    await rig.restart(true);
    await expect(remove(unneeded)).rejects.toMatchObject({ code: 'SlowDown' });
    expect(rig.store.stats.guard.objections[reason]).toBe(1);
    await remove(backupConfigKey(set, 'backup-9'));
    await remove(unneeded);
    expect(blocks()).toEqual([]);
  });

  it('keeps all blocks of a volume while the file of a document is damaged', async () => {
    await makeBackups(1);
    const unneeded = blockKey(set, checksumOf('unneeded'));
    await put(unneeded, 'x');
    const file = `/root/bucket/${layout.backupConfig(VOLUME, 'backup-0')}`;
    if (sealed) {
      (tree.files.get(file) as Buffer)[200]! ^= 1;
      await rig.restart(true);
      await expect(remove(unneeded)).rejects.toMatchObject({ code: 'SlowDown' });
    }
    tree.files.set(file, (tree.files.get(file) as Buffer).subarray(0, 100));
    await rig.restart(true);
    await expect(remove(unneeded)).rejects.toMatchObject({ code: 'SlowDown' });
    tree.files.delete(file);
    await rig.restart(true);
    await remove(unneeded);
  });

  it('settles a document whose upload was left in doubt before it judges', async () => {
    await makeBackups(1);
    const needed = checksumOf('needed');
    await put(blockKey(set, needed), 'x');
    tree.fault = ({ method, path }) => (method === 'putFile' && path.endsWith('.cfg') ? 'after' : undefined);
    const document = `{"Name":"backup-9","CreatedTime":"t","Blocks":[{"Offset":0,"BlockChecksum":"${needed}"}]}`;
    await expect(put(backupConfigKey(set, 'backup-9'), document)).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    await expect(remove(blockKey(set, needed))).rejects.toMatchObject({ code: 'SlowDown' });
    expect(rig.store.stats.guard.objections.named).toBe(1);
  });

  it('judges by the documents that are there, not by those that were', async () => {
    await makeBackups(2);
    await rig.store.stat({ bucket: 'bucket', key: layout.backupConfig(VOLUME, 'backup-0') });
    tree.files.delete(`/root/bucket/${layout.backupConfig(VOLUME, 'backup-0')}`);
    await rig.restart();
    expect(await deleteBackup(longhorn, VOLUME, 'backup-0')).toEqual({ deletedBlocks: 2 });
    expect(anyObjection()).toBe(0);
  });

  it('keeps what a backing image names, and knows nothing of volumes there', async () => {
    const images = backingImageSet('');
    const [named, unneeded] = [checksumOf('named'), checksumOf('unneeded')];
    const document = (checksum: string, time: string): string =>
      `{"Name":"debian","CreatedTime":"t","CompleteTime":"${time}","Blocks":[{"Offset":0,"BlockChecksum":"${checksum}"}]}`;
    await put(blockKey(images, named), 'x');
    await put(blockKey(images, unneeded), 'x');
    await put(backupConfigKey(images, 'debian'), document(named, 't'));
    await put(backupConfigKey(images, 'fedora'), document(named, ''));
    await rig.restart(true);
    await expect(remove(blockKey(images, unneeded))).rejects.toMatchObject({ code: 'SlowDown' });
    await remove(backupConfigKey(images, 'fedora'));
    await remove(blockKey(images, unneeded));
    await expect(remove(blockKey(images, named))).rejects.toMatchObject({ code: 'SlowDown' });
    await remove(backupConfigKey(images, 'debian'));
    await remove(blockKey(images, named));
    expect(blocks()).toEqual([]);
  });

  it('reads a document that came in parts before it judges', async () => {
    const needed = checksumOf('needed');
    await put(blockKey(set, needed), 'x');
    const key = { bucket: 'bucket', key: backupConfigKey(set, 'backup-9') };
    const uploadId = await rig.store.createUpload(key, DEFAULT_ATTRIBUTES);
    const document = `{"Name":"backup-9","CreatedTime":"t","Blocks":[{"Offset":0,"BlockChecksum":"${needed}"}]}`;
    const { etag } = await rig.store.putPart({ ...key, uploadId }, 1, bodyOf(document));
    await rig.store.completeUpload({ ...key, uploadId }, [{ partNumber: 1, etag }]);
    await expect(remove(blockKey(set, needed))).rejects.toMatchObject({ code: 'SlowDown' });
    expect(rig.store.stats.guard.documentsRead).toBe(1);
  });

  it('never objects to what is no block', async () => {
    await makeBackups(1);
    for (const key of ['photo.jpg', `${set.directory}blocks/aa/bb/x.blk`, layout.volumeConfig(VOLUME)]) {
      await put(key, randomBytes(10));
      await remove(key);
    }
    expect(anyObjection()).toBe(0);
  });
});
