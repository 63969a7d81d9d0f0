/** Sealed blocks on the disk of an FTP server, as a gateway would have stored them, and nothing else of it: no catalog, no checkpoint, no mark of its keys. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createKeyring } from '../../gateway/seal/keyring';
import { seal } from '../../gateway/seal/seal';
import { encodeMetadata } from '../../gateway/store/file-metadata';
import { DEFAULT_ATTRIBUTES } from '../../gateway/store/object-record';
import { objectPath } from '../../gateway/store/remote-path';
import { bodyOf } from '../support/bodies';
import { ACCOUNT_GID, ACCOUNT_UID } from '../support/ftp-servers/programs';

/** Bytes of a block. Sealed it is longer than the tail that tells of it, so that it takes a read from the middle, as a block of 2 MiB does. */
const SIZE = 4096;

/** @param root on disk, of what is the gateway's FTP root */
export async function storeBlocks(
  root: string,
  encryptionKey: string,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  const keyring = createKeyring({ writeKey: Buffer.from(encryptionKey, 'hex') });
  const body = randomBytes(SIZE);
  const etag = createHash('md5').update(body).digest('hex');
  const metadata = encodeMetadata({
    ...DEFAULT_ATTRIBUTES,
    size: SIZE,
    etag,
    lastModified: 1_700_000_000_000,
  });
  for (const key of keys) {
    const path = join(root, objectPath(bucket, key));
    mkdirSync(dirname(path), { recursive: true });
    const pieces: Buffer[] = [];
    const { stream } = seal(keyring, { bucket, key }, { size: SIZE });
    for await (const piece of stream(bodyOf(body).open(), () => metadata)) pieces.push(piece);
    writeFileSync(path, Buffer.concat(pieces));
  }
  execFileSync('chown', ['-R', `${ACCOUNT_UID}:${ACCOUNT_GID}`, root]);
}
