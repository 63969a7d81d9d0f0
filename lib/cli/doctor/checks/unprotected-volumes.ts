/** Which volumes no job backs up. */
import { isBackupJob, isInJob } from '../../job-membership';
import { pvcKeyOfVolume } from '../../pvc-volume';
import { judgeAll, listed, ok, problem, type Check } from '../finding';

export const unprotectedVolumes: Check = {
  name: 'volumes in no job',
  run: ({ volumes, recurringJobs }) =>
    judgeAll({ volumes, recurringJobs }, 'Volumes', ({ volumes, recurringJobs }) => {
      const jobs = recurringJobs.filter(isBackupJob);
      const without = volumes.filter((volume) => !jobs.some((job) => isInJob(volume, job)));
      const names = without.map((volume) => pvcKeyOfVolume(volume) ?? volume.metadata.name);
      if (volumes.length === 0) return [ok('Volumes', 'there are none')];
      if (without.length === 0)
        return [ok('Volumes', `all ${volumes.length} are in a job that backs them up`)];
      if (without.length === volumes.length)
        return [
          problem(
            'Volumes',
            'no volume is in a job that makes backups',
            'longhaul label --job <job>=<namespace>/<pvc>',
          ),
        ];
      return [
        ok(
          'Volumes',
          `${without.length} of ${volumes.length} are in no job that backs them up, which may be meant: ${listed(names)}`,
        ),
      ];
    }),
};
