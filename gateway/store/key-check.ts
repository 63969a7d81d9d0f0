/** Tells a wrong key before anything is written with it: a sealed, empty file on the FTP server for each key that ever sealed there. */

import type { RemoteTree } from '../ftp/remote-tree';
import { IntegrityError } from '../seal/errors';
import type { Keyring } from '../seal/keyring';
import { openTail } from '../seal/open';
import { seal } from '../seal/seal';
import type { RemoteLayout } from './remote-layout';

const NAME = /^key-([0-9a-f]{32})$/;
const CONTEXT = { bucket: '_longhaul', key: 'key-check' };

/** The objects below this FTP root cannot be read, or not be written alike, with the configuration at hand. */
export class WrongKeyError extends Error {
  override readonly name = 'WrongKeyError';
}

export interface KeyCheckOptions {
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
  /** Absent: no key is given. */
  readonly keyring?: Keyring;
}

/** Throws `WrongKeyError`. `temporary` is a path for this call alone. */
export async function checkKey(
  options: KeyCheckOptions,
  names: readonly string[],
  temporary: string,
): Promise<void> {
  const { tree, layout, keyring } = options;
  const known = names.flatMap((name) => NAME.exec(name)?.[1] ?? []);
  if (!keyring) {
    if (known.length === 0) return;
    throw new WrongKeyError(
      `${layout.root} holds objects sealed with the key ${known.join(' or ')}, and no ENCRYPTION_KEY is set`,
    );
  }
  const path = `${layout.own}/key-${keyring.writeKeyId}`;
  if (known.includes(keyring.writeKeyId)) return openCheck(tree, keyring, path);
  const missing = known.filter((id) => !keyring.keyIds.includes(id));
  if (missing.length > 0) {
    throw new WrongKeyError(
      `${layout.root} holds objects sealed with the key ${missing.join(' and ')}; ENCRYPTION_KEY is the key ${keyring.writeKeyId}`,
    );
  }
  const body = (): AsyncIterable<Buffer> =>
    seal(keyring, CONTEXT, { size: 0 }).stream(nothing(), () => Buffer.from('{}'));
  await tree.putFile({ temporary, target: path, aside: `${temporary}.aside`, body, replayable: true });
}

async function openCheck(tree: RemoteTree, keyring: Keyring, path: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of tree.read(path)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  try {
    openTail(keyring, CONTEXT, bytes, bytes.length);
  } catch (error) {
    if (!(error instanceof IntegrityError)) throw error;
    throw new WrongKeyError(`${path} does not open with ENCRYPTION_KEY: ${error.message}`, { cause: error });
  }
}

async function* nothing(): AsyncGenerator<Buffer> {
  // The metadata is all that the file holds.
}
