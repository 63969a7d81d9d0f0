/** The manifests in a real API server: every one is taken as it stands, and taken again without a change. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart } from 'cdk8s';
import { parseAllDocuments, stringify } from 'yaml';
import { backupCharts } from '../../lib/backup-parts';
import { LonghornBackup, type LonghornBackupProps } from '../../lib/longhorn-backup';
import { TargetSecrets } from '../../lib/target-secrets';
import { ApiServer, describeWithApiServer, type Json } from '../support/api-server';
import { filesIn } from '../support/golden';
import { LonghaulCli } from '../support/longhaul-cli';
import { manifestsOf, type Manifest } from '../support/synthesis';

const DIST = join(__dirname, '..', '..', 'dist');

/** Fields that API servers know since a version, by the name that JSON has for them. */
const FIELDS_SINCE: Readonly<Record<string, number>> = { endPort: 22, unhealthyPodEvictionPolicy: 26 };

/** Where older API servers have the same kinds, with the same fields. */
const FORMER_VERSIONS: Readonly<Record<string, string>> = {
  'batch/v1': 'batch/v1beta1',
  'policy/v1': 'policy/v1beta1',
};

const CREDENTIALS = {
  ftp_host: 'ftp.example.com',
  ftp_user: 'homelab',
  ftp_password: 'correct horse',
  s3_access_key_id: 'longhorn',
  s3_secret_access_key: 'battery staple',
  encryption_key: 'ab'.repeat(32),
};

function stack(props: Partial<LonghornBackupProps>): Manifest[] {
  const app = new App();
  const image = 'registry.example/longhaul:1.2.3';
  new LonghornBackup(app, 'backup', { image, ...props, parts: backupCharts(app) });
  const chart = new Chart(app, 'secrets');
  for (const target of props.targets ?? [{}]) {
    new TargetSecrets(chart, target.name ?? 'default', { target, credentials: CREDENTIALS });
  }
  return manifestsOf(app);
}

const STACKS: readonly (readonly [string, () => Manifest[]])[] = [
  [
    'the example',
    () =>
      [...filesIn(DIST).values()].flatMap((text) =>
        parseAllDocuments(text).map((document) => document.toJS() as Manifest),
      ),
  ],
  [
    'everything that the constructs can write',
    () =>
      stack({
        targets: [
          {
            gateway: {
              replicas: 3,
              ftp: {
                ca: { secret: 'ftp-ca' },
                addresses: ['203.0.113.0/24', '2001:db8::/64'],
                passivePorts: { from: 50000, to: 50100 },
              },
              memoryBudgetMib: 128,
              env: { TZ: 'UTC' },
            },
          },
          {
            name: 'nas',
            bucket: 'nas-backups',
            gateway: {
              catalog: { claim: 'catalog' },
              ftp: { ca: { configMap: 'home-ca' } },
              servicePort: 80,
            },
          },
        ],
        recurringJobs: [
          { name: 'a', cron: '@every 6h', groups: ['default'], labels: { 'example.com/by': 'longhaul' } },
          {
            name: 'bb',
            cron: '*/5 0-6,22 ? jan-mar mon',
            retain: 9,
            fullBackupInterval: 7,
            pvcs: [{ namespace: 'app', name: 'data' }],
          },
        ].map((job) => ({ ...job, name: `job-${job.name}` })),
        imagePullSecrets: ['registry'],
      }),
  ],
  ['the settings of Longhorn before 1.8', () => stack({ longhornVersion: '1.7' })],
];

describeWithApiServer('the manifests in a cluster', () => {
  let server: ApiServer;
  let minor = 0;
  let served = new Map<string, string>();
  beforeAll(async () => {
    server = await ApiServer.start();
    minor = Number(((await server.read('/version')) as { minor: string }).minor.replace(/\D/g, ''));
    served = await kindsServed();
  }, 90_000);
  afterAll(() => server.stop());

  /** The paths of kinds, by apiVersion and kind. */
  async function kindsServed(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const versions = STACKS.flatMap(([, make]) => make()).map(({ apiVersion }) => apiVersion);
    for (const apiVersion of new Set([...versions, ...Object.values(FORMER_VERSIONS)])) {
      const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const { status, body } = await server.request('GET', root);
      if (status !== 200) continue;
      const { resources } = body as { resources: { name: string; kind: string; namespaced: boolean }[] };
      for (const { name, kind, namespaced } of resources.filter((each) => !each.name.includes('/'))) {
        found.set(
          `${apiVersion} ${kind}`,
          `${root}${namespaced ? '/namespaces/longhorn-system' : ''}/${name}`,
        );
      }
    }
    return found;
  }

  /** The manifests in the versions that this API server serves, without the fields that are too new for it. */
  function forThisServer(manifests: readonly Manifest[]): Manifest[] {
    const isKnown = (key: string, value: unknown): unknown =>
      (FIELDS_SINCE[key] ?? 0) > minor ? undefined : value;
    return manifests.map((manifest) => {
      const { apiVersion, kind } = manifest;
      const isServed = served.has(`${apiVersion} ${kind}`);
      const known = JSON.parse(JSON.stringify(manifest, isKnown)) as Manifest;
      return isServed ? known : { ...known, apiVersion: FORMER_VERSIONS[apiVersion] ?? apiVersion };
    });
  }

  const pathOf = ({ apiVersion, kind, metadata }: Manifest): string =>
    `${served.get(`${apiVersion} ${kind}`)}/${metadata.name}`;

  const removeAll = async (manifests: readonly Manifest[]): Promise<void> => {
    for (const manifest of manifests) await server.remove(pathOf(manifest));
  };

  const apply = async (manifest: Manifest): Promise<Json> => {
    const { kind } = manifest;
    const path = `${pathOf(manifest)}?fieldManager=test&force=true`;
    const contentType = 'application/apply-patch+yaml';
    const { status, body } = await server.request('PATCH', path, { body: manifest, contentType });
    expect({ kind, body: status < 300 ? undefined : body }).toEqual({ kind, body: undefined });
    return body;
  };
  const versionOf = (object: Json): string =>
    (object as unknown as { metadata: { resourceVersion: string } }).metadata.resourceVersion;

  it.each(STACKS)(
    'are taken as they stand, with no field dropped, and change nothing again: %s',
    async (_name, make) => {
      const manifests = forThisServer(make());
      expect(manifests.length).toBeGreaterThan(3);
      for (const manifest of manifests) {
        const first = await apply(manifest);
        expect(first).toMatchObject(manifest as unknown as Record<string, unknown>);
        expect(versionOf(await apply(manifest))).toBe(versionOf(first));
      }
      await removeAll(manifests);
    },
  );

  it('are what `longhaul deploy` takes, in the order of its stages', async () => {
    const cli = LonghaulCli.start(server.kubeconfig);
    try {
      const { code, value } = await cli.json<{ objects: { stage: string; result: string }[] }>([
        'deploy',
        '--dry-run',
        DIST,
      ]);
      expect(code).toBe(0);
      expect([...new Set(value.objects.map(({ stage }) => stage))]).toEqual([
        'gateway',
        'settings',
        'backup target',
        'recurring jobs',
        'labels',
      ]);
    } finally {
      await cli.stop();
    }
  });

  const kubectl = (args: readonly string[]) =>
    spawnSync(process.env['LONGHAUL_KUBECTL'] ?? 'kubectl', ['--kubeconfig', server.kubeconfig, ...args], {
      encoding: 'utf8',
    });

  it('are taken by `kubectl apply -f` in one go, and are all unchanged the second time', () => {
    if (kubectl(['version', '--client']).error !== undefined) {
      if (process.env['LONGHAUL_REQUIRE_CLIENTS']) throw new Error('kubectl is not installed');
      process.stderr.write('Left out: kubectl is not installed.\n');
      return;
    }
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-dist-'));
    try {
      const files = [...filesIn(DIST)].map(([name, text]) => {
        const documents = parseAllDocuments(text).map((document) => document.toJS() as Manifest);
        return [name, forThisServer(documents)] as const;
      });
      for (const [name, manifests] of files) {
        writeFileSync(join(directory, name), manifests.map((manifest) => stringify(manifest)).join('---\n'));
      }
      const first = kubectl(['apply', '-f', directory]);
      expect(first).toMatchObject({ status: 0 });
      const second = kubectl(['apply', '-f', directory]);
      expect(second).toMatchObject({ status: 0 });
      const lines = second.stdout.trim().split('\n');
      expect(lines).toHaveLength(files.flatMap(([, manifests]) => manifests).length);
      expect(lines.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
