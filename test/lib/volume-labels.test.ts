import { parseWantedJobs } from '../../lib/cli/label/wanted';
import { jobArguments } from '../../lib/cli/label/in-cluster';
import type { PodTemplate } from '../../lib/cli/kinds';
import { VolumeLabels, type VolumeLabelsProps } from '../../lib/volume-labels';
import { restrictedViolations, type PodSpec } from '../support/pod-security';
import { ofKind, problemsIn, synthesized, type Manifest } from '../support/synthesis';

const IMAGE = 'registry.example/longhaul:1.2.3';
const jobs = [
  {
    name: 'daily',
    pvcs: [
      { namespace: 'app', name: 'data' },
      { namespace: 'app', name: 'logs' },
    ],
  },
  { name: 'left', pvcs: [] },
];
const labels = (props: Partial<VolumeLabelsProps> = {}): Manifest[] =>
  synthesized((chart) => new VolumeLabels(chart, 'labels', { image: IMAGE, jobs, ...props }));

interface JobSpec {
  readonly template: {
    readonly spec: PodSpec & PodTemplate['spec'] & { readonly serviceAccountName: string };
  };
}
const job = (props?: Partial<VolumeLabelsProps>) => ofKind<{ readonly spec: JobSpec }>(labels(props), 'Job');
const cronJob = (props?: Partial<VolumeLabelsProps>) =>
  ofKind<{ readonly spec: { readonly jobTemplate: { readonly spec: JobSpec } } }>(labels(props), 'CronJob');

describe('the labels of volumes', () => {
  it('are set by a Job and a CronJob that do the same, and by no manifest of a Volume or a PVC', () => {
    expect(labels().map(({ kind }) => kind)).toEqual([
      'ServiceAccount',
      'ClusterRole',
      'ClusterRoleBinding',
      'Role',
      'RoleBinding',
      'CronJob',
      'Job',
    ]);
    expect(cronJob().spec.jobTemplate.spec).toEqual(job().spec);
  });

  it('are told to the command in the words that it reads, a job without PVCs too', () => {
    const { template } = job().spec;
    expect(parseWantedJobs(jobArguments(template))).toEqual(
      jobs.map(({ name, pvcs }) => ({ job: name, pvcs })),
    );
    expect(template.spec.containers[0]).toMatchObject({
      image: IMAGE,
      command: ['node', '/app/longhaul.js'],
      args: ['label', '--namespace', 'longhorn-system', '--job', 'daily=app/data,app/logs', '--job', 'left='],
    });
  });

  it('are looked after every hour, or as the schedule says', () => {
    expect(cronJob().spec).toMatchObject({ schedule: '17 * * * *', concurrencyPolicy: 'Forbid' });
    expect(cronJob({ schedule: '@daily' }).spec).toMatchObject({ schedule: '@daily' });
  });

  it('need to read and patch PVCs and Volumes, to get PersistentVolumes, and nothing else', () => {
    const manifests = labels({ namespace: 'storage' });
    expect(ofKind(manifests, 'ClusterRole')).toMatchObject({
      rules: [
        { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: ['get', 'list', 'patch'] },
        { apiGroups: [''], resources: ['persistentvolumes'], verbs: ['get'] },
      ],
    });
    const role = ofKind(manifests, 'Role');
    expect(role.metadata).toMatchObject({ namespace: 'storage' });
    expect(role).toMatchObject({
      rules: [{ apiGroups: ['longhorn.io'], resources: ['volumes'], verbs: ['get', 'list', 'patch'] }],
    });
    for (const kind of ['ClusterRoleBinding', 'RoleBinding']) {
      expect(ofKind(manifests, kind)).toMatchObject({
        roleRef: { name: 'longhaul-label-volumes' },
        subjects: [{ kind: 'ServiceAccount', name: 'longhaul-label-volumes', namespace: 'storage' }],
      });
    }
  });

  it('pass the restricted Pod Security profile; only their pod has a token', () => {
    const { spec } = job().spec.template;
    expect(restrictedViolations(spec)).toEqual([]);
    expect(spec).toMatchObject({
      serviceAccountName: 'longhaul-label-volumes',
      automountServiceAccountToken: true,
      enableServiceLinks: false,
    });
    expect(ofKind(labels(), 'ServiceAccount')).toMatchObject({ automountServiceAccountToken: false });
  });

  it('have a Job whose name changes with what it runs, since a Job cannot be changed, and with nothing else', () => {
    const name = job().metadata.name;
    expect(name).toMatch(/^longhaul-label-volumes-[0-9a-f]{8}$/);
    expect(job({ schedule: '@daily' }).metadata.name).toBe(name);
    expect(job({ image: 'registry.example/longhaul:1.2.4' }).metadata.name).not.toBe(name);
    expect(job({ jobs: jobs.slice(0, 1) }).metadata.name).not.toBe(name);
  });

  it.each([
    ['an image without tag', { image: 'longhaul' }, /^\[chart\/labels\] image "longhaul": has neither tag/],
    [
      'a schedule with seconds',
      { schedule: '0 17 * * * *' },
      /^\[chart\/labels\] schedule "0 17 \* \* \* \*": /,
    ],
  ])('refuse %s', (_name, props, message) => {
    expect(
      problemsIn((chart) => new VolumeLabels(chart, 'labels', { image: IMAGE, jobs, ...props })),
    ).toEqual([expect.stringMatching(message)]);
  });
});
