import { known, type Facts } from '../../../../../lib/cli/doctor/facts';
import { labels } from '../../../../../lib/cli/doctor/checks/labels';
import { healthyFacts, pvc, volume } from '../../../../support/doctor-facts';
import { containing } from '../../../../support/containing';

const DAILY = 'recurring-job.longhorn.io/daily';
const labelled = <T extends { readonly metadata: object }>(object: T, labels: Record<string, string>): T => ({
  ...object,
  metadata: { ...object.metadata, labels },
});
const bare = known([labelled(volume, {})]);
const wanted = (...pvcs: string[]): Facts['wanted'] =>
  known([{ job: 'daily', pvcs: pvcs.map((name) => ({ namespace: 'app', name })) }]);

describe('the check of the labels', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(labels.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds a wanted volume without the label',
      { volumes: bare },
      { verdict: 'problem', subject: 'PVC app/data', fix: 'longhaul label' },
    ],
    [
      'finds a wanted PVC that is not there',
      { wanted: wanted('data', 'other') },
      { verdict: 'problem', subject: 'PVC app/other', text: containing('there is no such PVC') },
    ],
    [
      'finds a wanted job that is not there',
      { recurringJobs: known([]) },
      { verdict: 'problem', subject: 'job daily' },
    ],
    [
      'finds a label of a PVC that Longhorn ignores',
      { wanted: known([]), volumes: bare, pvcs: known([labelled(pvc, { [DAILY]: 'enabled' })]) },
      {
        verdict: 'problem',
        text: containing('which Longhorn ignores'),
        fix: 'longhaul label --job daily=app/data',
      },
    ],
    [
      'finds a label with the value true',
      { wanted: known([]), pvcs: known([labelled(pvc, { [DAILY]: 'true' })]) },
      { verdict: 'problem', text: containing('is "true"') },
    ],
    [
      'finds a label of a job that is gone',
      {
        volumes: known([
          labelled(volume, { [DAILY]: 'enabled', 'recurring-job.longhorn.io/gone': 'enabled' }),
        ]),
      },
      { verdict: 'problem', subject: 'Volume pvc-1', text: containing('job gone') },
    ],
    [
      'tells of volumes in the job that nobody wants there',
      {
        volumes: known([volume, { ...volume, metadata: { ...volume.metadata, name: 'pvc-2' }, status: {} }]),
      },
      { verdict: 'ok', text: containing('besides, by hand: pvc-2') },
    ],
    [
      'does not know what cannot be listed',
      { persistentVolumes: { known: false, why: 'refused' } },
      { verdict: 'unknown' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(labels.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
