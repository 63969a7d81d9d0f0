/** Whether the gateway is deployed and ready. */
import { describeObject } from '../../kinds';
import { assessRollout } from '../../deploy/rollout';
import { GATEWAY_NAME } from '../../../names';
import { judge, judgeAll, ok, problem, type Check } from '../finding';

export const gateway: Check = {
  name: 'gateway',
  run: (facts) =>
    judge(facts.gateways, 'gateway', (gateways) => {
      if (gateways.length === 0) {
        const subject = describeObject('Deployment', GATEWAY_NAME, facts.namespace);
        return [problem(subject, 'the gateway is not deployed', 'longhaul deploy')];
      }
      return gateways.flatMap(({ deployment, pods }) => {
        const { name, namespace } = deployment.metadata;
        const subject = describeObject('Deployment', name, namespace);
        return judgeAll({ pods, events: facts.events }, subject, ({ pods, events }) => {
          const { ready, text } = assessRollout({ deployment, pods, events });
          if (deployment.spec.replicas === 0) {
            return [
              problem(
                subject,
                'it is scaled to 0: no backup can run',
                `kubectl scale -n ${namespace} deployment/${name} --replicas 1`,
              ),
            ];
          }
          const image = deployment.spec.template.spec.containers[0]?.image ?? 'unknown image';
          if (ready) return [ok(subject, `ready, ${image}`)];
          return [problem(subject, text, `kubectl describe pods -n ${namespace} -l app=${name}`)];
        });
      });
    }),
};
