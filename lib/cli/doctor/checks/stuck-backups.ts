/** Backups that never end; they block the later runs of their job. */
import { volumeNameOf } from '../../last-backup';
import { formatDuration } from '../../output';
import { judge, ok, problem, type Check } from '../finding';

/** No progress to compare with is kept; a backup of a terabyte at 50 MB/s takes this long. */
const STUCK_AFTER_MS = 6 * 3_600_000;

export const stuckBackups: Check = {
  name: 'stuck backups',
  run: ({ backups, now, namespace }) =>
    judge(backups, 'Backups', (backups) => {
      const stuck = backups.flatMap((backup) => {
        const { name, creationTimestamp } = backup.metadata;
        const state = backup.status?.state || 'New';
        if (!['New', 'Pending', 'InProgress'].includes(state) || creationTimestamp === undefined) return [];
        const age = now.getTime() - new Date(creationTimestamp).getTime();
        if (age < STUCK_AFTER_MS) return [];
        const text = `it is ${state} at ${backup.status?.progress ?? 0} % since ${formatDuration(age)}, and later runs of its job wait for it`;
        const fix = `if it does not move: kubectl delete -n ${namespace} backups.longhorn.io ${name} (it is not finished, so no restore point is lost)`;
        return [problem(`Backup ${name} of ${volumeNameOf(backup) ?? 'an unknown volume'}`, text, fix)];
      });
      return stuck.length > 0
        ? stuck
        : [ok('Backups', `none has been running for over ${formatDuration(STUCK_AFTER_MS)}`)];
    }),
};
