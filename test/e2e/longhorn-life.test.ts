/** The full life of Longhorn volumes on every FTP server that is there: plain and TLS, sealed and not, every era of clients. */
import { randomBytes } from 'node:crypto';
import { GatewayProcess } from '../support/gateway-process';
import { createBackup } from '../support/longhorn/backup';
import { randomBlock } from '../support/longhorn/block-content';
import { deleteBackup, deleteBackupVolume } from '../support/longhorn/delete';
import { layout } from '../support/longhorn/layout';
import { inspectBackup, inspectVolume, listVolumes, poll } from '../support/longhorn/list';
import { FileLock, LockType } from '../support/longhorn/lock';
import { restoreBackup, restoreIncrementally } from '../support/longhorn/restore';
import { ERAS } from '../support/longhorn/s3-driver';
import {
  changeSample,
  SAMPLE,
  SAMPLE_ABANDONED_BLOCKS,
  SAMPLE_CHANGED_BLOCKS,
  sampleVolume,
} from '../support/longhorn/sample-volume';
import { Volume } from '../support/longhorn/volume';
import { ftpBackends, type RunningBackend } from './ftp-backends';
import { Longhorn } from './longhorn';

const KIB = 1024;
const MIB = 1024 * KIB;
const START = Date.parse('2026-11-20T10:00:00Z');
const HOUR_MS = 3_600_000;

/** Lives a whole life on one gateway and leaves nothing behind. */
async function liveLife(longhorn: Longhorn, volume: Volume): Promise<void> {
  const { name } = volume;
  const first = volume.snapshot('snapshot-1', START);
  const full = await createBackup(longhorn, { volume, snapshot: first, backupName: 'backup-1' });
  expect(full.blocks).toHaveLength(SAMPLE.withData);

  changeSample(volume);
  const second = volume.snapshot('snapshot-2', START + HOUR_MS);
  const incremental = await createBackup(longhorn, { volume, snapshot: second, backupName: 'backup-2' });
  expect(incremental.isIncremental).toBe(true);
  expect(incremental.newlyUploadedBytes).toBeGreaterThan(0);

  const restored = await restoreBackup(longhorn, { volumeName: name, backupName: 'backup-1' });
  expect(restored.equals(first)).toBe(true);
  await restoreIncrementally(longhorn, restored, {
    volumeName: name,
    backupName: 'backup-2',
    lastBackupName: 'backup-1',
  });
  expect(restored.equals(second)).toBe(true);

  const repair = await createBackup(longhorn, {
    volume,
    snapshot: second,
    backupName: 'backup-3',
    mode: 'full',
  });
  expect(repair).toMatchObject({ newlyUploadedBytes: 0, isIncremental: false });
  expect(repair.reUploadedBytes).toBeGreaterThan(0);

  expect((await poll(longhorn)).volumes.get(name)).toEqual(['backup-1', 'backup-2', 'backup-3']);
  expect(await inspectVolume(longhorn, name)).toMatchObject({ lastBackupName: 'backup-3' });
  expect(await inspectBackup(longhorn, name, 'backup-3')).toEqual(repair);

  expect(await deleteBackup(longhorn, name, 'backup-1')).toEqual({ deletedBlocks: SAMPLE_ABANDONED_BLOCKS });
  expect(await deleteBackup(longhorn, name, 'backup-2')).toEqual({ deletedBlocks: 0 });
  const last = await restoreBackup(longhorn, { volumeName: name, backupName: 'backup-3' });
  expect(last.equals(second)).toBe(true);

  await deleteBackupVolume(longhorn, name);
  expect((await listVolumes(longhorn)).has(name)).toBe(false);
  expect(await longhorn.driver.list(layout.volume(name))).toEqual([]);
}

const KEY = randomBytes(32).toString('hex');

const situations = ftpBackends().flatMap(({ name, start }) => [
  { situation: `${name}, sealed`, start, encryptionKey: KEY },
  { situation: `${name}, unsealed`, start, encryptionKey: undefined },
]);

describe.each(situations)('Longhorn on $situation', ({ start, encryptionKey }) => {
  let ftp: RunningBackend;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    ftp = await start();
    gateway = await GatewayProcess.start({
      ftp: ftp.account,
      ...(encryptionKey !== undefined && { encryptionKey }),
    });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await ftp.stop();
  });

  it.each(ERAS)(
    'lives a whole life as %s asks for it',
    async (era) => {
      const longhorn = new Longhorn(gateway, { era });
      await liveLife(longhorn, sampleVolume(`pvc-${era}`, 64 * KIB));
      longhorn.close();
    },
    60_000,
  );
});

describe('Longhorn', () => {
  let ftp: RunningBackend;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    const [backend] = ftpBackends();
    if (!backend) throw new Error('there is no FTP server');
    ftp = await backend.start();
    gateway = await GatewayProcess.start({ ftp: ftp.account, encryptionKey: KEY });
  }, 60_000);

  afterAll(async () => {
    await gateway.stop();
    await ftp.stop();
  });

  it('makes the requests that its real client makes', async () => {
    const longhorn = new Longhorn(gateway);
    const volume = sampleVolume('pvc-64-mib');
    const snapshot = volume.snapshot('snapshot-1', START);
    const backup = await longhorn.count(() =>
      createBackup(longhorn, { volume, snapshot, backupName: 'backup-1' }),
    );
    // 29 HEAD and 27 PUT are of blocks, the rest of locks and documents.
    expect(backup.requests).toEqual({
      ListObjectsV2: 3,
      HeadObject: SAMPLE.withData + 8,
      GetObject: 3,
      PutObject: SAMPLE.distinct + 7,
      DeleteObject: 1,
    });

    changeSample(volume);
    const changed = volume.snapshot('snapshot-2', START + HOUR_MS);
    const incremental = await longhorn.count(() =>
      createBackup(longhorn, { volume, snapshot: changed, backupName: 'backup-2' }),
    );
    expect(incremental.requests).toEqual({
      ListObjectsV2: 3,
      HeadObject: SAMPLE_CHANGED_BLOCKS + 9,
      GetObject: 4,
      PutObject: SAMPLE_CHANGED_BLOCKS + 6,
      DeleteObject: 1,
    });

    const restore = await longhorn.count(() =>
      restoreBackup(longhorn, { volumeName: volume.name, backupName: 'backup-1' }),
    );
    expect(Object.values(restore.requests).reduce((sum, count) => sum + count, 0)).toBe(46);
    expect(restore.requests['GetObject']).toBe(SAMPLE.withData + 3);
    expect(restore.result.equals(snapshot)).toBe(true);
    longhorn.close();
  }, 60_000);

  it.each([
    ['with checksums in headers', false],
    ['with checksums in aws-chunked trailers', true],
  ])(
    'uploads large blocks in parts from 1.10.2 to 1.12.0, %s',
    async (_style, chunkedParts) => {
      const longhorn = new Longhorn(gateway, { era: 'v1.12.0', chunkedParts });
      const blockSize = 16 * MIB;
      const volume = new Volume(`pvc-16-mib-${String(chunkedParts)}`, 3 * blockSize, blockSize);
      volume.write(0, randomBlock(1, 2 * blockSize));
      const snapshot = volume.snapshot('snapshot-1', START);
      const { requests } = await longhorn.count(() =>
        createBackup(longhorn, { volume, snapshot, backupName: 'backup-1' }),
      );
      expect(requests).toMatchObject({ CreateMultipartUpload: 2, UploadPart: 8, CompleteMultipartUpload: 2 });
      const restored = await restoreBackup(longhorn, { volumeName: volume.name, backupName: 'backup-1' });
      expect(restored.equals(snapshot)).toBe(true);
      longhorn.close();
    },
    60_000,
  );

  it.each(ERAS)(
    'deletes a volume of more than 1,000 blocks page by page, as %s lists',
    async (era) => {
      const blocks = 1_050;
      const blockSize = 4 * KIB;
      const longhorn = new Longhorn(gateway, { era });
      const volume = new Volume(`pvc-many-${era}`, blocks * blockSize, blockSize);
      for (let index = 0; index < blocks; index++)
        volume.write(index * blockSize, randomBlock(index, blockSize));
      const snapshot = volume.snapshot('snapshot-1', START);
      await createBackup(longhorn, { volume, snapshot, backupName: 'backup-1' });
      const restored = await restoreBackup(longhorn, { volumeName: volume.name, backupName: 'backup-1' });
      expect(restored.equals(snapshot)).toBe(true);
      const { requests } = await longhorn.count(() => deleteBackupVolume(longhorn, volume.name));
      expect(requests['DeleteObject']).toBeGreaterThan(blocks);
      expect((await listVolumes(longhorn)).has(volume.name)).toBe(false);
      longhorn.close();
    },
    120_000,
  );

  it('is kept from deleting by a lock until that is released', async () => {
    const longhorn = new Longhorn(gateway);
    const volume = sampleVolume('pvc-locked', 64 * KIB);
    await createBackup(longhorn, {
      volume,
      snapshot: volume.snapshot('snapshot-1', START),
      backupName: 'backup-1',
    });
    const lock = new FileLock(longhorn, volume.name, LockType.backupOrRestore);
    await lock.lock();
    await expect(deleteBackup(longhorn, volume.name, 'backup-1')).rejects.toThrow('failed to acquire lock');
    await lock.unlock();
    expect((await deleteBackup(longhorn, volume.name, 'backup-1')).skipped).toBeUndefined();
    longhorn.close();
  }, 60_000);
});
