/** A catalog that says that so many blocks are stored, all of it proved, and an FTP root whose lease was given back after it: what a gateway starts from at once. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyring } from '../../gateway/seal/keyring';
import { seal } from '../../gateway/seal/seal';
import { Catalog } from '../../gateway/store/catalog';
import type { Directory } from '../../gateway/store/directory';
import type { ObjectRecord } from '../../gateway/store/object-record';
import { layout } from '../support/longhorn/layout';

const ROOT_ID = 'root-00000000000000aa';
const KEY = '42'.repeat(32);
/** Rows that go to disk together. */
const BATCH = 20_000;
/** Blocks of 100 GiB, each its own. */
export const BLOCKS_PER_VOLUME = 51_200;

export interface Prepared {
  readonly encryptionKey: string;
  readonly keys: readonly string[];
}

/** @param ftpRoot on disk, of an FTP server that shows it as `/` */
export async function prepareCatalog(directory: string, ftpRoot: string, objects: number): Promise<Prepared> {
  mkdirSync(join(ftpRoot, '_longhaul', 'lease-1-0-free'), { recursive: true });
  mkdirSync(join(ftpRoot, '_longhaul', ROOT_ID));
  mkdirSync(join(ftpRoot, 'longhorn'));
  mkdirSync(directory, { recursive: true });
  const catalog = new Catalog(join(directory, 'lmdb'));
  const keyring = createKeyring({ writeKey: Buffer.from(KEY, 'hex') });
  // With another set of keys than the gateway's, nothing would count as proved.
  await catalog.begin(1, { epoch: 0, renewals: 0, released: true }, ROOT_ID, keyring.keyIds);
  await catalog.addBucket('longhorn', Date.now(), true);
  const keys: string[] = [];
  for (let i = 0; i < objects; i++) {
    const checksum = createHash('sha512').update(String(i)).digest('hex').slice(0, 64);
    keys.push(layout.block(`pvc-${Math.floor(i / BLOCKS_PER_VOLUME)}`, checksum));
  }
  const header = seal(keyring, { bucket: '', key: '' }, { size: 2_000_000 }).headerBytes;
  const known = new Map<string, Directory>();
  for (let at = 0; at < keys.length; at += BATCH) {
    await Promise.all(keys.slice(at, at + BATCH).map((key) => add(catalog, known, key, recordWith(header))));
  }
  await catalog.close(true);
  return { encryptionKey: KEY, keys };
}

/** As from a file of its own: salt, nonce, MAC and MD5 are those of nobody else. */
function recordWith(header: Buffer): ObjectRecord {
  const own = Buffer.from(header);
  randomBytes(32).copy(own, 28);
  randomBytes(7).copy(own, 68);
  randomBytes(32).copy(own, 96);
  const etag = randomBytes(16).toString('hex');
  return {
    kind: 'object',
    size: 2_000_000,
    storedSize: 2_000_500,
    lastModified: 1_700_000_000_000,
    etag,
    header: own,
  };
}

async function add(
  catalog: Catalog,
  known: Map<string, Directory>,
  key: string,
  record: ObjectRecord,
): Promise<void> {
  const segments = key.split('/');
  const name = segments.pop() ?? '';
  const path = segments.join('/');
  let directory = known.get(path);
  if (!directory) {
    directory = catalog.root('longhorn')!;
    for (const segment of segments) directory = await catalog.addDirectory(directory, segment, true);
    known.set(path, directory);
  }
  await catalog.putFile(directory, name, record);
}
