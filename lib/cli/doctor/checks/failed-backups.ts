/** Backups that failed; Longhorn shows them for a day and never retries them. */
import { lastGoodBackup, timeOfBackup, volumeNameOf } from '../../last-backup';
import { byName, pvcKeyOfVolume } from '../../pvc-volume';
import { formatTime } from '../../output';
import { judgeAll, ok, problem, type Check, type Finding } from '../finding';

export const failedBackups: Check = {
  name: 'failed backups',
  run: ({ backups, volumes }) =>
    judgeAll({ backups, volumes }, 'failed backups', ({ backups, volumes }) => {
      const volumeByName = byName(volumes);
      const failed = backups.filter(({ status }) => status?.state === 'Error' || status?.state === 'Unknown');
      if (failed.length === 0) return [ok('Backups', 'none of those that Longhorn still shows has failed')];
      return failed.map((backup): Finding => {
        const name = volumeNameOf(backup);
        const volume = name === undefined ? undefined : volumeByName.get(name);
        const pvc = volume === undefined ? undefined : pvcKeyOfVolume(volume);
        const subject = `Backup ${backup.metadata.name} of ${pvc ?? name ?? 'an unknown volume'}`;
        const text = `failed: ${backup.status?.error || 'Longhorn gives no reason'}`;
        const good = volume && lastGoodBackup(volume, backups);
        if (good !== undefined && good.at > timeOfBackup(backup))
          return ok(subject, `${text}; a later one succeeded at ${formatTime(good.at)}`);
        return problem(
          subject,
          text,
          pvc === undefined ? 'make a backup in the Longhorn UI' : `longhaul backup now ${pvc}`,
        );
      });
    }),
};
