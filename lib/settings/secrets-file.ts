/** Reads the file with the values of the Secrets. Nothing of it is ever shown. */
import { CREDENTIAL_KEYS, type Credentials } from '../credentials';
import { didYouMean } from '../nearest-name';
import { problem, PropsError, type Problem } from '../problems';
import { YamlFile } from './yaml-file';

/**
 * The credentials in a file such as `secrets/longhorn.yaml`. Their values are not checked yet.
 * @throws PropsError
 */
export function readSecretsFile(path: string): Credentials {
  const file = YamlFile.read(path, { textOnly: true });
  const { value } = file;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const vault = typeof value === 'string' && value.startsWith('$ANSIBLE_VAULT');
    const reason = vault
      ? 'is encrypted by Ansible Vault: decrypt it first (ansible-vault view)'
      : 'expected one `key: value` a line';
    throw new PropsError([file.problemAt([], problem('', undefined, reason))]);
  }
  if ('sops' in value) {
    const reason = 'is encrypted by SOPS: decrypt it first (sops --decrypt)';
    throw new PropsError([file.problemAtKey([], 'sops', problem('', undefined, reason))]);
  }
  const problems = Object.entries(value).flatMap(([key, entry]): Problem[] => {
    if (!(CREDENTIAL_KEYS as readonly string[]).includes(key)) {
      const reason = `is no key here${didYouMean(key, CREDENTIAL_KEYS) || `: there are ${CREDENTIAL_KEYS.join(', ')}`}`;
      return [file.problemAtKey([], key, problem(key, undefined, reason))];
    }
    if (typeof entry === 'string') return [];
    return [file.problemAtKey([], key, problem(key, undefined, 'expected text'))];
  });
  if (problems.length > 0) throw new PropsError(problems);
  return value as Credentials;
}
