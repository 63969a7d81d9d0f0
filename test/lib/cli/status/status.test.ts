import { assessStatus, type StatusFacts } from '../../../../lib/cli/status/status';
import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import { backup, job, NOW, target, volume } from '../../../support/doctor-facts';
import { LonghaulCli } from '../../../support/longhaul-cli';
import { createLonghornCluster } from '../../../support/longhorn-cluster';

const facts: StatusFacts = { now: NOW, targets: [target], jobs: [job], volumes: [volume], backups: [backup] };

describe('the status', () => {
  it('tells each volume, its jobs, its last backup and its next run', () => {
    const sized = { ...backup, status: { ...backup.status, size: '2147483648' } };
    expect(assessStatus({ ...facts, backups: [sized] })).toEqual({
      targets: [{ name: 'default', url: 's3://longhorn@box/', state: 'available' }],
      volumes: [
        {
          pvc: 'app/data',
          volume: 'pvc-1',
          jobs: ['daily'],
          backups: 1,
          lastBackupAt: '2026-11-24T02:00:00.000Z',
          sizeBytes: 2147483648,
          nextRunAt: '2026-11-25T02:00:00.000Z',
        },
      ],
      healthy: true,
    });
  });

  const failed = {
    ...backup,
    status: { ...backup.status, state: 'Error', error: 'lock', snapshotCreatedAt: '2026-11-24T03:00:00Z' },
  };
  it.each<[string, Partial<StatusFacts>]>([
    ['the newest backup of a volume failed', { backups: [backup, failed] }],
    ['a target is unavailable', { targets: [{ ...target, status: { available: false } }] }],
    ['no target has a URL', { targets: [{ ...target, spec: {} }] }],
  ])('is not healthy where %s', (_case, change) => {
    expect(assessStatus({ ...facts, ...change }).healthy).toBe(false);
  });

  it('shows what the newest backup is doing', () => {
    const running = { ...failed, status: { ...failed.status, state: 'InProgress', progress: 12 } };
    expect(assessStatus({ ...facts, backups: [backup, running] }).volumes[0]).toMatchObject({
      backups: 1,
      newest: 'running, 12 %',
    });
  });
});

describeWithApiServer('longhaul status', () => {
  let server: ApiServer;
  let cli: LonghaulCli;
  const now = '2026-11-24T10:00:00Z';
  beforeAll(async () => {
    server = await ApiServer.start();
    cli = LonghaulCli.start(server.kubeconfig);
    await createLonghornCluster(server, new Date(now));
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await server.stop();
  });

  it('fits all on one screen', async () => {
    const { code, stdout, stderr } = await cli.run(['status'], { now });
    expect(stdout).toBe(
      [
        'TARGET   URL                 STATE',
        'default  s3://longhorn@box/  available',
        '',
        'PVC        VOLUME     JOBS   LAST BACKUP  SIZE     BACKUPS  NEXT RUN              NEWEST',
        'app/good   pvc-good   daily  60 min ago   1.0 GiB  1        2026-11-25 02:00 UTC',
        'app/other  pvc-other  daily  60 min ago   1.0 GiB  1        2026-11-25 02:00 UTC',
        '',
      ].join('\n'),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
