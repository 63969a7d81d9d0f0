/** What Longhorn says about a backup target. Pure. */
import type { BackupTarget } from './kinds';

export type TargetState =
  | { readonly state: 'available' }
  | { readonly state: 'unavailable'; readonly message: string }
  | { readonly state: 'unset' }
  | { readonly state: 'unknown' };

export function targetState(target: BackupTarget): TargetState {
  if (!target.spec?.backupTargetURL) return { state: 'unset' };
  if (target.status?.available) return { state: 'available' };
  const condition = target.status?.conditions?.find(
    ({ type, status }) => type === 'Unavailable' && status === 'True',
  );
  if (condition)
    return { state: 'unavailable', message: condition.message ?? condition.reason ?? 'no message' };
  if (target.status?.available === undefined) return { state: 'unknown' };
  return { state: 'unavailable', message: 'Longhorn gives no reason' };
}
