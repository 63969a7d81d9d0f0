import { known, type Facts, type GatewayFacts } from '../../../../../lib/cli/doctor/facts';
import { gateway } from '../../../../../lib/cli/doctor/checks/gateway';
import { deployment, healthyFacts, pod } from '../../../../support/doctor-facts';
import { containing, matching } from '../../../../support/containing';

const answers = { version: known('1.0.0'), readiness: known({ ready: true }) };
const gateways = (change: Partial<GatewayFacts>): Partial<Facts> => ({
  gateways: known([{ deployment, pods: known([pod]), answers, ...change }]),
});
const crashing = {
  metadata: { name: 'p' },
  status: {
    containerStatuses: [
      {
        name: 'gateway',
        ready: false,
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
        lastState: { terminated: { exitCode: 1 } },
      },
    ],
  },
};
const notReady = { ...deployment, status: { observedGeneration: 1, updatedReplicas: 1, readyReplicas: 0 } };
const scaledDown = { ...deployment, spec: { ...deployment.spec, replicas: 0 } };

describe('the check of the gateway', () => {
  it('has nothing to say against a healthy cluster', () => {
    expect(gateway.run(healthyFacts).map(({ verdict }) => verdict)).toEqual(['ok']);
  });

  it.each<[string, Partial<Facts>, object]>([
    [
      'finds that it is not deployed',
      { gateways: known([]) },
      { verdict: 'problem', fix: 'longhaul deploy' },
    ],
    [
      'finds that it crashes, and how',
      gateways({ deployment: notReady, pods: known([crashing]) }),
      { verdict: 'problem', text: matching(/CrashLoopBackOff.*exit code 1.*restarted 4 times/) },
    ],
    [
      'finds that it is scaled to 0',
      gateways({ deployment: scaledDown }),
      { verdict: 'problem', fix: containing('--replicas 1') },
    ],
    [
      'does not know about pods that it may not list',
      gateways({ pods: { known: false, why: 'You may not list pods' } }),
      { verdict: 'unknown', text: 'You may not list pods' },
    ],
  ])('%s', (_case, facts, expected) => {
    expect(gateway.run({ ...healthyFacts, ...facts })).toContainEqual(expect.objectContaining(expected));
  });
});
