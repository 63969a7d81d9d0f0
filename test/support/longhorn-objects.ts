/** Longhorn volumes as a cluster has them: PVC, PersistentVolume and Volume that belong together, written to an API server. */
import type { ApiServer } from './api-server';

const LONGHORN = '/apis/longhorn.io/v1beta2/namespaces/longhorn-system';

export interface VolumeOptions {
  /** `namespace/name` of the PVC. */
  readonly pvc: string;
  /** Name of PersistentVolume and Volume. @default pvc-<PVC's name> */
  readonly volume?: string;
  readonly pvcLabels?: Readonly<Record<string, string>>;
  readonly volumeLabels?: Readonly<Record<string, string>>;
  /** @default driver.longhorn.io */
  readonly driver?: string;
  /** @default Bound */
  readonly phase?: string;
  readonly volumeStatus?: object;
}

export const paths = {
  pvc: (pvc: string): string => {
    const [namespace, name] = pvc.split('/');
    return `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
  },
  persistentVolume: (name: string): string => `/api/v1/persistentvolumes/${name}`,
  longhorn: (plural: string, name?: string): string =>
    `${LONGHORN}/${plural}${name === undefined ? '' : `/${name}`}`,
};

export async function createNamespace(server: ApiServer, name: string): Promise<void> {
  const { status } = await server.request('POST', '/api/v1/namespaces', { body: { metadata: { name } } });
  if (status !== 201 && status !== 409) throw new Error(`namespace ${name}: ${status}`);
}

/** Makes the three objects of a bound Longhorn volume. */
export async function createVolume(server: ApiServer, options: VolumeOptions): Promise<void> {
  const [namespace = '', name = ''] = options.pvc.split('/');
  const { volume = `pvc-${name}`, driver = 'driver.longhorn.io', phase = 'Bound' } = options;
  await createNamespace(server, namespace);
  const size = { storage: '1Gi' };
  await server.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
    metadata: { name, labels: options.pvcLabels },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: size }, volumeName: volume },
  });
  await server.patch(`${paths.pvc(options.pvc)}/status`, { status: { phase } });
  await server.create('/api/v1/persistentvolumes', {
    metadata: { name: volume },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: size,
      csi: { driver, volumeHandle: volume },
      claimRef: { namespace, name },
    },
  });
  await server.create(paths.longhorn('volumes'), {
    apiVersion: 'longhorn.io/v1beta2',
    kind: 'Volume',
    metadata: { name: volume, labels: options.volumeLabels },
    spec: { size: '1073741824', backupTargetName: 'default' },
  });
  await server.patch(`${paths.longhorn('volumes', volume)}/status`, {
    status: {
      state: 'attached',
      robustness: 'healthy',
      kubernetesStatus: { namespace, pvcName: name, pvName: volume },
      ...options.volumeStatus,
    },
  });
}
