/** Which labels of an object we have set ourselves, remembered in an annotation, and the patch that changes them. Pure. */
import { LABEL_ENABLED, OUR_LABELS_ANNOTATION } from '../../names';
import type { KubeObject } from '../kinds';
import { hasLabel } from './job-labels';

/** Changes to the job labels of one object. */
export interface LabelChange {
  /** Keys to set to `enabled`, and to remember as ours. */
  readonly add: readonly string[];
  /** Keys of ours that are no longer wanted. */
  readonly drop: readonly string[];
  /** Keys of ours that stay as they are and are someone else's from now on. */
  readonly forget: readonly string[];
}

export function isEmpty(change: LabelChange): boolean {
  return change.add.length + change.drop.length + change.forget.length === 0;
}

/** The label keys that we set on this object. */
export function ourLabels(object: KubeObject): Set<string> {
  const list = object.metadata.annotations?.[OUR_LABELS_ANNOTATION] ?? '';
  return new Set(list.split(',').filter((key) => key !== ''));
}

/** Sets what is wanted, and drops what we once set and nobody wants any more. */
export function changeTo(object: KubeObject, wanted: ReadonlySet<string>): LabelChange {
  return {
    add: [...wanted].filter((key) => !hasLabel(object, key)),
    drop: [...ourLabels(object)].filter((key) => !wanted.has(key)),
    forget: [],
  };
}

/**
 * The JSON merge patch for a change, made for the object as it is now; undefined where nothing is left to do. It carries the resource
 * version, so that the server refuses it if anyone was faster.
 */
export function patchFor(object: KubeObject, change: LabelChange): object | undefined {
  const ours = ourLabels(object);
  const before = [...ours].join(',');
  const labels: Record<string, string | null> = {};
  for (const key of change.add) {
    if (hasLabel(object, key)) continue;
    labels[key] = LABEL_ENABLED;
    ours.add(key);
  }
  for (const key of change.drop) {
    // A value that somebody changed is theirs.
    if (ours.delete(key) && hasLabel(object, key)) labels[key] = null;
  }
  for (const key of change.forget) ours.delete(key);
  const after = [...ours].join(',');
  if (Object.keys(labels).length === 0 && before === after) return undefined;
  const { resourceVersion } = object.metadata;
  return {
    metadata: {
      resourceVersion,
      labels,
      annotations: { [OUR_LABELS_ANNOTATION]: after === '' ? null : after },
    },
  };
}
