import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { controlPort, type FtpOptions } from './gateway-options';
import { LONGHORN_NAMESPACE, S3_PORT } from './names';
import { ownLabels } from './own-labels';

export interface GatewayNetworkPolicyProps {
  /** Of the gateway: its `app` label, and the policy's own name. */
  readonly name: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  readonly ftp?: FtpOptions;
}

const DNS_PORT = 53;

/**
 * In: every pod of Longhorn's namespace, for managers and instance managers of every node connect. Out: DNS, and the FTP server.
 *
 * An FTP server tells the port of each data connection as it goes, and its address stands in a Secret. So without more knowledge every
 * address and every TCP port is allowed: a port too few would stop every transfer. `ftp.addresses` and `ftp.passivePorts` narrow it.
 */
export class GatewayNetworkPolicy extends Construct {
  constructor(scope: Construct, id: string, props: GatewayNetworkPolicyProps) {
    super(scope, id);
    const { name, namespace = LONGHORN_NAMESPACE, ftp = {} } = props;
    watchApp(this);
    new k8s.KubeNetworkPolicy(this, 'Resource', {
      metadata: { name, namespace, labels: ownLabels(name) },
      spec: {
        podSelector: { matchLabels: { app: name } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [{ podSelector: {} }], ports: [tcpPort(S3_PORT)] }],
        egress: [
          // To any address: the cluster's DNS may be a pod, a cache on the node, or outside.
          { ports: [{ protocol: 'UDP', port: k8s.IntOrString.fromNumber(DNS_PORT) }, tcpPort(DNS_PORT)] },
          { ...destinations(ftp), ports: ftpPorts(ftp) },
        ],
      },
    });
  }
}

function destinations({ addresses }: FtpOptions): Pick<k8s.NetworkPolicyEgressRule, 'to'> {
  return addresses === undefined ? {} : { to: addresses.map((cidr) => ({ ipBlock: { cidr } })) };
}

function ftpPorts(ftp: FtpOptions): k8s.NetworkPolicyPort[] {
  const { passivePorts } = ftp;
  if (passivePorts === undefined) return [{ protocol: 'TCP' }];
  const { from, to } = passivePorts;
  return [tcpPort(controlPort(ftp)), { ...tcpPort(from), ...(to > from && { endPort: to }) }];
}

function tcpPort(port: number): k8s.NetworkPolicyPort {
  return { protocol: 'TCP', port: k8s.IntOrString.fromNumber(port) };
}
