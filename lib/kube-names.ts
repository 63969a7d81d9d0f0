/** What Kubernetes and Longhorn take as names and label keys. */

/** At most 63 of a-z, 0-9 and inner hyphens: Services, namespaces, what goes into a host name. */
export function isDnsLabel(name: string): boolean {
  return name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name);
}

/** DNS labels with dots between them, at most 253 characters: names of most objects. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= 253 && name.split('.').every((part) => /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(part));
}

/** The part of a label key behind the slash. */
export function isLabelName(name: string): boolean {
  return name.length <= 63 && /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(name);
}

/** `name` or `prefix/name`. */
export function isLabelKey(key: string): boolean {
  const [first = '', second, ...more] = key.split('/');
  if (more.length > 0) return false;
  return second === undefined ? isLabelName(first) : isDnsSubdomain(first) && isLabelName(second);
}
