/**
 * What every pod of ours may do: as little as the profile `restricted` of the Pod Security Standards asks for
 * (https://kubernetes.io/docs/concepts/security/pod-security-standards/), with a read-only root file system besides.
 */
import type { k8s } from 'cdk8s-plus-28';
import { USER_ID } from './names';

/** Volumes that a pod mounts are made writable for its group. */
export const RESTRICTED_POD: k8s.PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: USER_ID,
  runAsGroup: USER_ID,
  fsGroup: USER_ID,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

export const RESTRICTED_CONTAINER: k8s.SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
};
