import { ApiFront, refusal } from '../../../support/api-front';
import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import { LonghaulCli } from '../../../support/longhaul-cli';
import { createLonghornCluster } from '../../../support/longhorn-cluster';
import { paths } from '../../../support/longhorn-objects';

const NAMESPACED = '/namespaces/longhorn-system';
const DEPLOYMENT = `/apis/apps/v1${NAMESPACED}/deployments/s3-to-ftp`;
const DAILY = 'recurring-job.longhorn.io/daily';
const WEEKLY = 'recurring-job.longhorn.io/weekly';

describeWithApiServer('longhaul uninstall', () => {
  let server: ApiServer;
  let front: ApiFront;
  let cli: LonghaulCli;
  const partOf = { 'app.kubernetes.io/part-of': 'longhaul' };
  beforeAll(async () => {
    server = await ApiServer.start();
    front = await ApiFront.start(server);
    cli = LonghaulCli.start(
      server.writeKubeconfig('front', server.kubeconfigFor({ token: server.token, url: front.url })),
    );
    await createLonghornCluster(server, new Date());
    await cli.run(['label', '--job', 'weekly=app/good']);
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await server.create(`${rbac}/clusterroles`, {
      metadata: { name: 'longhaul-label-volumes', labels: partOf },
      rules: [],
    });
    await server.create(`/api/v1${NAMESPACED}/serviceaccounts`, {
      metadata: { name: 'longhaul-label-volumes', labels: partOf },
    });
    await server.create(`/api/v1${NAMESPACED}/configmaps`, { metadata: { name: 'of-somebody-else' } });
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await front.stop();
    await server.stop();
  });

  const exists = async (path: string): Promise<boolean> => (await server.request('GET', path)).status === 200;
  const labels = async (path: string): Promise<unknown> => {
    return ((await server.read(path)) as { metadata: { labels?: Record<string, string> } }).metadata.labels;
  };

  it('shows what it would do, with its consequences, and does nothing with --dry-run', async () => {
    const { code, stdout } = await cli.run(['uninstall', '--dry-run', '--blank-backup-target']);
    expect(stdout).toContain(
      `  remove ${WEEKLY} from PersistentVolumeClaim app/good\n  remove ${WEEKLY} from Volume longhorn-system/pvc-good\n`,
    );
    expect(stdout).toContain(
      '  blank the URL of BackupTarget longhorn-system/default\n  delete Deployment longhorn-system/s3-to-ftp\n',
    );
    expect(stdout).toContain(
      '  delete Secret longhorn-system/s3-to-ftp-ftp-credentials\n  delete Secret longhorn-system/longhorn-backup-s3-credentials\n',
    );
    expect(stdout).toContain(
      'The Backup objects of this target leave the cluster; the data stays on the FTP server',
    );
    expect(stdout).not.toMatch(/delete (Backup|Setting|RecurringJob|Volume|PersistentVolume)/);
    expect({ code, deployment: await exists(DEPLOYMENT) }).toEqual({ code: 0, deployment: true });
  });

  it('takes a list that fails for an error, never for nothing to do', async () => {
    front.play = (_method, path) =>
      path.includes('/volumes?') ? refusal(403, 'Forbidden', 'volumes is forbidden') : undefined;
    const { code, stdout, stderr } = await cli.run(['uninstall', '--yes']);
    front.play = () => undefined;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^longhaul: You may not list volumes\.longhorn\.io in namespace longhorn-system/);
    expect(await exists(DEPLOYMENT)).toBe(true);
  });

  it('asks, and does nothing without a yes', async () => {
    const { code, stderr } = await cli.run(['uninstall'], { answers: ['y'] });
    expect(stderr).toMatch(
      /Remove 8 things from http:\/\/127\.0\.0\.1:\d+\? Type "yes": \nNothing was changed\.\n$/,
    );
    expect({ code, deployment: await exists(DEPLOYMENT) }).toEqual({ code: 1, deployment: true });
  });

  it('is wrong usage (2) where nobody can be asked and nobody said --yes', async () => {
    const { code, stderr } = await cli.run(['uninstall']);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string });
  });

  it('tells what it could not remove, goes on, and ends with 1', async () => {
    front.play = (method, path) => {
      return method === 'DELETE' && path.includes('/clusterroles/')
        ? refusal(403, 'Forbidden', 'no')
        : undefined;
    };
    const { code, stdout } = await cli.run(['uninstall'], { answers: ['yes'] });
    front.play = () => undefined;
    expect(stdout).toMatch(
      /delete +ClusterRole longhaul-label-volumes +problem: You may not delete clusterroles/,
    );
    expect(stdout).toMatch(/delete +ServiceAccount longhorn-system\/longhaul-label-volumes +done/);
    expect(code).toBe(1);
  });

  it('has removed what was ours, our labels, and nothing else', async () => {
    expect(await exists(DEPLOYMENT)).toBe(false);
    expect(await exists(`/api/v1${NAMESPACED}/services/s3-to-ftp`)).toBe(false);
    expect(await exists(`/api/v1${NAMESPACED}/secrets/s3-to-ftp-ftp-credentials`)).toBe(false);
    expect(await exists(`/api/v1${NAMESPACED}/secrets/longhorn-backup-s3-credentials`)).toBe(false);
    expect(await labels(paths.pvc('app/good'))).toBeUndefined();
    expect(await labels(paths.longhorn('volumes', 'pvc-good'))).toEqual({ [DAILY]: 'enabled' });
    expect(await exists(`/api/v1${NAMESPACED}/configmaps/of-somebody-else`)).toBe(true);
    for (const [plural, name] of [
      ['settings', 'allow-recurring-job-while-volume-detached'],
      ['recurringjobs', 'daily'],
      ['backups', 'backup-good'],
    ] as const) {
      expect(await exists(paths.longhorn(plural, name))).toBe(true);
    }
    expect(await server.read(paths.longhorn('backuptargets', 'default'))).toMatchObject({
      spec: { backupTargetURL: 's3://longhorn@box/' },
    });
  });

  it('deletes the recurring jobs and blanks the target where it is asked to', async () => {
    const { code, stdout } = await cli.run([
      'uninstall',
      '--yes',
      '--recurring-jobs',
      '--blank-backup-target',
    ]);
    expect(stdout).not.toContain('problem');
    expect(stdout).toMatch(/delete +RecurringJob longhorn-system\/daily +done/);
    expect(code).toBe(0);
    expect(await exists(paths.longhorn('recurringjobs', 'daily'))).toBe(false);
    const { spec } = (await server.read(paths.longhorn('backuptargets', 'default'))) as { spec: object };
    expect(spec).toEqual({ pollInterval: '5m0s' });
    expect(await exists(paths.longhorn('backups', 'backup-good'))).toBe(true);
  });

  it('finds nothing to do then, and says that', async () => {
    const { code, stdout } = await cli.run(['uninstall', '--recurring-jobs', '--blank-backup-target']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'There is nothing to uninstall.\n' });
  });
});
