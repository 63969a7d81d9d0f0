import { ApiFront, refusal } from '../../../support/api-front';
import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import { DEPLOYMENT_PATH } from '../../../support/cluster-players';
import { LonghaulCli } from '../../../support/longhaul-cli';
import {
  ago,
  createBackup,
  createLonghornCluster,
  playPods,
  SECRET_ACCESS_KEY,
} from '../../../support/longhorn-cluster';
import { createVolume, paths } from '../../../support/longhorn-objects';

interface Report {
  readonly problems: number;
  readonly unknown: number;
  readonly checks: readonly {
    readonly check: string;
    readonly findings: readonly {
      readonly verdict: string;
      readonly subject: string;
      readonly text: string;
      readonly fix?: string;
    }[];
  }[];
}

const DAILY = 'recurring-job.longhorn.io/daily';

describeWithApiServer('longhaul doctor', () => {
  let server: ApiServer;
  let front: ApiFront;
  let cli: LonghaulCli;
  // The server dates its objects itself; to have old ones, the command looks from some hours later.
  const later = new Date(Date.now() + 7 * 3_600_000);
  const now = later.toISOString();
  beforeAll(async () => {
    server = await ApiServer.start();
    front = await ApiFront.start(server);
    cli = LonghaulCli.start(
      server.writeKubeconfig('front', server.kubeconfigFor({ token: server.token, url: front.url })),
    );
    await createLonghornCluster(server, later);
    playPods(front);
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await front.stop();
    await server.stop();
  });

  const findings = ({ checks }: Report, verdict: string): string[] =>
    checks.flatMap(({ check, findings: of }) =>
      of.filter((finding) => finding.verdict === verdict).map(({ subject }) => `${check}: ${subject}`),
    );

  it('finds a cluster in order in order, and changes nothing', async () => {
    const writes: string[] = [];
    const { play } = front;
    front.play = (method, path) => {
      if (method !== 'GET') writes.push(`${method} ${path}`);
      return play(method, path);
    };
    const { code, value } = await cli.json<Report>(['doctor', '--job', 'daily=app/good,app/other'], { now });
    expect([...findings(value, 'problem'), ...findings(value, 'unknown')]).toEqual([]);
    expect({ code, writes }).toEqual({ code: 0, writes: [] });
  });

  it('does not know the gateway where the cluster refuses to ask it, and then does not end with 0', async () => {
    front.play = (_method, path) =>
      path.includes('/proxy/') ? refusal(403, 'Forbidden', 'pods/proxy is forbidden') : undefined;
    const { code, value } = await cli.json<Report>(['doctor'], { now });
    playPods(front);
    expect(code).toBe(1);
    expect(findings(value, 'unknown')).toContain(
      'FTP server: FTP server of Deployment longhorn-system/s3-to-ftp',
    );
  });

  it('finds exactly the ten faults of a cluster that has ten', async () => {
    await server.patch(paths.longhorn('settings', 'allow-recurring-job-while-volume-detached'), {
      value: 'false',
    });
    await server.create('/api/v1/namespaces/longhorn-system/configmaps', {
      metadata: { name: 'longhorn-default-resource' },
      data: { 'default-resource.yaml': 'backup-target: s3://elsewhere@box/\n' },
    });
    const withNewline = {
      AWS_ACCESS_KEY_ID: 'longhorn\n',
      AWS_ENDPOINTS: 'http://s3-to-ftp.longhorn-system.svc:9001',
    };
    await server.patch('/api/v1/namespaces/longhorn-system/secrets/longhorn-backup-s3-credentials', {
      stringData: withNewline,
    });
    const unavailable = { type: 'Unavailable', status: 'True', message: 'cannot list' };
    await server.patch(`${paths.longhorn('backuptargets', 'default')}/status`, {
      status: { available: false, conditions: [unavailable] },
    });
    await createVolume(server, { pvc: 'app/unlabelled', pvcLabels: { [DAILY]: 'enabled' } });
    const old = ago(72, later);
    await server.patch(`${paths.longhorn('backups', 'backup-other')}/status`, {
      status: { snapshotCreatedAt: old, backupCreatedAt: old },
    });
    await createBackup(server, {
      name: 'failed',
      volume: 'pvc-good',
      status: { state: 'Error', error: 'checksum', snapshotCreatedAt: ago(0.5, later) },
    });
    await createBackup(server, {
      name: 'stuck',
      volume: 'pvc-good',
      status: { state: 'InProgress', progress: 12 },
    });
    playPods(front, `time="${ago(1, later)}" level=error msg="AWS Error:  SignatureDoesNotMatch"\n`);

    const { code, value } = await cli.json<Report>(['doctor', '--job', 'daily=app/good,app/other'], { now });
    expect(findings(value, 'problem')).toEqual([
      'credentials: Secret longhorn-system/longhorn-backup-s3-credentials',
      'endpoint: AWS_ENDPOINTS in Secret longhorn-system/longhorn-backup-s3-credentials',
      'backup target: BackupTarget longhorn-system/default',
      'defaults of Longhorn: ConfigMap longhorn-system/longhorn-default-resource',
      'detached volumes: Setting longhorn-system/allow-recurring-job-while-volume-detached',
      'labels: PVC app/unlabelled',
      'last backups: Volume pvc-other (app/other)',
      'failed backups: Backup failed of app/good',
      'stuck backups: Backup stuck of pvc-good',
      'Longhorn logs: "SignatureDoesNotMatch"',
    ]);
    expect(findings(value, 'unknown')).toEqual([]);
    expect({ code, problems: value.problems }).toEqual({ code: 1, problems: 10 });
  });

  it('shows the same to people, with what mends it, and never a secret', async () => {
    const { code, stdout, stderr } = await cli.run(['doctor'], { now });
    expect(code).toBe(1);
    expect(stdout).toContain(
      'detached volumes\n  PROBLEM  Setting longhorn-system/allow-recurring-job-while-volume-detached: it is "false"',
    );
    expect(stdout).toContain('-> longhaul backup now app/other\n');
    expect(stdout).toMatch(/\n10 problems, 0 unknown, \d+ ok\.\n$/);
    expect(stdout + stderr).not.toContain(SECRET_ACCESS_KEY);
  });

  it('takes the wanted volumes from the label command that runs in the cluster', async () => {
    const command = ['node', '/app/longhaul.js', 'label', '--job', 'daily=app/good,app/missing'];
    await server.create('/apis/batch/v1/namespaces/longhorn-system/jobs', {
      metadata: { name: 'label', labels: { 'app.kubernetes.io/part-of': 'longhaul' } },
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'label', image: 'i', command }] } },
      },
    });
    const { value } = await cli.json<Report>(['doctor'], { now });
    expect(findings(value, 'problem')).toContain('labels: PVC app/missing');
  });

  it('asks a gateway whose port speaks TLS over TLS', async () => {
    await server.patch(DEPLOYMENT_PATH, {
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'gateway',
                image: 'registry.example/longhaul:1.0.0',
                readinessProbe: { httpGet: { path: '/ready', port: 9000, scheme: 'HTTPS' } },
              },
            ],
          },
        },
      },
    });
    const asked: string[] = [];
    const { play } = front;
    front.play = (method, path) => {
      if (path.includes('/proxy/')) asked.push(path.replace(/.*\/pods\/(\w+):.*:9000\/proxy/, '$1 '));
      return play(method, path);
    };
    await cli.json<Report>(['doctor'], { now });
    expect(asked).toEqual(['https /health', 'https /ready']);
  });
});
