import type { PodTemplate } from '../../../../lib/cli/kinds';
import { VolumeLabels } from '../../../../lib/volume-labels';
import { ApiServer, describeWithApiServer } from '../../../support/api-server';
import { LonghaulCli } from '../../../support/longhaul-cli';
import { createVolume, paths } from '../../../support/longhorn-objects';
import { ofKind, synthesized } from '../../../support/synthesis';

const DAILY = 'recurring-job.longhorn.io/daily';
const WEEKLY = 'recurring-job.longhorn.io/weekly';
const SOURCE = 'recurring-job.longhorn.io/source';
const DEFAULT_GROUP = 'recurring-job-group.longhorn.io/default';
const OURS = 'longhaul.io/labels';

interface Metadata {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly resourceVersion: string;
}

interface LabelResult {
  readonly rows: readonly {
    readonly job: string;
    readonly pvc: string;
    readonly result: string;
    readonly reason?: string;
  }[];
  readonly notes: readonly string[];
}

describeWithApiServer('longhaul label', () => {
  let server: ApiServer;
  let cli: LonghaulCli;
  beforeAll(async () => {
    server = await ApiServer.start();
    cli = LonghaulCli.start(server.kubeconfig);
  }, 90_000);
  afterAll(async () => {
    await cli.stop();
    await server.stop();
  });

  const metadata = async (path: string): Promise<Metadata> =>
    ((await server.read(path)) as { metadata: unknown }).metadata as Metadata;
  const labels = async (path: string): Promise<Readonly<Record<string, string>>> =>
    (await metadata(path)).labels ?? {};

  it('labels the Volume and the PVC, and remembers that it did', async () => {
    await createVolume(server, {
      pvc: 'plain/data',
      volumeLabels: { [DEFAULT_GROUP]: 'enabled', kept: 'yes' },
    });
    const { code, stdout, stderr } = await cli.run(['label', '--job', 'daily=plain/data']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      'JOB    PVC         VOLUME    RESULT\n' +
        'daily  plain/data  pvc-data  labelled\n' +
        '\n1 change made.\n',
    );
    for (const path of [paths.longhorn('volumes', 'pvc-data'), paths.pvc('plain/data')]) {
      const { labels, annotations } = await metadata(path);
      expect(labels).toMatchObject({ [DAILY]: 'enabled' });
      expect(annotations).toMatchObject({ [OURS]: DAILY });
    }
    expect(await labels(paths.longhorn('volumes', 'pvc-data'))).toMatchObject({
      [DEFAULT_GROUP]: 'enabled',
      kept: 'yes',
    });
  });

  it('changes nothing the second time, and says so', async () => {
    const before = await metadata(paths.longhorn('volumes', 'pvc-data'));
    const { code, stdout } = await cli.run(['label', '--job', 'daily=plain/data']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/unchanged\n\nNothing to change\.\n$/);
    expect((await metadata(paths.longhorn('volumes', 'pvc-data'))).resourceVersion).toBe(
      before.resourceVersion,
    );
  });

  it('with --dry-run shows the change and makes none', async () => {
    const { code, stdout } = await cli.run(['label', '--job', 'weekly=plain/data', '--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/weekly +plain\/data +pvc-data +to be labelled/);
    expect(stdout).toMatch(/2 changes to make \(dry run\)/);
    expect(await labels(paths.longhorn('volumes', 'pvc-data'))).not.toHaveProperty([WEEKLY]);
  });

  it('takes away the labels of a job that a PVC left, and no label that somebody else set', async () => {
    await createVolume(server, {
      pvc: 'plain/left',
      volumeLabels: { [WEEKLY]: 'enabled', [DEFAULT_GROUP]: 'enabled' },
    });
    await cli.run(['label', '--job', 'daily=plain/data,plain/left']);
    expect(await labels(paths.longhorn('volumes', 'pvc-left'))).toMatchObject({ [DAILY]: 'enabled' });

    const { code, stdout } = await cli.run(['label', '--job', 'daily=plain/data']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/daily +plain\/left +pvc-left +label removed/);
    expect(await labels(paths.longhorn('volumes', 'pvc-left'))).toEqual({
      [WEEKLY]: 'enabled',
      [DEFAULT_GROUP]: 'enabled',
    });
    expect(await metadata(paths.pvc('plain/left'))).not.toHaveProperty('annotations');
  });

  it('labels only the PVC where Longhorn takes the labels from it, and says first that group default is lost', async () => {
    await createVolume(server, {
      pvc: 'source/data',
      volume: 'pvc-source',
      pvcLabels: { [SOURCE]: 'enabled' },
      volumeLabels: { [DEFAULT_GROUP]: 'enabled' },
    });
    const { code, stderr } = await cli.run(['label', '--job', 'daily=plain/data,source/data']);
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /^Note: Volume pvc-source leaves the group default: its PVC source\/data is the source/,
    );
    expect(await labels(paths.pvc('source/data'))).toEqual({ [SOURCE]: 'enabled', [DAILY]: 'enabled' });
    expect(await labels(paths.longhorn('volumes', 'pvc-source'))).toEqual({ [DEFAULT_GROUP]: 'enabled' });
  });

  it('names each PVC that has no Longhorn volume, labels the others, and ends with 1', async () => {
    await createVolume(server, { pvc: 'odd/unbound', phase: 'Pending' });
    await createVolume(server, { pvc: 'odd/foreign', driver: 'ebs.csi.aws.com' });
    await createVolume(server, { pvc: 'odd/gone' });
    await server.remove(paths.longhorn('volumes', 'pvc-gone'));
    await createVolume(server, { pvc: 'odd/fine', volumeLabels: { [DEFAULT_GROUP]: 'enabled' } });
    const wanted = 'odd/unbound,odd/foreign,odd/gone,odd/missing,odd/fine';
    const { code, value } = await cli.json<LabelResult>([
      'label',
      '--job',
      `daily=plain/data,source/data,${wanted}`,
    ]);
    expect(code).toBe(1);
    const odd = value.rows.filter((row) => row.pvc.startsWith('odd/'));
    expect(odd).toEqual([
      {
        job: 'daily',
        pvc: 'odd/unbound',
        result: 'problem',
        reason: 'it is not bound to a volume (phase Pending)',
      },
      {
        job: 'daily',
        pvc: 'odd/foreign',
        result: 'problem',
        reason: "its volume is not Longhorn's (ebs.csi.aws.com)",
      },
      { job: 'daily', pvc: 'odd/gone', result: 'problem', reason: 'Longhorn has no Volume pvc-gone' },
      { job: 'daily', pvc: 'odd/missing', result: 'problem', reason: 'there is no such PVC' },
      { job: 'daily', pvc: 'odd/fine', volume: 'pvc-fine', result: 'labelled' },
    ]);
  });

  it('works as the Job of the constructs, with no more rights than its service account has there', async () => {
    const jobs = [{ name: 'weekly', pvcs: [{ namespace: 'plain', name: 'data' }] }];
    const manifests = synthesized(
      (chart) => new VolumeLabels(chart, 'labels', { image: 'registry.example/longhaul:1.2.3', jobs }),
    );
    const create = (kind: string, path: string): Promise<unknown> =>
      server.create(path, ofKind(manifests, kind));
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await create('ServiceAccount', '/api/v1/namespaces/longhorn-system/serviceaccounts');
    await create('ClusterRole', `${rbac}/clusterroles`);
    await create('ClusterRoleBinding', `${rbac}/clusterrolebindings`);
    const asAccount = await server.serviceAccountKubeconfig('longhorn-system', 'longhaul-label-volumes');
    const { template } = ofKind<{ readonly spec: { readonly template: PodTemplate } }>(manifests, 'Job').spec;
    const args = [...(template.spec.containers[0]?.args ?? []), '--kubeconfig', asAccount];

    const refused = await cli.run(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^longhaul: You may not list volumes\.longhorn\.io in namespace longhorn-system: ask for that right/,
    );

    await create('Role', `${rbac}/namespaces/longhorn-system/roles`);
    await create('RoleBinding', `${rbac}/namespaces/longhorn-system/rolebindings`);
    const allowed = await cli.run(args);
    expect(allowed).toMatchObject({ code: 0 });
    expect(await labels(paths.longhorn('volumes', 'pvc-data'))).toMatchObject({ [WEEKLY]: 'enabled' });
  });
});
