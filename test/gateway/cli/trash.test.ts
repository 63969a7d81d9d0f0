import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrashReport, TrashVersionReport } from '../../../gateway/admin/trash';
import type { TrashJob } from '../../../gateway/store/trash-jobs';
import { Longhorn } from '../../e2e/longhorn';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { GatewayProcess } from '../../support/gateway-process';
import { LonghaulCli } from '../../support/longhaul-cli';
import { createBackup } from '../../support/longhorn/backup';
import { deleteBackupVolume } from '../../support/longhorn/delete';
import { layout } from '../../support/longhorn/layout';
import { listVolumes } from '../../support/longhorn/list';
import { restoreBackup } from '../../support/longhorn/restore';
import { sampleVolume } from '../../support/longhorn/sample-volume';

const START = Date.parse('2026-11-20T10:00:00Z');

describe('longhaul trash', () => {
  let cli: LonghaulCli;
  let ftp: EmbeddedFtpServer;
  let gateway: GatewayProcess;
  let longhorn: Longhorn;
  const catalogDirectory = mkdtempSync(join(tmpdir(), 'longhaul-catalog-'));
  const env = { CATALOG_DIR: catalogDirectory };

  beforeAll(async () => {
    cli = LonghaulCli.start('/nonexistent');
    ftp = await EmbeddedFtpServer.start();
    const { host, port, user, password } = ftp;
    gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, tls: 'off' },
      encryptionKey: '11'.repeat(32),
      catalogDirectory,
    });
    await gateway.ready();
    longhorn = new Longhorn(gateway);
  }, 60_000);

  afterAll(async () => {
    longhorn.close();
    await gateway.stop();
    await ftp.stop();
    await cli.stop();
    rmSync(catalogDirectory, { recursive: true, force: true });
  });

  it('shows a deleted volume, and gives its backups back whole', async () => {
    const volume = sampleVolume('pvc-1', 16 * 1024);
    const snapshot = volume.snapshot('snapshot-1', START);
    await createBackup(longhorn, { volume, snapshot, backupName: 'backup-1' });
    await deleteBackupVolume(longhorn, 'pvc-1');
    expect((await listVolumes(longhorn)).has('pvc-1')).toBe(false);

    const { value } = await cli.json<TrashReport>(['trash', 'list'], { env });
    expect(value).toMatchObject({ keepMs: 7 * 86_400_000, groups: [{ place: 'pvc-1', isVolume: true }] });
    const { stdout } = await cli.run(['trash', 'list', '--volume', 'pvc-1'], { env });
    expect(stdout).toMatch(/^longhorn +volume pvc-1 +\d+ /m);
    const objects = await cli.json<TrashVersionReport[]>(
      ['trash', 'list', '--objects', '--prefix', layout.backups('pvc-1')],
      { env },
    );
    expect(objects.value.map(({ key }) => key)).toEqual([layout.backupConfig('pvc-1', 'backup-1')]);

    const restored = await cli.run(['trash', 'restore', '--volume', 'pvc-1'], { env });
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+ versions brought back/) as string,
    });
    expect((await listVolumes(longhorn)).has('pvc-1')).toBe(true);
    const back = await restoreBackup(longhorn, { volumeName: 'pvc-1', backupName: 'backup-1' });
    expect(back.equals(snapshot)).toBe(true);
  }, 60_000);

  it('gives back what was overwritten, as it was at a time', async () => {
    await longhorn.driver.write('notes/a.txt', Buffer.from('good'));
    const asOf = new Date(Date.now() + 1_000).toISOString();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await longhorn.driver.write('notes/a.txt', Buffer.from('ransom'));
    const job = await cli.json<TrashJob>(['trash', 'restore', '--prefix', 'notes/', '--as-of', asOf], {
      env,
    });
    expect(job).toMatchObject({ code: 0, value: { state: 'done', done: 1 } });
    expect((await longhorn.driver.read('notes/a.txt')).toString()).toBe('good');
  });

  it('deletes for good only what was said, and only after a yes', async () => {
    await longhorn.driver.write('bin/a', Buffer.from('x'));
    await longhorn.driver.remove('bin/a');
    const empty = ['trash', 'empty', '--prefix', 'bin/'];
    expect(await cli.run(empty, { env })).toMatchObject({ code: 2 });
    expect(await cli.run(empty, { env, answers: ['no'] })).toMatchObject({ code: 1 });
    const objects = async () =>
      (await cli.json<TrashVersionReport[]>(['trash', 'list', '--objects', '--prefix', 'bin/'], { env }))
        .value;
    expect(await objects()).toHaveLength(1);
    expect(await cli.run([...empty, '--yes', '--older-than', '1'], { env })).toMatchObject({
      stdout: '0 versions deleted for good\n',
    });
    expect(await cli.run(empty, { env, answers: ['yes'] })).toMatchObject({
      code: 0,
      stdout: '1 version deleted for good\n',
    });
    expect(await objects()).toEqual([]);
  });

  it.each([
    [['trash', 'restore'], 'Say what'],
    [['trash', 'restore', '--all', '--volume', 'pvc-1'], 'Say what'],
    [['trash', 'restore', '--all', '--as-of', 'yesterday'], 'Expected a time'],
    [['trash', 'empty', '--all', '--yes', '--older-than', '-1'], 'Expected a number of days'],
  ])('refuses %s', async (args, message) => {
    const { code, stderr } = await cli.run(args, { env });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) as string });
  });
});
