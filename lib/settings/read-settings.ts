/** From `longhaul.yaml` to the props of the constructs. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { LonghornBackupProps, TargetOptions } from '../longhorn-backup';
import { problem, PropsError, type Problem } from '../problems';
import type { TargetSecretsProps } from '../target-secrets';
import { checkSettings } from './check-settings';
import { readSecretsFile } from './secrets-file';
import type { Settings, TargetSettings } from './settings';
import { formatPath, readText, YamlFile, type DocumentPath } from './yaml-file';

/** What `longhaul.yaml` says. */
export interface ReadSettings {
  /** The props of `LonghornBackup`. */
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
    secrets: read.flatMap(({ target, secrets }) =>
      secrets === undefined ? [] : [{ target, ...secrets, namespace: settings.namespace }],
    ),
  };
}

interface ReadTarget {
  readonly target: TargetOptions;
  readonly secrets?: Omit<TargetSecretsProps, 'target' | 'namespace'>;
  readonly problems: readonly Problem[];
}

/** Bucket and region may stand in the secrets file, but not differ there. */
function readTarget(
  file: YamlFile,
  path: string,
  { secretsFile, authorityFile, ...target }: TargetSettings,
  at: DocumentPath,
): ReadTarget {
  const findAt = (key: string, value: unknown, reason: string): Problem =>
    file.problemAt([...at, key], problem(formatPath([...at, key]), value, reason));
  if (secretsFile === undefined) {
    const reason = 'is for the Secrets that are made from `secretsFile`, and there is none';
    const problems = authorityFile === undefined ? [] : [findAt('authorityFile', authorityFile, reason)];
    return { target, problems };
  }
  try {
    const credentials = readSecretsFile(beside(path, secretsFile));
    const authority = authorityFile === undefined ? undefined : readText(beside(path, authorityFile));
    const { backup_bucket_name, backup_region } = credentials;
    const [bucket, region] = [backup_bucket_name || undefined, backup_region || undefined];
    const differs = (key: 'bucket' | 'region', other: string | undefined): boolean =>
      target[key] !== undefined && other !== undefined && target[key] !== other;
    const problems = [
      ...(differs('bucket', bucket) ? [['bucket', 'backup_bucket_name'] as const] : []),
      ...(differs('region', region) ? [['region', 'backup_region'] as const] : []),
    ].map(([key, other]) =>
      findAt(key, target[key], `${secretsFile} has another \`${other}\`: leave one of them out`),
    );
    return { target: { bucket, region, ...target }, secrets: { credentials, authority }, problems };
  } catch (error) {
    if (error instanceof PropsError) return { target, problems: error.problems };
    throw error;
  }
}

function beside(path: string, file: string): string {
  return isAbsolute(file) ? file : join(dirname(path), file);
}
