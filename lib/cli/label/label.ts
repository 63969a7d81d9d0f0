/** `longhaul label`: puts the Volumes behind the wanted PVCs into their recurring jobs, and takes out those that left. */
import { ClusterError } from '../cluster-error';
import type { Cluster } from '../cluster';
import type { CommandContext } from '../context';
import {
  PERSISTENT_VOLUME,
  PERSISTENT_VOLUME_CLAIM,
  VOLUME,
  type Kind,
  type KubeObject,
  type PersistentVolume,
} from '../kinds';
import { count, EXIT, json, table, UsageError, type ExitCode } from '../output';
import { pvcKey, pvcKeyOf } from '../pvc-volume';
import { wantedInCluster } from './in-cluster';
import { patchFor, type LabelChange } from './our-labels';
import {
  nameOf,
  planLabels,
  type LabelFacts,
  type LabelPlan,
  type LabelRow,
  type ObjectChange,
} from './plan';
import type { WantedJob } from './wanted';

/** Longhorn writes its Volumes often; a lost race is simply run again. */
const CONFLICT_ATTEMPTS = 8;

export interface LabelOptions {
  /** Undefined: what the label command in the cluster is told. */
  readonly wanted: readonly WantedJob[] | undefined;
  readonly dryRun: boolean;
}

export async function label(context: CommandContext, options: LabelOptions): Promise<ExitCode> {
  const wanted = options.wanted ?? (await wantedInCluster(context.cluster, context.namespace));
  // Nobody says anything is not the same as: no volume is wanted in any job.
  if (options.wanted === undefined && wanted.length === 0) {
    throw new UsageError('Which PVCs belong to which job? Give --job <name>=<namespace>/<pvc>,...');
  }
  const plan = planLabels(await gather(context, wanted));
  for (const note of plan.notes) context.terminal.err(`Note: ${note}\n`);
  const rows = options.dryRun ? plan.rows : await carryOut(context.cluster, plan);
  context.terminal.out(
    context.output === 'json'
      ? json({ dryRun: options.dryRun, rows, notes: plan.notes })
      : render(rows, options.dryRun),
  );
  return rows.some((row) => row.result === 'problem') ? EXIT.problem : EXIT.ok;
}

/** Needs: persistentvolumeclaims list, persistentvolumes get, volumes.longhorn.io list. */
async function gather(
  { cluster, namespace }: Pick<CommandContext, 'cluster' | 'namespace'>,
  wanted: readonly WantedJob[],
): Promise<LabelFacts> {
  const [pvcs, volumes] = await Promise.all([
    cluster.list(PERSISTENT_VOLUME_CLAIM),
    cluster.list(VOLUME, { namespace }),
  ]);
  const wantedKeys = new Set(wanted.flatMap(({ pvcs: refs }) => refs.map(pvcKey)));
  const persistentVolumes = new Map<string, PersistentVolume>();
  for (const pvc of pvcs) {
    const name = pvc.spec?.volumeName;
    if (name === undefined || !wantedKeys.has(pvcKeyOf(pvc))) continue;
    const persistentVolume = await cluster.get(PERSISTENT_VOLUME, name);
    if (persistentVolume !== undefined) persistentVolumes.set(name, persistentVolume);
  }
  return { wanted, pvcs, persistentVolumes, volumes };
}

/** Makes the changes one by one; one that fails turns its rows into problems and does not stop the others. */
async function carryOut(cluster: Cluster, plan: LabelPlan): Promise<LabelRow[]> {
  const failures = new Map<string, string>();
  for (const change of plan.changes) {
    try {
      const kind: Kind = change.on === 'Volume' ? VOLUME : PERSISTENT_VOLUME_CLAIM;
      await changeLabels(cluster, kind, change.object, change);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      failures.set(failureKey(change), error.message);
    }
  }
  return plan.rows.map((row) => {
    const reason = failures.get(`PersistentVolumeClaim ${row.pvc}`) ?? failures.get(`Volume ${row.volume}`);
    return reason === undefined || row.result === 'problem' ? row : { ...row, result: 'problem', reason };
  });
}

function failureKey(change: ObjectChange): string {
  return `${change.on} ${nameOf(change)}`;
}

/** Patches the labels of one object; where it changed meanwhile, the patch is made anew for what it is now. */
export async function changeLabels(
  cluster: Cluster,
  kind: Kind,
  object: KubeObject,
  change: LabelChange,
): Promise<void> {
  const { name, namespace } = object.metadata;
  let current: KubeObject | undefined = object;
  for (let attempt = 1; current !== undefined; attempt += 1) {
    const patch = patchFor(current, change);
    if (patch === undefined) return;
    try {
      await cluster.patch(kind, name, namespace, patch);
      return;
    } catch (error) {
      if (!(error instanceof ClusterError) || error.reason !== 'conflict' || attempt >= CONFLICT_ATTEMPTS)
        throw error;
      current = await cluster.get(kind, name, namespace);
    }
  }
}

const RESULTS: Readonly<Record<LabelRow['result'], { readonly done: string; readonly planned: string }>> = {
  labelled: { done: 'labelled', planned: 'to be labelled' },
  unchanged: { done: 'unchanged', planned: 'unchanged' },
  removed: { done: 'label removed', planned: 'label to be removed' },
  problem: { done: 'problem', planned: 'problem' },
};

function render(rows: readonly LabelRow[], dryRun: boolean): string {
  if (rows.length === 0) return 'No volume is wanted in any job, and no label of ours is left.\n';
  const cells = rows.map(({ job, pvc, volume, result, reason }) => {
    const word = RESULTS[result][dryRun ? 'planned' : 'done'];
    return [job, pvc || '-', volume ?? '-', reason === undefined ? word : `${word}: ${reason}`];
  });
  const amount = (result: LabelRow['result']): number => rows.filter((row) => row.result === result).length;
  const changed = amount('labelled') + amount('removed');
  const problems = amount('problem');
  const summary = [
    changed === 0
      ? 'Nothing to change'
      : `${count(changed, 'change')}${dryRun ? ' to make (dry run)' : ' made'}`,
    ...(problems > 0 ? [count(problems, 'problem')] : []),
  ].join(', ');
  return `${table(['JOB', 'PVC', 'VOLUME', 'RESULT'], cells)}\n${summary}.\n`;
}
