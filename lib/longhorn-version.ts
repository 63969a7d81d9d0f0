/** What depends on the version of Longhorn. */
import { expect, type Finding } from './problems';

export interface LonghornVersion {
  readonly major: number;
  readonly minor: number;
}

const PATTERN = /^v?(\d+)\.(\d+)(?:\.\d+)?(?:-[\w.-]+)?$/;

/** Of `1.12`, `v1.12.1`, `1.13.0-rc1`; undefined for anything else. */
export function parseLonghornVersion(text: string): LonghornVersion | undefined {
  const match = PATTERN.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : undefined;
}

export function checkLonghornVersion(text: string | undefined): Finding[] {
  const known = text === undefined || parseLonghornVersion(String(text)) !== undefined;
  return expect(known, 'longhornVersion', text, 'expected a version such as "1.12" or "v1.12.1"');
}

/** Whether a cluster with this version has what `since` brought. Without a version it does: it is taken as a current one. */
export function longhornHas(version: string | undefined, since: string): boolean {
  const has = version === undefined ? undefined : parseLonghornVersion(String(version));
  const needed = parseLonghornVersion(since);
  if (has === undefined || needed === undefined) return true;
  return has.major === needed.major ? has.minor >= needed.minor : has.major > needed.major;
}
