import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import { untilThere } from '../../../support/cluster-players';
import { LonghaulCli } from '../../../support/longhaul-cli';
import { createLonghornCluster } from '../../../support/longhorn-cluster';
import { createVolume, paths } from '../../../support/longhorn-objects';

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly volume?: string; readonly snapshotName?: string };
  }[];
}

describeWithApiServer('longhaul backup now', () => {
  let server: ApiServer;
  let cli: LonghaulCli;
  beforeAll(async () => {
    server = await ApiServer.start();
    cli = LonghaulCli.start(server.kubeconfig);
    await createLonghornCluster(server, new Date());
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await server.stop();
  });

  const list = async (plural: string): Promise<Listed> =>
    (await server.read(paths.longhorn(plural))) as unknown as Listed;

  /** Longhorn's part: the newest snapshot of a volume becomes ready; returns its name. */
  async function playSnapshot(volume: string, status: object = { readyToUse: true }): Promise<string> {
    const snapshots = await untilThere<Listed>(server, paths.longhorn('snapshots'), ({ items }) =>
      items.some(({ spec }) => spec.volume === volume),
    );
    const name = snapshots.items.find(({ spec }) => spec.volume === volume)?.metadata.name ?? '';
    await server.patch(`${paths.longhorn('snapshots', name)}/status`, { status });
    return name;
  }

  async function playBackup(name: string, status: object): Promise<void> {
    await untilThere(server, paths.longhorn('backups', name));
    await server.patch(`${paths.longhorn('backups', name)}/status`, { status });
  }

  it('makes a snapshot, then a Backup as Longhorn wants it, and shows its progress', async () => {
    const running = cli.run(['backup', 'now', 'app/good']);
    const name = await playSnapshot('pvc-good');
    await playBackup(name, { state: 'InProgress', progress: 40 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await server.read(paths.longhorn('backups', name))).toMatchObject({
      metadata: { labels: { 'backup-target': 'default', 'backup-volume': 'pvc-good' } },
      spec: { snapshotName: name, backupMode: 'incremental' },
    });
    await playBackup(name, { state: 'Completed', progress: 100, newlyUploadDataSize: '1048576' });
    const { code, stdout, stderr } = await running;
    expect(stderr).toContain(`app/good: backup ${name} 40 %`);
    expect(stdout).toMatch(new RegExp(`app/good +pvc-good +${name} +completed: 1\\.0 MiB uploaded`));
    expect(code).toBe(0);
  });

  it("ends with 1 and Longhorn's error where the backup fails", async () => {
    const running = cli.run(['backup', 'now', '--full', 'app/other']);
    const name = await playSnapshot('pvc-other');
    await playBackup(name, { state: 'Error', error: 'failed to acquire lock' });
    const { code, stdout } = await running;
    expect(stdout).toMatch(/app\/other.*failed: failed to acquire lock/);
    expect(await server.read(paths.longhorn('backups', name))).toMatchObject({
      spec: { backupMode: 'full' },
    });
    expect(code).toBe(1);
  });

  it('makes no Backup of a snapshot that failed', async () => {
    await createVolume(server, { pvc: 'app/bad' });
    const running = cli.run(['backup', 'now', 'app/bad']);
    const name = await playSnapshot('pvc-bad', { error: 'no space left' });
    const { code, stdout } = await running;
    expect(stdout).toContain('its snapshot ' + name + ' failed: no space left');
    expect({ code, status: (await server.request('GET', paths.longhorn('backups', name))).status }).toEqual({
      code: 1,
      status: 404,
    });
  });

  it('times out with 124, and says that Longhorn goes on', async () => {
    await createVolume(server, { pvc: 'app/slow' });
    const { code, stdout } = await cli.run(['backup', 'now', 'app/slow', '--timeout', '1']);
    expect(stdout).toMatch(
      /timed out: Timed out after 1 s\. app\/slow: waiting for snapshot \S+; Longhorn goes on by itself/,
    );
    expect(code).toBe(124);
  });

  it('with --dry-run checks whether it could be done, and makes nothing', async () => {
    const before = (await list('snapshots')).items.length;
    const { code, stdout } = await cli.run(['backup', 'now', 'app/good', 'app/missing', '--dry-run']);
    expect(stdout).toMatch(/app\/good +pvc-good +- +to be made\n/);
    expect(stdout).toMatch(/app\/missing +- +- +failed: there is no such PVC\n/);
    expect({ code, snapshots: (await list('snapshots')).items.length }).toEqual({
      code: 1,
      snapshots: before,
    });
  });

  it('makes no snapshot while the target is not available, and says why', async () => {
    const conditions = [{ type: 'Unavailable', status: 'True', message: 'dial tcp: refused' }];
    await server.patch(`${paths.longhorn('backuptargets', 'default')}/status`, {
      status: { available: false, conditions },
    });
    const before = (await list('snapshots')).items.length;
    const { code, stdout } = await cli.run(['backup', 'now', 'app/good']);
    expect(stdout).toContain('BackupTarget longhorn-system/default is not available: dial tcp: refused');
    expect({ code, snapshots: (await list('snapshots')).items.length }).toEqual({
      code: 1,
      snapshots: before,
    });
  });

  it('is wrong usage (2) with a name that is no PVC', async () => {
    const { code, stderr } = await cli.run(['backup', 'now', 'data']);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'longhaul: "data" is no PVC: write <namespace>/<name>.\n',
    });
  });
});
