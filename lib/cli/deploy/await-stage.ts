/** Waits until what a stage has applied works, so that the next stage can build on it. */
import { targetState } from '../backup-target';
import type { CommandContext } from '../context';
import {
  BACKUP_TARGET,
  DEPLOYMENT,
  describeObject,
  EVENT,
  JOB,
  POD,
  type BackupTarget,
  type Deployment,
  type Job,
} from '../kinds';
import { RefusedError } from '../output';
import { waitFor, type Look, type WaitOptions } from '../wait';
import type { ApplyResult } from './apply';
import type { Manifest } from './manifests';
import { assessRollout } from './rollout';

/** One applied manifest, with what it was before. */
export interface AppliedManifest {
  readonly manifest: Manifest;
  readonly result: ApplyResult;
  readonly before: unknown;
}

/** Waits for one applied object; kinds that need no waiting are done at once. Returns what is true now, if it is worth a line. */
export async function awaitApplied(
  context: Pick<CommandContext, 'cluster' | 'clock'>,
  applied: AppliedManifest,
  wait: WaitOptions,
): Promise<string | undefined> {
  const { kind, metadata } = applied.manifest;
  const { name, namespace = '' } = metadata;
  switch (kind) {
    case DEPLOYMENT.kind:
      return waitFor(wait, () => lookAtDeployment(context, name, namespace));
    case BACKUP_TARGET.kind:
      await requestSync(context, applied);
      return waitFor(wait, () => lookAtTarget(context, applied, name, namespace));
    case JOB.kind:
      return waitFor(wait, () => lookAtJob(context, name, namespace));
    default:
      return undefined;
  }
}

type LookContext = Pick<CommandContext, 'cluster' | 'clock'>;

async function lookAtDeployment(
  { cluster }: LookContext,
  name: string,
  namespace: string,
): Promise<Look<string>> {
  const object = describeObject('Deployment', name, namespace);
  const deployment: Deployment | undefined = await cluster.get(DEPLOYMENT, name, namespace);
  if (deployment === undefined) throw new RefusedError(`${object} has been deleted meanwhile.`);
  const labels = Object.entries(deployment.spec.selector.matchLabels ?? {});
  const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(',');
  const pods = await cluster.list(POD, { namespace, labelSelector });
  // Without the right to read events there is less to tell, and nothing else is lost.
  const events = await cluster.list(EVENT, { namespace }).catch(() => []);
  const { ready, text } = assessRollout({ deployment, pods, events });
  return ready ? { done: `${object} is ready.` } : { waitingFor: `Waiting for ${object}: ${text}.` };
}

/**
 * Longhorn looks at a target that had a URL before only at its next poll, and shows the old state until then. Asking for a sync is what
 * its own UI does.
 */
async function requestSync(
  { cluster, clock }: LookContext,
  { manifest, result, before }: AppliedManifest,
): Promise<void> {
  const had = (before as BackupTarget | undefined)?.spec?.backupTargetURL;
  if (result === 'unchanged' || !had) return;
  const { name, namespace } = manifest.metadata;
  await cluster.patch(BACKUP_TARGET, name, namespace, {
    spec: { syncRequestedAt: clock.now().toISOString().replace(/\.\d+/, '') },
  });
}

async function lookAtTarget(
  { cluster }: LookContext,
  applied: AppliedManifest,
  name: string,
  namespace: string,
): Promise<Look<string>> {
  const object = describeObject('BackupTarget', name, namespace);
  const target: BackupTarget | undefined = await cluster.get(BACKUP_TARGET, name, namespace);
  if (target === undefined) throw new RefusedError(`${object} has been deleted meanwhile.`);
  const before = applied.before as BackupTarget | undefined;
  const stale =
    applied.result !== 'unchanged' &&
    before?.status?.available === true &&
    target.status?.lastSyncedAt === before.status.lastSyncedAt;
  const state = targetState(target);
  if (state.state === 'available' && !stale) return { done: `${object} is available.` };
  const why =
    state.state === 'unavailable' ? `Longhorn says: ${state.message}` : 'Longhorn has not looked at it yet';
  return { waitingFor: `Waiting for ${object}: ${why}` };
}

async function lookAtJob({ cluster }: LookContext, name: string, namespace: string): Promise<Look<string>> {
  const object = describeObject('Job', name, namespace);
  const job: Job | undefined = await cluster.get(JOB, name, namespace);
  // Finished jobs may be set to go away by themselves.
  if (job === undefined) return { done: `${object} has finished and is gone.` };
  const holds = (type: string): boolean =>
    job.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ??
    false;
  if (holds('Complete')) return { done: `${object} has finished.` };
  if (holds('Failed')) {
    const look = `kubectl logs -n ${namespace} job/${name}`;
    throw new RefusedError(`${object} failed: see \`${look}\`, or run \`longhaul label\` from here.`);
  }
  return { waitingFor: `Waiting for ${object} to finish.` };
}
