/** Copies a stored file from one location to another as it is, proved on the way. */

import { createHash } from 'node:crypto';
import { RemoteRefused } from '../ftp/remote-tree';
import type { SealContext } from '../seal/context';
import type { Keyring } from '../seal/keyring';
import { openWhole } from '../seal/open';
import type { Location } from './mirror-root';
import { isDamage } from './object-files';

/** The object changes just now, or cannot be told yet: look again. */
export class MovingError extends Error {
  override readonly name = 'MovingError';
}

/** What the first location has is not what was stored: the mirror keeps what it has. */
export class DamagedSourceError extends Error {
  override readonly name = 'DamagedSourceError';
}

/** A stored file, as its record tells. */
export interface StoredCopy {
  readonly context: SealContext;
  readonly storedSize: number;
  /** Absent for a plain one. */
  readonly header?: Buffer;
  /** Of a plain one: hex MD5, where that is known. */
  readonly etag?: string;
}

const MD5 = /^[0-9a-f]{32}$/;

export interface FileCopy {
  readonly from: Location;
  readonly to: Location;
  readonly paths: { readonly from: string; readonly to: string; readonly temporary: string };
  readonly file: StoredCopy;
  readonly keyring?: Keyring;
  /** Asked when all bytes have passed: whether they are those of the file that was meant. */
  readonly isUnchanged: () => boolean;
}

/** Copies a stored file as it is, and proves it on the way: only what opens, or has its MD5, gets its name. */
export async function copyFile(copy: FileCopy): Promise<void> {
  const { to, paths, file } = copy;
  await to.tree.putFile({
    temporary: paths.temporary,
    target: paths.to,
    aside: to.layout.aside(paths.to),
    body: () => provedBytes(copy),
    replayable: true,
    size: file.storedSize,
  });
}

async function* provedBytes({ from, paths, file, keyring, isUnchanged }: FileCopy): AsyncGenerator<Buffer> {
  const { context, storedSize, header, etag } = file;
  const source = from.tree.read(paths.from, { end: storedSize });
  try {
    if (header && keyring) yield* opening(source, keyring, context, header);
    else yield* digesting(source, etag);
  } catch (error) {
    if (!isUnchanged()) throw new MovingError('it changed meanwhile', { cause: error });
    if (isDamage(error) || error instanceof RemoteRefused)
      throw new DamagedSourceError(error.message, { cause: error });
    throw error;
  }
  if (!isUnchanged()) throw new MovingError('it changed meanwhile');
}

/** The stored bytes, while their seal is opened; the last of them only when all of it has proved sound. */
async function* opening(
  source: AsyncIterable<Buffer>,
  keyring: Keyring,
  context: SealContext,
  headerBytes: Buffer,
): AsyncGenerator<Buffer> {
  let passed: Buffer[] = [];
  const tapped = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      passed.push(chunk);
      yield chunk;
    }
  };
  const opened = openWhole(keyring, context, tapped(), { headerBytes });
  for (let next = await opened.next(); ; next = await opened.next()) {
    const chunks = passed;
    passed = [];
    yield* chunks;
    if (next.done) return;
  }
}

async function* digesting(source: AsyncIterable<Buffer>, etag = ''): AsyncGenerator<Buffer> {
  const md5 = createHash('md5');
  for await (const chunk of source) {
    md5.update(chunk);
    yield chunk;
  }
  if (MD5.test(etag) && md5.digest('hex') !== etag)
    throw new DamagedSourceError('the stored bytes do not have the MD5 that they were stored with');
}
