/** All checks, in the order in which a fault in one explains those after it. */
import type { Check } from '../finding';
import { backupAge } from './backup-age';
import { backupTarget } from './backup-target';
import { credentials } from './credentials';
import { defaultResource } from './default-resource';
import { detachedSetting } from './detached-setting';
import { endpoint } from './endpoint';
import { failedBackups } from './failed-backups';
import { ftpServer } from './ftp-server';
import { gateway } from './gateway';
import { labels } from './labels';
import { logs } from './logs';
import { longhornVersion } from './longhorn-version';
import { recurringJobs } from './recurring-jobs';
import { stuckBackups } from './stuck-backups';
import { timeZone } from './time-zone';
import { unprotectedVolumes } from './unprotected-volumes';

export const CHECKS: readonly Check[] = [
  longhornVersion,
  gateway,
  ftpServer,
  credentials,
  endpoint,
  backupTarget,
  defaultResource,
  detachedSetting,
  recurringJobs,
  timeZone,
  labels,
  unprotectedVolumes,
  backupAge,
  failedBackups,
  stuckBackups,
  logs,
];
