import fc from 'fast-check';
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Volume } from '../../../../lib/cli/kinds';
import { patchFor } from '../../../../lib/cli/label/our-labels';
import { planLabels, type LabelFacts } from '../../../../lib/cli/label/plan';
import type { WantedJob } from '../../../../lib/cli/label/wanted';

const SOURCE = 'recurring-job.longhorn.io/source';
const DEFAULT_GROUP = 'recurring-job-group.longhorn.io/default';
const OURS = 'longhaul.io/labels';
const label = (job: string): string => `recurring-job.longhorn.io/${job}`;

interface Case {
  readonly pvcs: readonly PersistentVolumeClaim[];
  readonly volumes: readonly Volume[];
  readonly wanted: readonly WantedJob[];
}

const persistentVolumes = new Map<string, PersistentVolume>(
  ['a', 'b', 'c'].map((name) => [
    name,
    { metadata: { name }, spec: { csi: { driver: 'driver.longhorn.io', volumeHandle: name } } },
  ]),
);
const factsOf = ({ pvcs, volumes, wanted }: Case): LabelFacts => ({
  pvcs,
  volumes,
  wanted,
  persistentVolumes,
});

const jobLabels = fc
  .subarray([label('daily'), label('weekly'), DEFAULT_GROUP])
  .map((keys) => Object.fromEntries(keys.map((key) => [key, 'enabled'])));
const ours = fc
  .subarray([label('daily'), label('weekly')])
  .map((keys): Record<string, string> => (keys.length === 0 ? {} : { [OURS]: keys.join(',') }));
const source = fc.constantFrom<Record<string, string>>({}, { [SOURCE]: 'enabled' });
const names = ['a', 'b', 'c'];
const anyCase: fc.Arbitrary<Case> = fc.record({
  pvcs: fc.tuple(
    ...names.map((name) =>
      fc
        .tuple(jobLabels, ours, source, fc.constantFrom('Bound', 'Pending'))
        .map(([labels, annotations, src, phase]): PersistentVolumeClaim => ({
          metadata: { name, namespace: 'app', labels: { ...labels, ...src, kept: 'yes' }, annotations },
          spec: { volumeName: name },
          status: { phase },
        })),
    ),
  ),
  volumes: fc.tuple(
    ...names.map((name) =>
      fc.tuple(jobLabels, ours).map(([labels, annotations]): Volume => ({
        metadata: { name, labels: { ...labels, kept: 'yes' }, annotations },
        status: { kubernetesStatus: { namespace: 'app', pvcName: name } },
      })),
    ),
  ),
  wanted: fc.tuple(fc.subarray(names), fc.subarray(names)).map(([daily, weekly]): WantedJob[] => [
    { job: 'daily', pvcs: daily.map((name) => ({ namespace: 'app', name })) },
    { job: 'weekly', pvcs: weekly.map((name) => ({ namespace: 'app', name })) },
  ]),
});

/** What the API server makes of a merge patch of labels and annotations. */
function patched<T extends KubeObject>(object: T, patch: object | undefined): T {
  if (patch === undefined) return object;
  const { labels, annotations } = (
    patch as { metadata: Record<'labels' | 'annotations', Record<string, string | null>> }
  ).metadata;
  const merge = (
    old: Readonly<Record<string, string>> = {},
    change: Record<string, string | null>,
  ): Record<string, string> =>
    Object.fromEntries(
      Object.entries({ ...old, ...change }).filter((entry): entry is [string, string] => entry[1] !== null),
    );
  const { metadata } = object;
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: merge(metadata.labels, labels),
      annotations: merge(metadata.annotations, annotations),
    },
  };
}

function carriedOut(before: Case): Case {
  const { changes } = planLabels(factsOf(before));
  const after = <T extends KubeObject>(object: T): T => {
    const change = changes.find((each) => each.object === object);
    return change === undefined ? object : patched(object, patchFor(object, change));
  };
  return { ...before, pvcs: before.pvcs.map(after), volumes: before.volumes.map(after) };
}

describe('the plan of labels', () => {
  it('has nothing left to do once it is carried out', () => {
    fc.assert(
      fc.property(anyCase, (before) => {
        expect(planLabels(factsOf(carriedOut(before))).changes).toEqual([]);
      }),
    );
  });

  it('never removes or changes a label that is not ours', () => {
    fc.assert(
      fc.property(anyCase, (before) => {
        const after = carriedOut(before);
        const objects = (all: Case): KubeObject[] => [...all.pvcs, ...all.volumes];
        objects(before).forEach((object, index) => {
          const remembered = (object.metadata.annotations?.[OURS] ?? '').split(',');
          for (const [key, value] of Object.entries(object.metadata.labels ?? {})) {
            if (!remembered.includes(key))
              expect(objects(after)[index]?.metadata.labels).toMatchObject({ [key]: value });
          }
        });
      }),
    );
  });

  it('puts every wanted and bound volume into its job, on the PVC and, unless that is the source, on the Volume', () => {
    fc.assert(
      fc.property(anyCase, (before) => {
        const after = carriedOut(before);
        for (const { job, pvcs } of after.wanted) {
          for (const { name } of pvcs) {
            const pvc = after.pvcs.find(({ metadata }) => metadata.name === name);
            if (pvc?.status?.phase !== 'Bound') continue;
            expect(pvc.metadata.labels).toMatchObject({ [label(job)]: 'enabled' });
            if (pvc.metadata.labels?.[SOURCE] === 'enabled') continue;
            expect(
              after.volumes.find(({ metadata }) => metadata.name === name)?.metadata.labels,
            ).toMatchObject({ [label(job)]: 'enabled' });
          }
        }
      }),
    );
  });

  const bound: PersistentVolumeClaim = {
    metadata: { name: 'a', namespace: 'app' },
    spec: { volumeName: 'a' },
    status: { phase: 'Bound' },
  };
  const wanted = [{ job: 'daily', pvcs: [{ namespace: 'app', name: 'a' }] }];
  const volume = (labels: Record<string, string>): Volume => ({ metadata: { name: 'a', labels } });

  it('says that a volume without any job label will not join the group default', () => {
    const { notes } = planLabels(factsOf({ pvcs: [bound], volumes: [volume({})], wanted }));
    expect(notes).toEqual([expect.stringMatching(/^Volume a will not join the group default/)]);
  });

  it('keeps the group default without a word where the Volume has it', () => {
    expect(
      planLabels(factsOf({ pvcs: [bound], volumes: [volume({ [DEFAULT_GROUP]: 'enabled' })], wanted })).notes,
    ).toEqual([]);
  });

  it('leaves the labels of a volume alone while its PVC is wanted but not bound', () => {
    const kept = { [label('daily')]: 'enabled' };
    const pending = {
      ...bound,
      metadata: { ...bound.metadata, labels: kept, annotations: { [OURS]: label('daily') } },
      status: { phase: 'Lost' },
    };
    const mine: Volume = {
      metadata: { name: 'a', labels: kept, annotations: { [OURS]: label('daily') } },
      status: { kubernetesStatus: { namespace: 'app', pvcName: 'a' } },
    };
    expect(planLabels(factsOf({ pvcs: [pending], volumes: [mine], wanted })).changes).toEqual([]);
  });

  it('leaves a value that somebody changed to them', () => {
    const object = {
      metadata: {
        name: 'a',
        labels: { [label('daily')]: 'disabled' },
        annotations: { [OURS]: label('daily') },
      },
    };
    expect(patchFor(object, { add: [], drop: [label('daily')], forget: [] })).toEqual({
      metadata: { resourceVersion: undefined, labels: {}, annotations: { [OURS]: null } },
    });
  });
});
