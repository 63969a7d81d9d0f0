/** From a PVC to the Longhorn Volume behind it: bound PersistentVolume, its CSI volume handle, the Volume of that name. Pure. */
import { LONGHORN_CSI_DRIVER } from '../names';
import type { PersistentVolume, PersistentVolumeClaim, Volume } from './kinds';

export interface PvcRef {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`. */
export function pvcKey(pvc: PvcRef): string {
  return `${pvc.namespace}/${pvc.name}`;
}

export function pvcKeyOf(pvc: PersistentVolumeClaim): string {
  return `${pvc.metadata.namespace ?? ''}/${pvc.metadata.name}`;
}

/** `namespace/name` of the PVC that Longhorn says uses this Volume. */
export function pvcKeyOfVolume(volume: Volume): string | undefined {
  const { namespace, pvcName } = volume.status?.kubernetesStatus ?? {};
  return namespace && pvcName ? `${namespace}/${pvcName}` : undefined;
}

export type Resolution = { readonly volume: Volume } | { readonly problem: string };

/** The Volume of a PVC, or the reason why it has none, as the end of a sentence about the PVC. */
export function resolveVolume(
  pvc: PersistentVolumeClaim | undefined,
  persistentVolumes: ReadonlyMap<string, PersistentVolume>,
  volumes: ReadonlyMap<string, Volume>,
): Resolution {
  if (pvc === undefined) return { problem: 'there is no such PVC' };
  const volumeName = pvc.spec?.volumeName;
  const phase = pvc.status?.phase ?? 'Pending';
  if (volumeName === undefined || phase !== 'Bound')
    return { problem: `it is not bound to a volume (phase ${phase})` };
  const persistentVolume = persistentVolumes.get(volumeName);
  if (persistentVolume === undefined) return { problem: `its PersistentVolume ${volumeName} is gone` };
  const csi = persistentVolume.spec?.csi;
  if (csi?.driver !== LONGHORN_CSI_DRIVER) {
    return { problem: `its volume is not Longhorn's (${csi === undefined ? 'no CSI driver' : csi.driver})` };
  }
  const volume = volumes.get(csi.volumeHandle);
  if (volume === undefined) return { problem: `Longhorn has no Volume ${csi.volumeHandle}` };
  return { volume };
}

export function byName<T extends { readonly metadata: { readonly name: string } }>(
  objects: readonly T[],
): Map<string, T> {
  return new Map(objects.map((object) => [object.metadata.name, object]));
}
