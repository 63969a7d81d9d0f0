/** Whether a Deployment is ready and, if not, why: from its status, its pods, their containers and their events. Pure. */
import type { ContainerStatus, Deployment, KubeEvent, Pod } from '../kinds';

export interface RolloutFacts {
  readonly deployment: Deployment;
  readonly pods: readonly Pod[];
  readonly events: readonly KubeEvent[];
}

export interface Rollout {
  readonly ready: boolean;
  /** What is still missing and what is known about the reasons, as the end of a sentence about the Deployment. */
  readonly text: string;
}

/**
 * Ready means: the newest template is the one that runs, and one pod serves. Of several replicas one is the writer and the others are
 * standbys, which are not ready until they take over.
 */
export function assessRollout({ deployment, pods, events }: RolloutFacts): Rollout {
  const { generation = 0 } = deployment.metadata;
  const { observedGeneration = 0, updatedReplicas = 0, readyReplicas = 0 } = deployment.status ?? {};
  const replicas = deployment.spec.replicas ?? 1;
  if (replicas === 0) return { ready: true, text: 'it is scaled to 0' };
  if (observedGeneration < generation) {
    return { ready: false, text: 'the cluster has not acted on the new version yet' };
  }
  if (updatedReplicas >= replicas && readyReplicas > 0) return { ready: true, text: 'it is ready' };
  const progress =
    updatedReplicas < replicas
      ? `${updatedReplicas} of ${replicas} pods have the new version`
      : `no pod is ready`;
  const reasons = [...failureOf(deployment), ...pods.flatMap((pod) => reasonsOf(pod, events))];
  return { ready: false, text: [progress, ...new Set(reasons)].join('; ') };
}

/** A Deployment that cannot even make pods says so in a condition (quota, an admission policy, a missing service account). */
function failureOf(deployment: Deployment): string[] {
  return (deployment.status?.conditions ?? [])
    .filter((condition) => condition.type === 'ReplicaFailure' && condition.status === 'True')
    .map((condition) => condition.message ?? condition.reason ?? 'no pod can be made');
}

/** What keeps one pod from being ready; nothing if it is. */
function reasonsOf(pod: Pod, events: readonly KubeEvent[]): string[] {
  const { status } = pod;
  if (status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'))
    return [];
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const reasons = containers.flatMap(reasonOfContainer);
  const unscheduled = status?.conditions?.find(
    (condition) => condition.type === 'PodScheduled' && condition.status === 'False',
  );
  if (unscheduled)
    reasons.push(`it cannot be scheduled: ${unscheduled.message ?? unscheduled.reason ?? 'no reason given'}`);
  const event = lastWarning(pod, events);
  // The container's own state says more than the event about it, except for probes and mounts.
  if (
    event !== undefined &&
    (reasons.length === 0 || /Unhealthy|FailedMount|FailedAttach/.test(event.reason ?? ''))
  ) {
    reasons.push(`${event.reason ?? 'event'}: ${(event.message ?? '').trim()}`);
  }
  if (reasons.length === 0)
    reasons.push(`it is ${status?.phase ?? 'not started'}, and its readiness probe has not succeeded yet`);
  return reasons.map((reason) => `pod ${pod.metadata.name}: ${reason}`);
}

function reasonOfContainer(container: ContainerStatus): string[] {
  const { waiting, terminated } = container.state ?? {};
  const last = container.lastState?.terminated;
  const restarts = container.restartCount > 0 ? `, restarted ${container.restartCount} times` : '';
  if (waiting && waiting.reason !== 'ContainerCreating' && waiting.reason !== 'PodInitializing') {
    const ended =
      last === undefined
        ? ''
        : `, it ended with exit code ${last.exitCode}${last.message ? ` (${last.message.trim()})` : ''}`;
    return [
      `container ${container.name}: ${waiting.reason ?? 'waiting'}${waiting.message ? ` (${waiting.message})` : ''}${ended}${restarts}`,
    ];
  }
  if (terminated && terminated.exitCode !== 0) {
    return [
      `container ${container.name} ended with exit code ${terminated.exitCode} (${terminated.reason ?? 'no reason'})${restarts}`,
    ];
  }
  return [];
}

function lastWarning(pod: Pod, events: readonly KubeEvent[]): KubeEvent | undefined {
  const time = (event: KubeEvent): string => event.lastTimestamp ?? event.eventTime ?? '';
  return events
    .filter(
      ({ type, involvedObject }) =>
        type === 'Warning' && involvedObject?.kind === 'Pod' && involvedObject.name === pod.metadata.name,
    )
    .sort((left, right) => time(left).localeCompare(time(right)))
    .at(-1);
}
