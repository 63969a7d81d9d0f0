/** The variables of the encryption keys: the one that seals, and those that only open. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnvironmentReader } from './environment-reader';
import type { KeyringOptions } from './seal/keyring';

const KEY = /^[0-9a-f]{64}$/i;
const LIST = /^[0-9a-f]{64}(?:[\s,]+[0-9a-f]{64})*$/i;
const EXPECTED_DIRECTORY = 'a directory with one key of 64 hex digits a file';

/**
 * `ENCRYPTION_KEY` seals. `ENCRYPTION_KEYS` and the files of `ENCRYPTION_KEYS_DIR` only open, so that nothing but the one variable decides
 * which key seals. Undefined without `ENCRYPTION_KEY`.
 */
export function readEncryptionKeys(read: EnvironmentReader): KeyringOptions | undefined {
  const writeKey = read.key('ENCRYPTION_KEY');
  const list = read.matching(
    'ENCRYPTION_KEYS',
    LIST,
    'keys of 64 hex digits, with commas between them',
    undefined,
  );
  const directory = read.matching('ENCRYPTION_KEYS_DIR', /./, EXPECTED_DIRECTORY, undefined);
  if (!writeKey) {
    for (const [name, value] of Object.entries({ ENCRYPTION_KEYS: list, ENCRYPTION_KEYS_DIR: directory })) {
      if (value)
        read.problems.push(
          `${name} is set without ENCRYPTION_KEY: expected the key that seals in ENCRYPTION_KEY; those of ${name} only open`,
        );
    }
    return undefined;
  }
  const listed = (list?.split(/[\s,]+/) ?? []).map((key) => Buffer.from(key, 'hex'));
  const filed = directory === undefined ? [] : readKeyFiles(read, directory);
  return { writeKey, readKeys: [...listed, ...filed] };
}

/** One key a file, whatever its name; names that begin with a dot are skipped, as Kubernetes has them beside the keys of a mounted Secret. */
function readKeyFiles(read: EnvironmentReader, directory: string): Buffer[] {
  try {
    const names = readdirSync(directory).filter((name) => !name.startsWith('.'));
    return names.flatMap((name) => {
      const key = readFileSync(join(directory, name), 'latin1').trim();
      if (KEY.test(key)) return [Buffer.from(key, 'hex')];
      read.problems.push(
        `ENCRYPTION_KEYS_DIR has a file ${name} that holds no key: expected 64 hex digits, found ${key.length} characters`,
      );
      return [];
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    read.problems.push(`ENCRYPTION_KEYS_DIR cannot be read (${code}): expected ${EXPECTED_DIRECTORY}`);
    return [];
  }
}
