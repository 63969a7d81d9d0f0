import { assessRollout } from '../../../../lib/cli/deploy/rollout';
import type { ContainerStatus, Deployment, KubeEvent, Pod } from '../../../../lib/cli/kinds';
import { deployment as ready } from '../../../support/doctor-facts';

const status = (change: Deployment['status']): Deployment => ({
  ...ready,
  status: { ...ready.status, ...change },
});
const notReady = status({ readyReplicas: 0 });
const pod = (change: Pod['status']): Pod => ({ metadata: { name: 'p' }, status: change });
const container = (change: Partial<ContainerStatus>): Pod =>
  pod({
    phase: 'Pending',
    containerStatuses: [{ name: 'gateway', ready: false, restartCount: 0, ...change }],
  });
const event = (reason: string, message: string, lastTimestamp = '2026-11-24T00:00:00Z'): KubeEvent => ({
  metadata: { name: reason },
  type: 'Warning',
  reason,
  message,
  lastTimestamp,
  involvedObject: { kind: 'Pod', name: 'p' },
});

describe('a rollout', () => {
  it.each<[string, Deployment, boolean]>([
    ['is ready with its one pod', ready, true],
    [
      'is ready with one writer and a standby, which is never ready',
      { ...status({ updatedReplicas: 2, readyReplicas: 1 }), spec: { ...ready.spec, replicas: 2 } },
      true,
    ],
    [
      'is not ready while the controller has not seen the new version',
      { ...ready, metadata: { ...ready.metadata, generation: 2 } },
      false,
    ],
    ['is not ready while an old pod serves', status({ updatedReplicas: 0, readyReplicas: 1 }), false],
    ['is not ready without a status', { ...ready, status: {} }, false],
  ])('%s', (_case, deployment, expected) => {
    expect(assessRollout({ deployment, pods: [], events: [] }).ready).toBe(expected);
  });

  it.each<[string, Pod, KubeEvent[], string]>([
    [
      'cannot pull its image',
      container({
        state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "x"' } },
      }),
      [],
      'pod p: container gateway: ImagePullBackOff (Back-off pulling image "x")',
    ],
    [
      'crashes with a message',
      container({
        restartCount: 3,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, message: 'ENCRYPTION_KEY: expected 64 hex digits\n' } },
      }),
      [],
      'pod p: container gateway: CrashLoopBackOff, it ended with exit code 1 (ENCRYPTION_KEY: expected 64 hex digits), restarted 3 times',
    ],
    [
      'was killed for its memory',
      container({ state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }),
      [],
      'pod p: container gateway ended with exit code 137 (OOMKilled)',
    ],
    [
      'finds no node',
      pod({
        phase: 'Pending',
        conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }],
      }),
      [],
      'pod p: it cannot be scheduled: 0/3 nodes are available',
    ],
    [
      'fails its readiness probe',
      pod({
        phase: 'Running',
        containerStatuses: [{ name: 'gateway', ready: false, restartCount: 0, state: { running: {} } }],
      }),
      [
        event('Pulled', 'older', '2026-11-23T00:00:00Z'),
        event('Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503'),
      ],
      'pod p: Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503',
    ],
    [
      'waits for a volume',
      container({ state: { waiting: { reason: 'ContainerCreating' } } }),
      [event('FailedMount', 'secret "s3-to-ftp-ftp-credentials" not found')],
      'pod p: FailedMount: secret "s3-to-ftp-ftp-credentials" not found',
    ],
    [
      'says nothing at all',
      pod({ phase: 'Running' }),
      [],
      'pod p: it is Running, and its readiness probe has not succeeded yet',
    ],
  ])('tells why a pod is not ready that %s', (_case, broken, events, reason) => {
    expect(assessRollout({ deployment: notReady, pods: [broken], events }).text).toBe(
      `no pod is ready; ${reason}`,
    );
  });

  it('tells why no pod can be made', () => {
    const conditions = [
      { type: 'ReplicaFailure', status: 'True', message: 'pods "x" is forbidden: exceeded quota' },
    ];
    const { text } = assessRollout({
      deployment: status({ updatedReplicas: 0, readyReplicas: 0, conditions }),
      pods: [],
      events: [],
    });
    expect(text).toBe('0 of 1 pods have the new version; pods "x" is forbidden: exceeded quota');
  });
});
