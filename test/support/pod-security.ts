/** The profile `restricted` of the Pod Security Standards (https://kubernetes.io/docs/concepts/security/pod-security-standards/), for the fields that a pod of ours can have. */

interface Container {
  readonly name: string;
  readonly ports?: readonly { readonly hostPort?: number }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly procMount?: string;
  };
}

export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: {
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly seccompProfile?: { readonly type: string };
    readonly sysctls?: readonly unknown[];
  };
  readonly initContainers?: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
}

const VOLUME_KINDS = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** What the profile would refuse, one line each. */
export function restrictedViolations(pod: PodSpec): string[] {
  const { securityContext: podContext = {} } = pod;
  const violations: string[] = [];
  const demand = (holds: boolean, what: string): void => void (holds || violations.push(what));
  demand(!pod.hostNetwork && !pod.hostPID && !pod.hostIPC, 'host namespaces');
  demand(!podContext.sysctls?.length, 'sysctls');
  demand(podContext.runAsUser !== 0, 'runAsUser');
  for (const volume of pod.volumes ?? []) {
    const kinds = Object.keys(volume).filter((key) => key !== 'name');
    demand(
      kinds.every((kind) => VOLUME_KINDS.includes(kind)),
      `volume ${kinds.join()}`,
    );
  }
  for (const { name, ports = [], securityContext: context = {} } of [
    ...(pod.initContainers ?? []),
    ...pod.containers,
  ]) {
    demand(context.privileged !== true, `${name}: privileged`);
    demand(
      ports.every(({ hostPort }) => !hostPort),
      `${name}: hostPort`,
    );
    demand(context.allowPrivilegeEscalation === false, `${name}: allowPrivilegeEscalation`);
    demand(context.runAsNonRoot ?? podContext.runAsNonRoot ?? false, `${name}: runAsNonRoot`);
    demand(context.runAsUser !== 0, `${name}: runAsUser`);
    const { type } = context.seccompProfile ?? podContext.seccompProfile ?? { type: 'none' };
    demand(['RuntimeDefault', 'Localhost'].includes(type), `${name}: seccompProfile`);
    const { add = [], drop = [] } = context.capabilities ?? {};
    demand(drop.includes('ALL'), `${name}: capabilities.drop`);
    demand(
      add.every((capability) => capability === 'NET_BIND_SERVICE'),
      `${name}: capabilities.add`,
    );
    demand((context.procMount ?? 'Default') === 'Default', `${name}: procMount`);
  }
  return violations;
}
