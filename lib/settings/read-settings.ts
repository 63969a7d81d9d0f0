/** From `longhaul.yaml` to the props of the constructs. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Credentials } from '../credentials';
import type { LonghornBackupProps, TargetOptions } from '../longhorn-backup';
import { problem, PropsError, type Problem } from '../problems';
import type { TargetSecretsProps } from '../target-secrets';
import { checkSettings } from './check-settings';
import { readSecretsFile } from './secrets-file';
import type { Settings, TargetSettings } from './settings';
import { YamlFile, type DocumentPath } from './yaml-file';

export interface ReadSettings {
  readonly stack: LonghornBackupProps;
  /** Of the targets with a secrets file. */
  readonly secrets: readonly TargetSecretsProps[];
}

/**
 * Reads the first of the files that exists.
 * @throws PropsError with every problem of the files; those of the values are told when the constructs are made of them
 */
export function readSettings(paths: readonly string[]): ReadSettings {
  const path = paths.find((each) => existsSync(each));
  if (path === undefined) {
    throw new PropsError([{ path: paths[0] ?? '', ...problem('', undefined, 'does not exist') }]);
  }
  const file = YamlFile.read(path, { textOnly: false });
  const problems = checkSettings(file);
  if (problems.length > 0) throw new PropsError(problems);
  const { targets = [{}], ...settings } = file.value as Settings;
  const read = targets.map((target, index) => readTarget(file, path, target, ['targets', index]));
  const failures = read.flatMap((each) => each.problems);
  if (failures.length > 0) throw new PropsError(failures);
  return {
    stack: { ...settings, targets: read.map(({ target }) => target) },
    secrets: read.flatMap(({ target, credentials }) =>
      credentials === undefined ? [] : [{ target, credentials, namespace: settings.namespace }],
    ),
  };
}

interface ReadTarget {
  readonly target: TargetOptions;
  readonly credentials?: Credentials;
  readonly problems: readonly Problem[];
}

/** Bucket and region may stand in the secrets file, but not differ there. */
function readTarget(
  file: YamlFile,
  path: string,
  { secretsFile, ...target }: TargetSettings,
  at: DocumentPath,
): ReadTarget {
  if (secretsFile === undefined) return { target, problems: [] };
  const secretsPath = isAbsolute(secretsFile) ? secretsFile : join(dirname(path), secretsFile);
  let credentials: Credentials;
  try {
    credentials = readSecretsFile(secretsPath);
  } catch (error) {
    if (error instanceof PropsError) return { target, problems: error.problems };
    throw error;
  }
  const [bucket, region] = [
    credentials.backup_bucket_name || undefined,
    credentials.backup_region || undefined,
  ];
  const differing = [
    ['bucket', bucket, 'backup_bucket_name'] as const,
    ['region', region, 'backup_region'] as const,
  ].filter(([key, other]) => target[key] !== undefined && other !== undefined && target[key] !== other);
  return {
    target: { bucket, region, ...target },
    credentials,
    problems: differing.map(([key, , other]) =>
      file.problemAt(
        [...at, key],
        problem(key, target[key], `${secretsFile} has another \`${other}\`: leave one of them out`),
      ),
    ),
  };
}
