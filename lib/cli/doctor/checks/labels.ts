/** Whether the volumes that should be in each job are, the way Longhorn looks at it. */
import { LABEL_ENABLED, recurringJobLabel } from '../../../names';
import { hasLabel, isSource, jobLabels, jobOfLabel } from '../../label/job-labels';
import type { PersistentVolumeClaim, RecurringJob, Volume } from '../../kinds';
import { byName, pvcKey, pvcKeyOf, pvcKeyOfVolume, resolveVolume } from '../../pvc-volume';
import type { WantedJob } from '../../label/wanted';
import { judgeAll, listed, ok, problem, type Check, type Finding } from '../finding';

const RUN_LABEL = 'longhaul label';

export const labels: Check = {
  name: 'labels',
  run: (facts) =>
    judgeAll(
      {
        wanted: facts.wanted,
        pvcs: facts.pvcs,
        persistentVolumes: facts.persistentVolumes,
        volumes: facts.volumes,
        recurringJobs: facts.recurringJobs,
      },
      'labels',
      ({ wanted, pvcs, persistentVolumes, volumes, recurringJobs }) => {
        const byKey = new Map(pvcs.map((pvc) => [pvcKeyOf(pvc), pvc]));
        const [pvByName, volumeByName] = [byName(persistentVolumes), byName(volumes)];
        const volumeOf = (key: string): ReturnType<typeof resolveVolume> =>
          resolveVolume(byKey.get(key), pvByName, volumeByName);
        const wantedKeys = new Set(
          wanted.flatMap(({ job, pvcs }) => pvcs.map((pvc) => `${job} ${pvcKey(pvc)}`)),
        );
        return [
          ...wanted.map((job) => assessWantedJob(job, volumeOf, volumes, recurringJobs)).flat(),
          ...pvcs.flatMap((pvc) => assessPvc(pvc, volumeOf(pvcKeyOf(pvc)), wantedKeys)),
          ...orphanLabels(volumes, recurringJobs),
        ];
      },
    ),
};

function assessWantedJob(
  { job, pvcs }: WantedJob,
  volumeOf: (key: string) => ReturnType<typeof resolveVolume>,
  volumes: readonly Volume[],
  jobs: readonly RecurringJob[],
): Finding[] {
  const subject = `job ${job}`;
  if (!jobs.some(({ metadata }) => metadata.name === job)) {
    return [problem(subject, 'PVCs are wanted in it, and there is no such RecurringJob', 'longhaul deploy')];
  }
  const findings = pvcs.map(pvcKey).flatMap((key): Finding[] => {
    const resolution = volumeOf(key);
    if ('problem' in resolution)
      return [
        problem(
          `PVC ${key}`,
          `it is wanted in job ${job}, and ${resolution.problem}`,
          'correct the PVCs of the job, or make the PVC',
        ),
      ];
    if (hasLabel(resolution.volume, recurringJobLabel(job))) return [];
    return [
      problem(
        `PVC ${key}`,
        `it is wanted in job ${job}, and its Volume ${resolution.volume.metadata.name} does not carry the job's label`,
        RUN_LABEL,
      ),
    ];
  });
  if (findings.length > 0) return findings;
  const keys = new Set(pvcs.map(pvcKey));
  const others = volumes.filter(
    (volume) => hasLabel(volume, recurringJobLabel(job)) && !keys.has(pvcKeyOfVolume(volume) ?? ''),
  );
  const more =
    others.length === 0 ? '' : `; besides, by hand: ${listed(others.map(({ metadata }) => metadata.name))}`;
  return [ok(subject, `all ${pvcs.length} wanted volumes carry its label${more}`)];
}

/** Labels of a PVC that have no effect: on a PVC that is no source, or with another value than `enabled`. */
function assessPvc(
  pvc: PersistentVolumeClaim,
  resolution: ReturnType<typeof resolveVolume>,
  wanted: ReadonlySet<string>,
): Finding[] {
  const key = pvcKeyOf(pvc);
  return jobLabels(pvc).flatMap((label): Finding[] => {
    const job = jobOfLabel(label);
    // Wanted PVCs have been judged already.
    if (job !== undefined && wanted.has(`${job} ${key}`)) return [];
    const value = pvc.metadata.labels?.[label];
    if (value !== LABEL_ENABLED) {
      return [
        problem(
          `PVC ${key}`,
          `its label ${label} is "${value}", and Longhorn looks for "${LABEL_ENABLED}"`,
          `kubectl label -n ${pvc.metadata.namespace} pvc ${pvc.metadata.name} --overwrite ${label}=${LABEL_ENABLED}`,
        ),
      ];
    }
    if (isSource(pvc) || 'problem' in resolution || hasLabel(resolution.volume, label)) return [];
    const text = `it carries ${label}, which Longhorn ignores: its Volume ${resolution.volume.metadata.name} does not`;
    return [
      problem(
        `PVC ${key}`,
        text,
        job === undefined
          ? `label the Volume too, or set recurring-job.longhorn.io/source=enabled on the PVC`
          : `${RUN_LABEL} --job ${job}=${key}`,
      ),
    ];
  });
}

/** A label whose job is gone does nothing, and looks like protection. */
function orphanLabels(volumes: readonly Volume[], jobs: readonly RecurringJob[]): Finding[] {
  const names = new Set(jobs.map(({ metadata }) => metadata.name));
  return volumes.flatMap((volume) =>
    jobLabels(volume)
      .filter((label) => hasLabel(volume, label))
      .map(jobOfLabel)
      .filter((job) => job !== undefined && !names.has(job))
      .map((job) =>
        problem(
          `Volume ${volume.metadata.name}`,
          `it carries the label of job ${job}, which does not exist`,
          `make the RecurringJob ${job}, or remove the label`,
        ),
      ),
  );
}
