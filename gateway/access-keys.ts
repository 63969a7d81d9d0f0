/** The access keys in the environment. */
import type { EnvironmentReader } from './environment-reader';
import { RIGHTS, type AccessKey } from './s3/access-key';

const BUCKET_NAMES = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](,[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])*$/;

/**
 * The pair of `S3_ACCESS_KEY` and `S3_SECRET_KEY`, which may do everything, and one for each `S3_ACCESS_KEY_<NAME>`, with
 * `S3_SECRET_KEY_<NAME>`, `S3_RIGHTS_<NAME>` and perhaps `S3_BUCKETS_<NAME>`. Rights are never guessed.
 */
export function readAccessKeys(read: EnvironmentReader): AccessKey[] {
  const keys: AccessKey[] = [{ name: 'default', ...readKeyPair(read, ''), rights: 'read-write' }];
  for (const name of read.suffixes(/^S3_(?:ACCESS_KEY|SECRET_KEY|RIGHTS|BUCKETS)_(.+)$/)) {
    const rights = read.oneOf(`S3_RIGHTS_${name}`, RIGHTS);
    const expected = 'bucket names with commas between them';
    const buckets = read.matching(`S3_BUCKETS_${name}`, BUCKET_NAMES, expected, undefined)?.split(',');
    const pair = readKeyPair(read, `_${name}`);
    if (keys.some(({ accessKeyId }) => accessKeyId !== '' && accessKeyId === pair.accessKeyId))
      read.problems.push(
        `S3_ACCESS_KEY_${name} has the value of another access key: expected one of its own`,
      );
    keys.push({ name: name.toLowerCase(), ...pair, rights, ...(buckets && { buckets }) });
  }
  return keys;
}

function readKeyPair(
  read: EnvironmentReader,
  suffix: string,
): Pick<AccessKey, 'accessKeyId' | 'secretAccessKey'> {
  const expected = '3 to 128 letters, digits or _.+=@-';
  return {
    accessKeyId: read.matching(`S3_ACCESS_KEY${suffix}`, /^[\w.+=@-]{3,128}$/, expected) ?? '',
    secretAccessKey: read.text(`S3_SECRET_KEY${suffix}`, 8),
  };
}
