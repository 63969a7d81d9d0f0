/**
 * What `label` has to change, from what is wanted and what is there. Pure.
 *
 * Recurring jobs select Volumes by label. Where a PVC carries the source label, Longhorn copies the PVC's job labels to the Volume and
 * removes all others there, so only the PVC is labelled; elsewhere labels of a PVC mean nothing to Longhorn, and the Volume gets them too.
 */
import { LABEL_ENABLED, recurringJobGroupLabel, recurringJobLabel } from '../../names';
import type { KubeObject, PersistentVolume, PersistentVolumeClaim, Volume } from '../kinds';
import { byName, pvcKey, pvcKeyOf, pvcKeyOfVolume, resolveVolume } from '../pvc-volume';
import { enabledJobLabels, hasLabel, isSource, jobOfLabel } from './job-labels';
import { changeTo, isEmpty, ourLabels, type LabelChange } from './our-labels';
import type { WantedJob } from './wanted';

export interface LabelFacts {
  readonly wanted: readonly WantedJob[];
  /** Of all namespaces. */
  readonly pvcs: readonly PersistentVolumeClaim[];
  /** By name; those that the wanted PVCs are bound to and that exist. */
  readonly persistentVolumes: ReadonlyMap<string, PersistentVolume>;
  readonly volumes: readonly Volume[];
}

export interface ObjectChange extends LabelChange {
  readonly on: 'PersistentVolumeClaim' | 'Volume';
  readonly object: KubeObject;
}

export interface LabelRow {
  readonly job: string;
  /** `namespace/name`; empty where a Volume has no PVC any more. */
  readonly pvc: string;
  /** Name of the Volume, where it was found. */
  readonly volume?: string;
  readonly result: 'labelled' | 'unchanged' | 'removed' | 'problem';
  readonly reason?: string;
}

export interface LabelPlan {
  readonly changes: readonly ObjectChange[];
  readonly rows: readonly LabelRow[];
  /** Consequences that the user should know before anything happens. */
  readonly notes: readonly string[];
}

const DEFAULT_GROUP = recurringJobGroupLabel('default');

export function planLabels(facts: LabelFacts): LabelPlan {
  const { wanted, pvcs } = facts;
  const pvcsByKey = new Map(pvcs.map((pvc) => [pvcKeyOf(pvc), pvc]));
  const volumes = byName(facts.volumes);
  const keysWanted = keysByPvc(wanted);
  const resolved = new Map(
    [...keysWanted.keys()].map((key) => [
      key,
      resolveVolume(pvcsByKey.get(key), facts.persistentVolumes, volumes),
    ]),
  );
  const pvcOfVolume = new Map<string, string>();
  for (const [key, resolution] of resolved)
    if ('volume' in resolution) pvcOfVolume.set(resolution.volume.metadata.name, key);

  const changes: ObjectChange[] = [];
  for (const [key, pvc] of pvcsByKey) {
    const keys = keysWanted.get(key) ?? new Set<string>();
    const resolution = resolved.get(key);
    const change = changeTo(pvc, keys);
    // Without a volume the PVC is reported, and neither labelled nor stripped.
    changes.push({
      on: 'PersistentVolumeClaim',
      object: pvc,
      ...change,
      ...(resolution && 'problem' in resolution && { add: [] }),
    });
  }
  for (const volume of facts.volumes) {
    const key = pvcOfVolume.get(volume.metadata.name) ?? pvcKeyOfVolume(volume);
    const pvc = key === undefined ? undefined : pvcsByKey.get(key);
    if (isSource(pvc)) {
      changes.push({ on: 'Volume', object: volume, add: [], drop: [], forget: [...ourLabels(volume)] });
      continue;
    }
    const keys = (key !== undefined && keysWanted.get(key)) || new Set<string>();
    const change = changeTo(volume, keys);
    changes.push({
      on: 'Volume',
      object: volume,
      ...change,
      ...(!pvcOfVolume.has(volume.metadata.name) && { add: [] }),
    });
  }
  const needed = changes.filter((change) => !isEmpty(change));
  return {
    changes: needed,
    rows: [...wantedRows(wanted, resolved, needed), ...removedRows(needed)],
    notes: [...pvcOfVolume].flatMap(([name, key]) =>
      defaultGroupNotes(pvcsByKey.get(key), volumes.get(name), needed),
    ),
  };
}

function keysByPvc(wanted: readonly WantedJob[]): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  for (const { job, pvcs } of wanted) {
    for (const pvc of pvcs)
      keys.set(pvcKey(pvc), (keys.get(pvcKey(pvc)) ?? new Set()).add(recurringJobLabel(job)));
  }
  return keys;
}

function wantedRows(
  wanted: readonly WantedJob[],
  resolved: ReadonlyMap<string, ReturnType<typeof resolveVolume>>,
  changes: readonly ObjectChange[],
): LabelRow[] {
  return wanted.flatMap(({ job, pvcs }) =>
    [...new Set(pvcs.map(pvcKey))].map((pvc): LabelRow => {
      const resolution = resolved.get(pvc);
      if (resolution === undefined || 'problem' in resolution) {
        return { job, pvc, result: 'problem', reason: resolution?.problem ?? 'not looked at' };
      }
      const volume = resolution.volume.metadata.name;
      const touched = changes.some((change) => {
        const name = change.on === 'Volume' ? volume : pvc;
        return nameOf(change) === name && change.add.includes(recurringJobLabel(job));
      });
      return { job, pvc, volume, result: touched ? 'labelled' : 'unchanged' };
    }),
  );
}

function removedRows(changes: readonly ObjectChange[]): LabelRow[] {
  const rows = new Map<string, LabelRow>();
  for (const change of changes) {
    const pvc = change.on === 'Volume' ? (pvcKeyOfVolume(change.object) ?? '') : nameOf(change);
    for (const key of change.drop) {
      const job = jobOfLabel(key) ?? key;
      const volume = change.on === 'Volume' ? change.object.metadata.name : rows.get(`${job} ${pvc}`)?.volume;
      rows.set(`${job} ${pvc}`, { job, pvc, ...(volume !== undefined && { volume }), result: 'removed' });
    }
  }
  return [...rows.values()];
}

/** How a change's object is named in rows: a PVC with its namespace, a Volume without. */
export function nameOf(change: ObjectChange): string {
  return change.on === 'Volume' ? change.object.metadata.name : pvcKeyOf(change.object);
}

/** Longhorn puts a Volume into group `default` only while it has no job label, and with a source PVC keeps just what the PVC carries. */
function defaultGroupNotes(
  pvc: PersistentVolumeClaim | undefined,
  volume: Volume | undefined,
  changes: readonly ObjectChange[],
): string[] {
  if (pvc === undefined || volume === undefined) return [];
  const adds = (object: KubeObject): boolean =>
    changes.some((change) => change.object === object && change.add.length > 0);
  const keep = `set ${DEFAULT_GROUP}=${LABEL_ENABLED} on`;
  const name = volume.metadata.name;
  if (isSource(pvc)) {
    const losesDefault = adds(pvc) && hasLabel(volume, DEFAULT_GROUP) && !hasLabel(pvc, DEFAULT_GROUP);
    const why = `its PVC ${pvcKeyOf(pvc)} is the source of its job labels and does not name that group`;
    return losesDefault
      ? [`Volume ${name} leaves the group default: ${why}. To keep it, ${keep} the PVC.`]
      : [];
  }
  const neverJoins = adds(volume) && enabledJobLabels(volume).length === 0;
  return neverJoins
    ? [
        `Volume ${name} will not join the group default, which takes volumes without any job label. To have both, ${keep} the Volume.`,
      ]
    : [];
}
