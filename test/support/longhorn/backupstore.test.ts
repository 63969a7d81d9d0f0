import { randomBlock } from './block-content';
import { createBackup } from './backup';
import { decodeBackupConfig, decodeVolumeConfig, encodeVolumeConfig } from './config';
import { compress, decompress } from './compression';
import { deleteBackup, deleteBackupVolume } from './delete';
import type { Backupstore } from './driver';
import { checksumOf, layout } from './layout';
import { listBackups, listVolumes } from './list';
import { FileLock, LockType } from './lock';
import { MemoryDriver } from './memory-driver';
import { ChecksumMismatch, restoreBackup, restoreIncrementally } from './restore';
import { Volume } from './volume';

const BLOCK = 64 * 1024;
const START = Date.parse('2026-11-20T10:00:00Z');

/** A backupstore in memory whose clock moves only while the client sleeps. */
function makeStore(): Backupstore & { readonly driver: MemoryDriver; pass(ms: number): void } {
  let time = START;
  const now = (): number => time;
  const pass = (ms: number): void => void (time += ms);
  const sleep = (ms: number): Promise<void> => {
    pass(ms);
    return Promise.resolve();
  };
  return { driver: new MemoryDriver(now), now, sleep, threads: 2, pass };
}

/** Eight blocks, of which 0 and 3 are equal and 6 and 7 were never written. */
function makeVolume(): Volume {
  const volume = new Volume('pvc-1', 8 * BLOCK, BLOCK);
  for (const [index, seed] of [1, 2, 3, 1, 4, 5].entries())
    volume.write(index * BLOCK, randomBlock(seed, BLOCK));
  return volume;
}

const objectsBelow = (driver: MemoryDriver, prefix: string): string[] =>
  [...driver.objects.keys()].filter((key) => key.startsWith(prefix)).sort();

describe('the backupstore client', () => {
  it('keeps a volume under the hash of its name, and blocks under the hash of their bytes', () => {
    expect(layout.volumeConfig('BACKINGIMAGE')).toBe('backupstore/volumes/22/fc/BACKINGIMAGE/volume.cfg');
    const checksum = checksumOf(Buffer.from('a'));
    expect(checksum).toBe('1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f53');
    expect(layout.block('BACKINGIMAGE', checksum)).toBe(
      `backupstore/volumes/22/fc/BACKINGIMAGE/blocks/1f/40/${checksum}.blk`,
    );
  });

  it('writes numbers of volume.cfg as strings and quotes some strings twice', () => {
    const config = {
      name: 'pvc-1',
      sizeBytes: 67_108_864,
      labels: { a: 'b' },
      createdTime: '2026-11-20T10:00:00Z',
      lastBackupName: '',
      lastBackupAt: '',
      blockCount: 29,
      compressionMethod: 'lz4' as const,
    };
    const text = encodeVolumeConfig(config).toString();
    expect(text).toContain('"Size":"67108864"');
    expect(text).toContain('"BlockCount":"29"');
    expect(text).toContain('"CompressionMethod":"\\"lz4\\""');
    expect(decodeVolumeConfig(Buffer.from(text))).toEqual(config);
  });

  it('compresses into LZ4 frames', async () => {
    const block = randomBlock(1, BLOCK);
    const frame = await compress('lz4', block);
    expect(frame.readUInt32LE()).toBe(0x184d2204);
    expect(await decompress('lz4', frame)).toEqual(block);
  });

  it.each(['lz4', 'gzip', 'none'] as const)(
    'restores what it backed up with %s',
    async (compressionMethod) => {
      const store = makeStore();
      const volume = makeVolume();
      const snapshot = volume.snapshot('snap-1', store.now());
      await createBackup(store, { volume, snapshot, backupName: 'backup-1', compressionMethod });
      const restored = await restoreBackup(store, { volumeName: volume.name, backupName: 'backup-1' });
      expect(restored.equals(snapshot)).toBe(true);
      expect(restored.read(BLOCK - 1, 3)).toEqual(volume.read(BLOCK - 1, 3));
    },
  );

  it('uploads equal blocks once and maps each offset', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    const backup = await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
    expect(backup.blocks.map(({ offset }) => offset / BLOCK)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(objectsBelow(store.driver, layout.blocks(volume.name))).toHaveLength(5);
    expect(objectsBelow(store.driver, layout.locks(volume.name))).toEqual([]);
  });

  it('looks only at blocks written since the last backup, and keeps the whole block map', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const first = volume.snapshot('snap-1', store.now());
    await createBackup(store, { volume, snapshot: first, backupName: 'backup-1' });
    volume.write(BLOCK + 10, Buffer.from('changed'));
    const second = volume.snapshot('snap-2', store.now());
    let compared = 0;
    const backup = await createBackup(store, {
      volume,
      snapshot: second,
      backupName: 'backup-2',
      onProgress: (_done, total) => void (compared = total),
    });
    expect(compared).toBe(1);
    expect(backup).toMatchObject({ isIncremental: true });
    expect(backup.blocks).toHaveLength(6);

    const standby = await restoreBackup(store, { volumeName: volume.name, backupName: 'backup-1' });
    await restoreIncrementally(store, standby, {
      volumeName: volume.name,
      backupName: 'backup-2',
      lastBackupName: 'backup-1',
    });
    expect(standby.equals(second)).toBe(true);
    expect(standby.equals(first)).toBe(false);
  });

  it('writes every block again in full mode', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
    const stored = objectsBelow(store.driver, layout.blocks(volume.name));
    for (const key of stored) store.driver.objects.set(key, { data: Buffer.from('rotten'), time: START });
    const backup = await createBackup(store, { volume, snapshot, backupName: 'backup-2', mode: 'full' });
    expect(backup.newlyUploadedBytes).toBe(0);
    const restored = await restoreBackup(store, { volumeName: volume.name, backupName: 'backup-1' });
    expect(restored.equals(snapshot)).toBe(true);
  });

  it('refuses a block with other bytes than its name says', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    await createBackup(store, { volume, snapshot, backupName: 'backup-1', compressionMethod: 'none' });
    const [key = ''] = objectsBelow(store.driver, layout.blocks(volume.name));
    store.driver.objects.set(key, { data: randomBlock(99, BLOCK), time: START });
    await expect(restoreBackup(store, { volumeName: volume.name, backupName: 'backup-1' })).rejects.toThrow(
      ChecksumMismatch,
    );
  });

  it('collects the blocks that no remaining backup names, and nothing else', async () => {
    const store = makeStore();
    const volume = makeVolume();
    await createBackup(store, {
      volume,
      snapshot: volume.snapshot('snap-1', store.now()),
      backupName: 'backup-1',
    });
    volume.write(BLOCK, randomBlock(6, BLOCK));
    volume.write(4 * BLOCK, randomBlock(7, BLOCK));
    const second = volume.snapshot('snap-2', store.now() + 1000);
    await createBackup(store, { volume, snapshot: second, backupName: 'backup-2' });

    expect(await deleteBackup(store, volume.name, 'backup-1')).toEqual({ deletedBlocks: 2 });
    expect(await listBackups(store, volume.name)).toEqual(['backup-2']);
    const restored = await restoreBackup(store, { volumeName: volume.name, backupName: 'backup-2' });
    expect(restored.equals(second)).toBe(true);
    const config = store.driver.objects.get(layout.volumeConfig(volume.name));
    expect(decodeVolumeConfig(config?.data ?? Buffer.alloc(0))).toMatchObject({
      blockCount: 5,
      lastBackupName: 'backup-2',
    });
  });

  it('collects nothing while a backup is in progress', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    const backup = await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
    const stub = JSON.stringify({ Name: 'stub', VolumeName: volume.name, CreatedTime: '' });
    await store.driver.write(layout.backupConfig(volume.name, 'stub'), Buffer.from(stub));
    const result = await deleteBackup(store, volume.name, backup.name);
    expect(result).toMatchObject({
      deletedBlocks: 0,
      skipped: expect.stringContaining('in progress') as string,
    });
    expect(objectsBelow(store.driver, layout.blocks(volume.name))).toHaveLength(5);
  });

  it('believes an empty listing of backups and then deletes every block: the hazard a gateway must not trigger', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
    const list = store.driver.list.bind(store.driver);
    store.driver.list = (directory) =>
      directory === layout.backups(volume.name) ? Promise.reject(new Error('SlowDown')) : list(directory);
    expect(await deleteBackup(store, volume.name, 'another')).toEqual({ deletedBlocks: 5 });
  });

  it('deletes a volume without a trace', async () => {
    const store = makeStore();
    const volume = makeVolume();
    await createBackup(store, {
      volume,
      snapshot: volume.snapshot('snap-1', store.now()),
      backupName: 'backup-1',
    });
    expect(await listVolumes(store)).toEqual(new Map([['pvc-1', true]]));
    await deleteBackupVolume(store, volume.name);
    expect([...store.driver.objects.keys()]).toEqual([]);
  });

  it('reads back the block map of a backup', async () => {
    const store = makeStore();
    const volume = makeVolume();
    const snapshot = volume.snapshot('snap-1', store.now());
    const backup = await createBackup(store, { volume, snapshot, backupName: 'backup-1' });
    const stored = store.driver.objects.get(layout.backupConfig(volume.name, 'backup-1'));
    expect(decodeBackupConfig(stored?.data ?? Buffer.alloc(0))).toEqual(backup);
  });
});

describe('a lock', () => {
  const backup = (store: Backupstore): FileLock => new FileLock(store, 'pvc-1', LockType.backupOrRestore);
  const deletion = (store: Backupstore): FileLock => new FileLock(store, 'pvc-1', LockType.deletion);

  it('is shared by the same type', async () => {
    const store = makeStore();
    await backup(store).lock();
    await expect(backup(store).lock()).resolves.toBeUndefined();
  });

  it('excludes the other type until it is unlocked', async () => {
    const store = makeStore();
    const held = backup(store);
    await held.lock();
    await expect(deletion(store).lock()).rejects.toThrow('failed to acquire lock');
    expect(objectsBelow(store.driver, layout.locks('pvc-1'))).toHaveLength(1);
    await held.unlock();
    await expect(deletion(store).lock()).resolves.toBeUndefined();
  });

  it('expires 150 s after its last refresh', async () => {
    const store = makeStore();
    const held = backup(store);
    await held.lock();
    store.pass(100_000);
    await held.refresh();
    store.pass(100_000);
    await expect(deletion(store).lock()).rejects.toThrow('failed to acquire lock');
    store.pass(60_000);
    await expect(deletion(store).lock()).resolves.toBeUndefined();
  });
});
