import { isDnsLabel } from './kube-names';
import { expect, type Finding } from './problems';

/** Problems of the prop `namespace`. */
export function checkNamespace(namespace: string | undefined): Finding[] {
  return expect(
    namespace === undefined || isDnsLabel(namespace),
    'namespace',
    namespace,
    'expected the namespace of Longhorn: at most 63 of a-z, 0-9 and inner hyphens',
  );
}
