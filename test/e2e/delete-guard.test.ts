/** What Longhorn concludes from lists that fail, played against a gateway on a real FTP server: no block that a backup needs goes. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GatewayProcess } from '../support/gateway-process';
import { createBackup } from '../support/longhorn/backup';
import { deleteBackup, deleteBackupVolume } from '../support/longhorn/delete';
import { layout } from '../support/longhorn/layout';
import { listVolumes } from '../support/longhorn/list';
import { restoreBackup } from '../support/longhorn/restore';
import { changeSample, SAMPLE_ABANDONED_BLOCKS, sampleVolume } from '../support/longhorn/sample-volume';
import type { Snapshot } from '../support/longhorn/volume';
import { ftpBackends, type RunningBackend } from './ftp-backends';
import { Longhorn } from './longhorn';

const START = Date.parse('2026-11-20T10:00:00Z');
const KEY = '11'.repeat(32);

const plainBackends = ftpBackends().filter(({ name }) => !name.includes('TLS'));

describe.each(plainBackends)('the delete guard on $name', ({ start }) => {
  let ftp: RunningBackend;
  let gateway: GatewayProcess;
  let longhorn: Longhorn;
  const catalogDirectory = mkdtempSync(join(tmpdir(), 'longhaul-catalog-'));

  const startGateway = async (): Promise<void> => {
    gateway = await GatewayProcess.start({ ftp: ftp.account, encryptionKey: KEY, catalogDirectory });
    longhorn = new Longhorn(gateway, { client: { maxAttempts: 1 } });
  };
  const isRestorable = async (volumeName: string, backupName: string, snapshot: Snapshot): Promise<boolean> =>
    (await restoreBackup(longhorn, { volumeName, backupName })).equals(snapshot);

  beforeAll(async () => {
    ftp = await start();
    await startGateway();
  }, 60_000);

  afterAll(async () => {
    longhorn.close();
    await gateway.stop();
    await ftp.stop();
    rmSync(catalogDirectory, { recursive: true, force: true });
  });

  it.each([
    ['as it is', false],
    ['after a crash that took the catalog', true],
  ])(
    'loses no block when a client takes a list that failed for an empty one, %s',
    async (_how, losesCatalog) => {
      const name = `pvc-list-${String(losesCatalog)}`;
      const volume = sampleVolume(name, 16 * 1024);
      const first = volume.snapshot('snapshot-1', START);
      await createBackup(longhorn, { volume, snapshot: first, backupName: 'backup-1' });
      changeSample(volume);
      const second = volume.snapshot('snapshot-2', START + 1);
      await createBackup(longhorn, { volume, snapshot: second, backupName: 'backup-2' });
      if (losesCatalog) {
        await gateway.kill();
        rmSync(join(catalogDirectory, 'lmdb'), { recursive: true });
        await startGateway();
      }

      const blind = new Longhorn(gateway, { client: { maxAttempts: 1 } });
      blind.driver.list = (path) =>
        path === layout.backups(name) ? Promise.reject(new Error('timeout')) : longhorn.driver.list(path);
      await expect(deleteBackup(blind, name, 'backup-1')).rejects.toThrow('failed to delete backup blocks');
      blind.close();
      expect(await isRestorable(name, 'backup-2', second)).toBe(true);

      await createBackup(longhorn, { volume, snapshot: second, backupName: 'backup-3' });
      expect(await deleteBackup(longhorn, name, 'backup-3')).toEqual({ deletedBlocks: 0 });
      expect(await isRestorable(name, 'backup-2', second)).toBe(true);
      await deleteBackupVolume(longhorn, name);
      expect((await listVolumes(longhorn)).has(name)).toBe(false);
    },
    120_000,
  );

  it('stands in the way of no garbage collection', async () => {
    const volume = sampleVolume('pvc-gc', 16 * 1024);
    await createBackup(longhorn, {
      volume,
      snapshot: volume.snapshot('snapshot-1', START),
      backupName: 'backup-1',
    });
    changeSample(volume);
    const snapshot = volume.snapshot('snapshot-2', START + 1);
    await createBackup(longhorn, { volume, snapshot, backupName: 'backup-2' });
    expect(await deleteBackup(longhorn, 'pvc-gc', 'backup-1')).toEqual({
      deletedBlocks: SAMPLE_ABANDONED_BLOCKS,
    });
    expect(await isRestorable('pvc-gc', 'backup-2', snapshot)).toBe(true);
  }, 60_000);
});
