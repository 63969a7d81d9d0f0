import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ApiFront, refusal, type Play } from '../../support/api-front';
import { ApiServer, describeWithApiServer } from '../../support/api-server';
import { playGatewayReady } from '../../support/cluster-players';
import { LonghaulCli } from '../../support/longhaul-cli';
import { createVolume, paths } from '../../support/longhorn-objects';
import { stackManifests, writeManifests } from '../../support/stack-manifests';

const MAIN = join(__dirname, '../../../lib/cli/main.ts');
const LABEL = ['label', '--job', 'daily=app/data'];

describeWithApiServer('a command whose cluster fails it', () => {
  let server: ApiServer;
  let front: ApiFront;
  let cli: LonghaulCli;
  beforeAll(async () => {
    server = await ApiServer.start();
    front = await ApiFront.start(server);
    cli = LonghaulCli.start(
      server.writeKubeconfig('front', server.kubeconfigFor({ token: server.token, url: front.url })),
    );
    await createVolume(server, {
      pvc: 'app/data',
      volumeLabels: { 'recurring-job-group.longhorn.io/default': 'enabled' },
    });
  }, 90_000);
  afterEach(() => {
    front.play = () => undefined;
  });
  afterAll(async () => {
    await cli.stop();
    await front.stop();
    await server.stop();
  });

  it.each<[string, Play, RegExp]>([
    [
      'an expired token',
      () => refusal(401, 'Unauthorized', 'Unauthorized'),
      /does not accept your credentials \(expired token/,
    ],
    ['a refusal', () => refusal(403, 'Forbidden', 'no'), /You may not list \S+/],
    ['a broken connection', () => 'break', /cannot be reached: the connection broke\.$/],
    ['an overloaded server', () => refusal(429, 'TooManyRequests', 'slow down'), /too busy to list/],
    ['an answer that is no JSON', () => ({ body: '<html>' }), /is no JSON\.$/],
    [
      'Longhorn not being installed',
      (_method, path) =>
        path.includes('longhorn.io') ? { status: 404, body: '404 page not found' } : undefined,
      /knows no volumes of longhorn\.io\/v1beta2: is Longhorn installed/,
    ],
  ])('says in one sentence: %s', async (_case, play, sentence) => {
    front.play = play;
    const { code, stdout, stderr } = await cli.run(LABEL);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr.trimEnd()).toMatch(sentence);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).toMatch(/^longhaul: /);
  });

  it('says that nothing listens there', async () => {
    const nowhere = server.writeKubeconfig(
      'nowhere',
      server.kubeconfigFor({ token: 't', url: 'https://127.0.0.1:1' }),
    );
    const { code, stderr } = await cli.run([...LABEL, '--kubeconfig', nowhere]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'longhaul: The cluster at https://127.0.0.1:1 cannot be reached: nothing listens there.\n',
    });
  });

  it('names the contexts that there are', async () => {
    const { code, stderr } = await cli.run([...LABEL, '--context', 'prod']);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'longhaul: The kubeconfig has no context "prod"; it has: test.\n',
    });
  });

  it('writes labels again for what the object has become, where it lost a race', async () => {
    let lost = 0;
    front.play = (method, path) => {
      if (method !== 'PATCH' || !path.includes('/volumes/') || lost >= 2) return undefined;
      lost += 1;
      return refusal(409, 'Conflict', 'the object has been modified');
    };
    const { code } = await cli.run(LABEL);
    expect({ code, lost }).toEqual({ code: 0, lost: 2 });
    expect(await server.read(paths.longhorn('volumes', 'pvc-data'))).toMatchObject({
      metadata: {
        labels: { 'recurring-job.longhorn.io/daily': 'enabled' },
        annotations: { 'longhaul.io/labels': 'recurring-job.longhorn.io/daily' },
      },
    });
  });

  it('waits on while the API server is away for a moment', async () => {
    const { '0001-gateway.yaml': gateway = [] } = stackManifests();
    let broken = 0;
    let waiting = false;
    front.play = (method, path) => {
      // Only once it waits, which it does by reading the pods.
      if (method === 'GET' && path.includes('/pods?')) waiting = true;
      if (!waiting || broken >= 5) return undefined;
      broken += 1;
      return 'break';
    };
    const running = cli.run(['deploy', writeManifests({ 'gateway.yaml': gateway })]);
    await playGatewayReady(server);
    const { code, stderr } = await running;
    expect({ code, broken }).toEqual({ code: 0, broken: 5 });
    expect(stderr).toContain('cannot be reached: the connection broke.');
    expect(stderr).toContain('Deployment longhorn-system/s3-to-ftp is ready.');
  });

  it('is a process that ends with the code, and prints no stack', () => {
    const run = (...args: string[]): ReturnType<typeof spawnSync> =>
      spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], { encoding: 'utf8' });
    const refused = run('--kubeconfig', '/nonexistent', ...LABEL);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toBe('longhaul: The kubeconfig cannot be read: /nonexistent does not exist.\n');
    expect(run('label', '--job', 'daily').status).toBe(2);
    expect(run('unknown').status).toBe(2);
    expect(run('--help').status).toBe(0);
    const labelled = run('--kubeconfig', server.kubeconfig, ...LABEL, '-o', 'json');
    expect(labelled.status).toBe(0);
    expect(JSON.parse(String(labelled.stdout))).toMatchObject({
      rows: [{ job: 'daily', pvc: 'app/data', result: 'unchanged' }],
    });
  });

  it('says how to name a cluster where there is none', () => {
    expect(() =>
      execFileSync(process.execPath, ['--import', 'tsx', MAIN, ...LABEL], {
        encoding: 'utf8',
        stdio: 'pipe',
        env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
      }),
    ).toThrow(/There is no cluster to talk to: give --kubeconfig, set KUBECONFIG, or run inside a pod/);
  });
});
