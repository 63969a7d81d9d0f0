/** Applies one manifest and says what that changed. */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster } from '../cluster';
import { ClusterError } from '../cluster-error';
import { JOB, type Kind, type KubeObject } from '../kinds';
import type { Manifest } from './manifests';
import { takesFieldsOver } from './stages';

export type ApplyResult = 'created' | 'configured' | 'replaced' | 'unchanged';

export interface ApplyManifestOptions {
  readonly dryRun: boolean;
  /** Takes over fields that another tool manages. */
  readonly forceConflicts: boolean;
}

export interface Applied {
  readonly result: ApplyResult;
  /** The object as it was; undefined where it was not there. */
  readonly before: KubeObject | undefined;
}

/** @throws ClusterError; a conflict says which fields belong to whom, and how to take them over */
export async function applyManifest(
  cluster: Cluster,
  kind: Kind,
  manifest: Manifest,
  options: ApplyManifestOptions,
): Promise<Applied> {
  const { name, namespace } = manifest.metadata;
  const before = await cluster.get(kind, name, namespace);
  const force = options.forceConflicts || takesFieldsOver(manifest);
  try {
    const after = await cluster.apply(kind, manifest, { dryRun: options.dryRun, force });
    if (before === undefined) return { result: 'created', before };
    return { result: isSameContent(before, after) ? 'unchanged' : 'configured', before };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    // A Job's pod template cannot change; ours does nothing but label, so it is simply run anew.
    if (error.reason === 'invalid' && manifest.kind === JOB.kind && before !== undefined) {
      if (!options.dryRun) await replace(cluster, kind, manifest);
      return { result: 'replaced', before };
    }
    if (error.reason !== 'conflict') throw error;
    throw new ClusterError('conflict', `${error.message} (--force-conflicts takes these fields over)`, {
      cause: error,
    });
  }
}

async function replace(cluster: Cluster, kind: Kind, manifest: Manifest): Promise<void> {
  await cluster.delete(kind, manifest.metadata.name, manifest.metadata.namespace);
  await cluster.apply(kind, manifest);
}

/** Equal but for what the server keeps for itself. */
function isSameContent(before: KubeObject, after: KubeObject): boolean {
  return isDeepStrictEqual(withoutBookkeeping(before), withoutBookkeeping(after));
}

function withoutBookkeeping(object: KubeObject): object {
  const metadata: Record<string, unknown> = { ...object.metadata };
  for (const field of ['managedFields', 'resourceVersion', 'generation']) delete metadata[field];
  return { ...object, metadata };
}
