/** Whether the ConfigMap of Longhorn's defaults overrides the backup target. */
import { parse } from 'yaml';
import { DEFAULT_TARGET } from '../../../names';
import { parseGoDuration } from '../../../go-duration';
import { describeObject, type BackupTarget } from '../../kinds';
import { judgeAll, listed, ok, problem, type Check } from '../finding';

/** Name of the ConfigMap, and the key in it. */
export const DEFAULT_RESOURCE_NAME = 'longhorn-default-resource';
const DATA_KEY = 'default-resource.yaml';

export const defaultResource: Check = {
  name: 'defaults of Longhorn',
  run: ({ defaultResource: fact, backupTargets, namespace }) => {
    const subject = describeObject('ConfigMap', DEFAULT_RESOURCE_NAME, namespace);
    return judgeAll({ configMap: fact, backupTargets }, subject, ({ configMap, backupTargets }) => {
      const target = backupTargets.find(({ metadata }) => metadata.name === DEFAULT_TARGET);
      const overridden = differences(configMap?.data?.[DATA_KEY] ?? '', target);
      if (overridden === undefined)
        return [problem(subject, `${DATA_KEY} in it is no YAML`, `correct data["${DATA_KEY}"]`)];
      if (overridden.length === 0) return [ok(subject, 'it does not override the backup target')];
      const text = `it sets ${listed(overridden)} to something else, and wins over the BackupTarget whenever longhorn-manager starts`;
      return [
        problem(
          subject,
          text,
          `remove these keys from data["${DATA_KEY}"] (Helm: defaultBackupStore), or set them to what the BackupTarget says`,
        ),
      ];
    });
  },
};

/** Keys that are there, even if empty, and say something else than the target; undefined for text that is no YAML. */
function differences(text: string, target: BackupTarget | undefined): string[] | undefined {
  let values: unknown;
  try {
    values = parse(text);
  } catch {
    return undefined;
  }
  if (typeof values !== 'object' || values === null) return [];
  const { backupTargetURL, credentialSecret, pollInterval } = target?.spec ?? {};
  const current: Readonly<Record<string, string | number | undefined>> = {
    'backup-target': backupTargetURL ?? '',
    'backup-target-credential-secret': credentialSecret ?? '',
    'backupstore-poll-interval': pollInterval === undefined ? undefined : parseGoDuration(pollInterval),
  };
  return Object.entries(values)
    .filter(([key, value]) => key in current && String(value ?? '') !== String(current[key] ?? ''))
    .map(([key]) => key);
}
