import { setTimeout as sleep } from 'node:timers/promises';
import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import {
  createGatewayPod,
  DEPLOYMENT_PATH,
  playGatewayReady,
  playJobComplete,
  playTargetAvailable,
  removePod,
  TARGET_PATH,
} from '../../../support/cluster-players';
import { LonghaulCli } from '../../../support/longhaul-cli';
import { stackManifests, writeManifests } from '../../../support/stack-manifests';

const JOB_PATH = '/apis/batch/v1/namespaces/longhorn-system/jobs/longhaul-label';
const SECRET_PATH = '/api/v1/namespaces/longhorn-system/secrets/s3-to-ftp-ftp-credentials';

describeWithApiServer('longhaul deploy', () => {
  let server: ApiServer;
  let cli: LonghaulCli;
  const dist = writeManifests(stackManifests());
  beforeAll(async () => {
    server = await ApiServer.start();
    cli = LonghaulCli.start(server.kubeconfig);
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await server.stop();
  });

  it('with --dry-run has the server check everything, and stores nothing', async () => {
    const { code, stdout } = await cli.run(['deploy', dist, '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/gateway +Deployment longhorn-system\/s3-to-ftp +created/);
    expect(stdout).toMatch(/\n8 changes to make \(dry run\) of 8 objects\.\n$/);
    expect((await server.request('GET', DEPLOYMENT_PATH)).status).toBe(404);
  });

  it('times out with 124 and says why the pod is not ready; Longhorn is not touched before', async () => {
    const waiting = {
      reason: 'CreateContainerConfigError',
      message: 'secret "s3-to-ftp-ftp-credentials" not found',
    };
    const containerStatuses = [
      { name: 'gateway', ready: false, restartCount: 0, image: '', imageID: '', state: { waiting } },
    ];
    const pod = await createGatewayPod(server, { phase: 'Pending', containerStatuses });
    const { code, stdout, stderr } = await cli.run(['deploy', dist, '--timeout', '1']);
    await removePod(server, pod);
    expect(code).toBe(124);
    expect(stderr).toMatch(
      /^longhaul: Timed out after 1 s\. Waiting for Deployment longhorn-system\/s3-to-ftp: /m,
    );
    expect(stderr).toContain('the cluster has not acted on the new version yet');
    expect(stdout).toMatch(/secrets +Secret longhorn-system\/s3-to-ftp-ftp-credentials +created/);
    expect((await server.request('GET', TARGET_PATH)).status).toBe(404);
  });

  it('shows the reason of a pod that cannot start', async () => {
    const waiting = {
      reason: 'CreateContainerConfigError',
      message: 'secret "s3-to-ftp-ftp-credentials" not found',
    };
    const containerStatuses = [
      { name: 'gateway', ready: false, restartCount: 0, image: '', imageID: '', state: { waiting } },
    ];
    const pod = await createGatewayPod(server, { phase: 'Pending', containerStatuses });
    await server.patch(`${DEPLOYMENT_PATH}/status`, {
      status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1 },
    });
    const { code, stderr } = await cli.run(['deploy', dist, '--timeout', '0']);
    await removePod(server, pod);
    expect(code).toBe(124);
    expect(stderr).toContain(
      `no pod is ready; pod ${pod}: container gateway: CreateContainerConfigError (secret "s3-to-ftp-ftp-credentials" not found)`,
    );
  });

  it('goes on stage by stage as each part works, and shows what Longhorn says about the target', async () => {
    const running = cli.run(['deploy', dist]);
    await playGatewayReady(server);
    const unavailable = {
      type: 'Unavailable',
      status: 'True',
      message: 'failed to list system backups: AWS Error: InvalidAccessKeyId',
    };
    for (;;) {
      const { status } = await server.request('GET', TARGET_PATH);
      if (status === 200) break;
      await sleep(20);
    }
    await server.patch(`${TARGET_PATH}/status`, { status: { available: false, conditions: [unavailable] } });
    await sleep(200);
    expect((await server.request('GET', JOB_PATH)).status).toBe(404);
    await playTargetAvailable(server);
    await playJobComplete(server);
    const { code, stdout, stderr } = await running;
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('4 changes of 8 objects') as string,
    });
    expect(stderr).toContain(
      'Waiting for BackupTarget longhorn-system/default: Longhorn says: failed to list system backups',
    );
    const order = [
      'Deployment longhorn-system/s3-to-ftp is ready.',
      'BackupTarget longhorn-system/default is available.',
    ];
    expect(stderr.split('\n').filter((line) => order.includes(line))).toEqual(order);
  });

  it('changes nothing the second time, and says so', async () => {
    const versions = async (): Promise<unknown[]> =>
      Promise.all(
        [DEPLOYMENT_PATH, TARGET_PATH, JOB_PATH, SECRET_PATH].map(async (path) => {
          return ((await server.read(path)) as { metadata: { resourceVersion: string } }).metadata
            .resourceVersion;
        }),
      );
    const before = await versions();
    const { code, stdout } = await cli.run(['deploy', dist]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nNothing to change: 8 objects as the manifests say\.\n$/);
    expect(await versions()).toEqual(before);
  });

  it('leaves out what this cluster does not serve and the stack can do without', async () => {
    const served = (await server.request('GET', '/apis/policy/v1')).status === 200;
    const { stderr } = await cli.run(['deploy', dist, '--dry-run']);
    const note =
      /^Note: PodDisruptionBudget s3-to-ftp is left out: this cluster does not serve policy\/v1\.$/m;
    expect(note.test(stderr)).toBe(!served);
  });

  it('runs the label Job anew when its template has changed', async () => {
    const { '0003-labels.yaml': labels = [] } = stackManifests({ image: 'registry.example/longhaul:1.0.1' });
    const running = cli.run(['deploy', writeManifests({ 'labels.yaml': labels })]);
    for (;;) {
      const { status, body } = await server.request('GET', JOB_PATH);
      if (status === 200 && JSON.stringify(body).includes('1.0.1')) break;
      await sleep(20);
    }
    await playJobComplete(server);
    const { code, stdout } = await running;
    expect(code).toBe(0);
    expect(stdout).toMatch(/labels +Job longhorn-system\/longhaul-label +replaced/);
  });

  it('ends with 1 where the label Job failed', async () => {
    await playJobComplete(server, 'longhaul-label', 'Failed');
    await server.patch(`${JOB_PATH}/status`, {
      status: { conditions: [{ type: 'Failed', status: 'True' }] },
    });
    const { '0003-labels.yaml': labels = [] } = stackManifests({ image: 'registry.example/longhaul:1.0.1' });
    const { code, stderr } = await cli.run(['deploy', writeManifests({ 'labels.yaml': labels })]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Job longhorn-system\/longhaul-label failed: see `kubectl logs/);
  });

  it('refuses to repoint a backup target that is in use, unless it is told to', async () => {
    const moved = writeManifests({
      'longhorn.yaml': stackManifests({ backupTargetURL: 's3://other@box/' })['0002-longhorn.yaml'] ?? [],
    });
    const refused = await cli.run(['deploy', moved]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/points to s3:\/\/longhorn@box\/ today.*--replace-backup-target/);
    expect(await server.read(TARGET_PATH)).toMatchObject({ spec: { backupTargetURL: 's3://longhorn@box/' } });

    const running = cli.run(['deploy', moved, '--replace-backup-target', '--timeout', '20']);
    for (;;) {
      const target = (await server.read(TARGET_PATH)) as {
        spec: { backupTargetURL: string; syncRequestedAt?: string };
      };
      if (target.spec.syncRequestedAt !== undefined) break;
      await sleep(20);
    }
    // Still "available", but from the sync before: the command must not believe it.
    await sleep(300);
    await playTargetAvailable(server, new Date(Date.now() + 60_000));
    const { code, stderr } = await running;
    expect({ code, stderr }).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Longhorn has not looked at it yet') as string,
    });
  });

  it('names the fields of another manager instead of overwriting them', async () => {
    await server.patch(`${DEPLOYMENT_PATH}?fieldManager=somebody`, { spec: { replicas: 3 } });
    const gateway = writeManifests({ 'gateway.yaml': stackManifests()['0001-gateway.yaml'] ?? [] });
    const { code, stderr } = await cli.run(['deploy', gateway]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /conflict with "somebody".*: \.spec\.replicas \(--force-conflicts takes these fields over\)/,
    );
    expect(await server.read(DEPLOYMENT_PATH)).toMatchObject({ spec: { replicas: 3 } });
  });

  it.each([
    [
      'a directory that is not there',
      '/nonexistent',
      /\/nonexistent cannot be read: run `npx cdk8s synth` first/,
    ],
    ['an empty directory', writeManifests({}), /There are no manifests in/],
    [
      'a Backup among the manifests',
      writeManifests({
        'a.yaml': [{ apiVersion: 'longhorn.io/v1beta2', kind: 'Backup', metadata: { name: 'b' } }],
      }),
      /must not be deployed/,
    ],
    [
      'a file that is no manifest',
      writeManifests({ 'a.yaml': [{ jobs: [] }] }),
      /without apiVersion, kind or metadata\.name/,
    ],
  ])('is wrong usage (2) with %s', async (_case, path, message) => {
    const { code, stderr } = await cli.run(['deploy', path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
