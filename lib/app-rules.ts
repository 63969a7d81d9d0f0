/** Rules that no single construct can check: they hold between the objects of a whole app. */
import { ApiObject } from 'cdk8s';
import type { Construct, IConstruct } from 'constructs';
import { BackupTarget } from '../imports/longhorn.io';
import { describeProblem, problem, problemsOf, type Problem } from './problems';

const WATCHED = 'longhaul:app-rules';

/** Makes the synth of the app that holds the construct check these rules. Asked for any number of times, it checks once. */
export function watchApp(construct: Construct): void {
  const { root } = construct.node;
  if (root.node.metadata.some(({ type }) => type === WATCHED)) return;
  root.node.addMetadata(WATCHED, true);
  root.node.addValidation({ validate: () => conflicts(root).map(describeProblem) });
}

/** Every problem of an app, without writing anything. */
export function problemsOfApp(app: IConstruct): Problem[] {
  return [...problemsOf(app), ...conflicts(app)];
}

function conflicts(root: IConstruct): Problem[] {
  const objects = root.node.findAll().filter((construct) => ApiObject.isApiObject(construct));
  return [
    ...repeated(objects, identity, (first) => `the object at ${first} has the same kind and name`),
    ...repeated(
      objects.filter(isBackupTarget),
      targetUrl,
      (first) =>
        `the BackupTarget at ${first} has the same URL, and Longhorn refuses that: give them different buckets or regions`,
    ),
  ];
}

/** cdk8s writes two objects of one name, and the cluster keeps the one that is applied last. */
function identity(object: ApiObject): string {
  const { namespace } = object.metadata;
  return `${object.apiGroup} ${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${object.name}`;
}

/** Not by `instanceof`: cdk8s makes that true for every ApiObject. */
function isBackupTarget({ apiVersion, kind }: ApiObject): boolean {
  return apiVersion === BackupTarget.GVK.apiVersion && kind === BackupTarget.GVK.kind;
}

/** Longhorn compares URLs without regard to case. */
function targetUrl(object: ApiObject): string {
  const { spec } = object.toJson() as { spec: { backupTargetURL: string } };
  return spec.backupTargetURL.toLowerCase();
}

/** A problem for every object whose key an earlier one has. */
function repeated(
  objects: readonly ApiObject[],
  keyOf: (object: ApiObject) => string,
  reason: (first: string) => string,
): Problem[] {
  const firsts = new Map<string, string>();
  return objects.flatMap((object) => {
    const key = keyOf(object);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, object.node.path);
      return [];
    }
    return [{ ...problem('', key.trim(), reason(first)), path: object.node.path }];
  });
}
