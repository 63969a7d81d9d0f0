import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { GatewayNetworkPolicy } from './gateway-network-policy';
import type { GatewayProps } from './gateway-options';
import { gatewayPod } from './gateway-pod';
import { checkGateway } from './gateway-rules';
import {
  gatewayEndpoint,
  LONGHORN_NAMESPACE,
  METRICS_PORT,
  METRICS_PORT_NAME,
  S3_PORT,
  S3_PORT_NAME,
  targetNames,
} from './names';
import { ownLabels } from './own-labels';
import { accept } from './problems';
import { VerifyJob } from './verify-job';

/**
 * The gateway of one backup target: Deployment, Service, ServiceAccount, PodDisruptionBudget and NetworkPolicy. Its Secret must exist,
 * or be made by `GatewaySecret`.
 *
 * **Replicas.** One gateway holds the lease on the FTP root and is ready; the others stand by, and are not ready until they take over.
 * So no rollout may wait for a new pod to be ready while an old one holds the lease: with any surge, or with `maxUnavailable` below
 * 100 %, Kubernetes would keep the old writer until a new pod is ready, which waits for that writer's lease, for ever. Therefore all old
 * pods go at once (`maxSurge: 0`, `maxUnavailable: 100%`), new ones start beside them and stand by, and one takes the lease as soon as
 * the old writer has ended what it was at and gives it back. A catalog on a claim takes one pod at a time: there it is `Recreate`.
 *
 * With standbys the Deployment never counts as complete, since its standbys are never available: `kubectl rollout status` waits for ever,
 * and `longhaul deploy` does not. It has no progress deadline then, which would call it failed after ten minutes.
 *
 * **Disruptions.** The budget says that any pod may be evicted. One that kept the writer would keep every node from being drained, for no
 * standby counts as available; and a gateway whose FTP server is away must not hold a node back either. A writer that is evicted ends
 * what it is at, and Longhorn tries the rest again.
 */
export class Gateway extends Construct {
  /** Of Deployment, Service, ServiceAccount and `app` label. */
  readonly gatewayName: string;
  /** URL for Longhorn's Secret: `http(s)://<service>.<namespace>.svc.cluster.local:<port>`. */
  readonly endpoint: string;

  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id);
    const { namespace = LONGHORN_NAMESPACE } = props;
    const names = targetNames(props.target);
    this.gatewayName = names.gateway;
    this.endpoint = gatewayEndpoint(props);
    if (!accept(this, checkGateway(props))) return;
    watchApp(this);

    const metadata = { name: this.gatewayName, namespace, labels: ownLabels(this.gatewayName) };
    const selector = { app: this.gatewayName };
    const { replicas = 1, servicePort = S3_PORT, networkPolicy = true, ftp, mirror, metricsFrom } = props;
    new k8s.KubeServiceAccount(this, 'ServiceAccount', { metadata, automountServiceAccountToken: false });
    if (networkPolicy)
      new GatewayNetworkPolicy(this, 'NetworkPolicy', {
        name: this.gatewayName,
        namespace,
        ftp,
        ...(mirror && { mirror: mirror.ftp ?? {} }),
        metricsFrom,
      });
    new k8s.KubeService(this, 'Service', {
      metadata,
      spec: {
        type: 'ClusterIP',
        selector,
        ports: [
          {
            name: S3_PORT_NAME,
            port: servicePort,
            targetPort: k8s.IntOrString.fromString(S3_PORT_NAME),
            protocol: 'TCP',
          },
          {
            name: METRICS_PORT_NAME,
            port: METRICS_PORT,
            targetPort: k8s.IntOrString.fromString(METRICS_PORT_NAME),
            protocol: 'TCP',
          },
        ],
      },
    });
    new k8s.KubePodDisruptionBudget(this, 'PodDisruptionBudget', {
      metadata,
      spec: {
        selector: { matchLabels: selector },
        maxUnavailable: k8s.IntOrString.fromString('100%'),
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
      },
    });
    new k8s.KubeDeployment(this, 'Deployment', {
      metadata,
      spec: {
        replicas,
        // None is rolled back to by name: the image of before is in version control.
        revisionHistoryLimit: 2,
        strategy: strategyOf(props),
        ...(replicas > 1 && { progressDeadlineSeconds: NO_PROGRESS_DEADLINE }),
        selector: { matchLabels: selector },
        template: gatewayPod(names, props),
      },
    });
    if (props.verify) new VerifyJob(this, 'Verify', props);
  }
}

/** What the Deployment controller takes as none (https://pkg.go.dev/k8s.io/kubernetes/pkg/controller/deployment/util#HasProgressDeadline). */
const NO_PROGRESS_DEADLINE = 2 ** 31 - 1;

function strategyOf({ catalog }: GatewayProps): k8s.DeploymentStrategy {
  if (catalog?.claim !== undefined) return { type: 'Recreate' };
  return {
    type: 'RollingUpdate',
    rollingUpdate: {
      maxSurge: k8s.IntOrString.fromNumber(0),
      maxUnavailable: k8s.IntOrString.fromString('100%'),
    },
  };
}
