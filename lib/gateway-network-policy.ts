import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { controlPort, type FtpOptions } from './gateway-options';
import { LONGHORN_NAMESPACE, METRICS_PORT, S3_PORT } from './names';
import { ownLabels } from './own-labels';

/** The props of a gateway's NetworkPolicy. */
export interface GatewayNetworkPolicyProps {
  /** Of the gateway: its `app` label, and the policy's own name. */
  readonly name: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** Addresses and ports of the FTP server are taken from it. @default - any address and port */
  readonly ftp?: FtpOptions;
  /** Of the second FTP server. @default - there is none */
  readonly mirror?: FtpOptions;
  /** Namespaces whose pods may read metrics and status page. @default - every namespace */
  readonly metricsFrom?: readonly string[];
}

const DNS_PORT = 53;

/**
 * In: every pod of Longhorn's namespace, for managers and instance managers of every node connect; and to the metrics, who may read them. Out: DNS, and the FTP servers.
 *
 * An FTP server tells the port of each data connection as it goes, and its address stands in a Secret. So without more knowledge every
 * address and every TCP port is allowed: a port too few would stop every transfer. `ftp.addresses` and `ftp.passivePorts` narrow it.
 */
export class GatewayNetworkPolicy extends Construct {
  constructor(scope: Construct, id: string, props: GatewayNetworkPolicyProps) {
    super(scope, id);
    const { name, namespace = LONGHORN_NAMESPACE, ftp = {}, mirror, metricsFrom } = props;
    watchApp(this);
    new k8s.KubeNetworkPolicy(this, 'Resource', {
      metadata: { name, namespace, labels: ownLabels(name) },
      spec: {
        podSelector: { matchLabels: { app: name } },
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ from: [{ podSelector: {} }], ports: [tcpPort(S3_PORT)] }, ...metricsIngress(metricsFrom)],
        egress: [
          // To any address: the cluster's DNS may be a pod, a cache on the node, or outside.
          { ports: [{ protocol: 'UDP', port: k8s.IntOrString.fromNumber(DNS_PORT) }, tcpPort(DNS_PORT)] },
          ...[ftp, ...(mirror ? [mirror] : [])].map((each) => ({
            ...destinations(each),
            ports: ftpPorts(each),
          })),
        ],
      },
    });
  }
}

/** A rule without namespaces would let everybody in. */
function metricsIngress(namespaces: readonly string[] | undefined): k8s.NetworkPolicyIngressRule[] {
  const ports = [tcpPort(METRICS_PORT)];
  if (namespaces === undefined) return [{ from: [{ namespaceSelector: {} }], ports }];
  if (namespaces.length === 0) return [];
  const from = namespaces.map((name) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  }));
  return [{ from, ports }];
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
