/**
 * Tells wrong keys before anything is answered or written with them. The gateway's own directory says what may be needed to read what lies
 * below the FTP root: a file `key-<key id>`, sealed and empty, for each key that may have sealed something, and a directory `plain` while
 * there may be files without seal. Whoever holds the lease makes them before it writes anything else, and takes one away only when it has
 * proved that nothing depends on it.
 */

import { RemoteRefused, RemoteUnavailable, type RemoteTree } from '../ftp/remote-tree';
import { isBucketName } from '../s3/bucket-name';
import type { SealContext } from '../seal/context';
import { IntegrityError } from '../seal/errors';
import { headerKeyId, looksSealed } from '../seal/header';
import type { Keyring } from '../seal/keyring';
import { openTail } from '../seal/open';
import { seal } from '../seal/seal';
import type { RemoteLayout } from './remote-layout';
import { parseName } from './remote-path';

const NAME = /^key-([0-9a-f]{32})$/;
/** In the place of a key id: no seal at all. */
export const PLAIN = 'plain';
const CONTEXT: SealContext = { bucket: '_longhaul', key: 'key-check' };
/** Bytes at the start of a file that tell whether, and by which key, it is sealed. */
const SEAL_MARK_SIZE = 28;
/** Directories that are looked into for a first object, where nothing else tells how objects are stored. */
const MOST_LISTINGS = 20;

/** What a file is sealed with: a key id, or `plain`. */
export type SealedBy = string;

/** The objects below this FTP root cannot be read, or not be written alike, with the configuration at hand. */
class WrongKeyError extends Error {
  override readonly name = 'WrongKeyError';
}

export interface KeyCheckOptions {
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
  /** Absent: no key is given. */
  readonly keyring?: Keyring;
  /** Whether files without seal are to be read although there is a key. */
  readonly readPlain: boolean;
}

export class KeyCheck {
  /** Whether files without seal may lie below the root; they are read only then. */
  #hasPlain = false;
  #known: readonly string[] = [];

  constructor(private readonly options: KeyCheckOptions) {}

  /** Whether files without seal are read. */
  get readsPlain(): boolean {
    const { keyring, readPlain } = this.options;
    return !keyring || (readPlain && this.#hasPlain);
  }

  /** What files below the root may be sealed with. */
  get inUse(): readonly SealedBy[] {
    return [...this.#known, ...(this.#hasPlain ? [PLAIN] : [])];
  }

  /** What can be read with the configuration at hand. */
  get readable(): readonly SealedBy[] {
    const { keyring } = this.options;
    return [...(keyring?.keyIds ?? []), ...(this.readsPlain ? [PLAIN] : [])];
  }

  /**
   * Throws `WrongKeyError`; leaves the root marked with what will be written. Call it as the holder of the lease.
   * @param names in the gateway's own directory, as they are now
   * @param temporary a path for this call alone
   */
  async check(names: readonly string[], temporary: string): Promise<void> {
    this.#known = names.flatMap((name) => NAME.exec(name)?.[1] ?? []);
    this.#hasPlain = names.includes(PLAIN);
    // A root that was never served from may hold a tree that something else made.
    if (this.inUse.length === 0) await this.#recognize(await this.#firstObject());
    const { keyring } = this.options;
    if (keyring) await this.#checkKeyring(keyring, temporary);
    else await this.#checkKeyless();
  }

  /** Takes away the mark of what nothing is sealed with any more. */
  async forget(sealedBy: SealedBy, temporary: string): Promise<void> {
    const { tree } = this.options;
    if (sealedBy === PLAIN) {
      this.#hasPlain = false;
      await tree.removeDir(this.#plainPath);
      return;
    }
    this.#known = this.#known.filter((id) => id !== sealedBy);
    // Moved away first: a delete that the server carries out late cannot meet a file made anew.
    await tree.rename(this.#checkPath(sealedBy), temporary);
    await tree.remove(temporary);
  }

  async #checkKeyless(): Promise<void> {
    const { layout, tree } = this.options;
    if (this.#known.length > 0)
      throw new WrongKeyError(
        `${layout.root} holds objects sealed with the key ${this.#known.join(' and ')}, and no ENCRYPTION_KEY is set`,
      );
    await tree.makeDir(this.#plainPath);
    this.#hasPlain = true;
  }

  async #checkKeyring(keyring: Keyring, temporary: string): Promise<void> {
    const { layout, readPlain, tree } = this.options;
    const missing = this.#known.filter((id) => !keyring.has(id));
    if (missing.length > 0)
      throw new WrongKeyError(
        `${layout.root} holds objects sealed with the key ${missing.join(' and ')}; expected it in ENCRYPTION_KEYS or ENCRYPTION_KEYS_DIR (ENCRYPTION_KEY is the key ${keyring.writeKeyId})`,
      );
    for (const id of this.#known) await this.#openCheck(keyring, this.#checkPath(id));
    if (this.#hasPlain && !readPlain) {
      if ((await this.#firstObject()) !== undefined)
        throw new WrongKeyError(
          `${layout.root} may hold objects without seal: expected PLAIN_OBJECTS=read until "longhaul keys rotate" has sealed them all`,
        );
      // A gateway without a key was here, and stored nothing.
      await this.forget(PLAIN, temporary);
    }
    if (this.#known.includes(keyring.writeKeyId)) return;
    const body = (): AsyncIterable<Buffer> =>
      seal(keyring, CONTEXT, { size: 0 }).stream(nothing(), () => Buffer.from('{}'));
    const target = this.#checkPath(keyring.writeKeyId);
    await tree.putFile({ temporary, target, aside: `${temporary}.aside`, body, replayable: true });
    this.#known = [...this.#known, keyring.writeKeyId];
  }

  async #openCheck(keyring: Keyring, path: string): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.options.tree.read(path)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    try {
      openTail(keyring, CONTEXT, bytes, bytes.length);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      throw new WrongKeyError(`${path} does not open with the key that its name says: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** Marks the root with how its first object is stored. */
  async #recognize(first: SealedBy | undefined): Promise<void> {
    const { keyring, layout, tree } = this.options;
    if (first === undefined) return;
    if (first !== PLAIN) {
      if (keyring?.has(first)) return;
      throw new WrongKeyError(
        `${layout.root} holds objects sealed with the key ${first}, and ${keyring ? `ENCRYPTION_KEY is the key ${keyring.writeKeyId}` : 'no ENCRYPTION_KEY is set'}`,
      );
    }
    await tree.makeDir(this.#plainPath);
    this.#hasPlain = true;
  }

  /** How the first object that is found is stored; undefined if there is none. Throws `RemoteUnavailable` where that cannot be told. */
  async #firstObject(): Promise<SealedBy | undefined> {
    const { tree, layout } = this.options;
    const open = [layout.root];
    for (let listings = 0; open.length > 0; listings++) {
      const directory = open.pop() ?? '';
      if (listings === MOST_LISTINGS) return PLAIN;
      const listing = await tree.list(directory);
      if (listing.outcome === 'unproved' && (await tree.isDirectory(directory))) continue;
      if (listing.outcome !== 'listed')
        throw new RemoteUnavailable(`the server does not show what ${directory} holds`);
      const prefix = directory === '/' ? '' : directory;
      for (const { name, type } of listing.entries) {
        const path = `${prefix}/${name}`;
        if (type === 'directory') {
          if (directory !== layout.root || isBucketName(name)) open.push(path);
        } else if (directory !== layout.root && parseName([layout.fromAside(name) ?? name], false)) {
          return (await readSealedBy(tree, path)) ?? PLAIN;
        }
      }
    }
    return undefined;
  }

  get #plainPath(): string {
    return `${this.options.layout.own}/${PLAIN}`;
  }

  #checkPath(id: string): string {
    return `${this.options.layout.own}/key-${id}`;
  }
}

/** What a file claims to be sealed with; undefined if it is gone. Nothing is proved by it. */
export async function readSealedBy(tree: RemoteTree, path: string): Promise<SealedBy | undefined> {
  const size = await tree.size(path);
  if (size === undefined) return undefined;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of tree.read(path, { end: Math.min(size, SEAL_MARK_SIZE) })) chunks.push(chunk);
  } catch (error) {
    if (!(error instanceof RemoteRefused) || (await tree.size(path)) !== undefined) throw error;
    return undefined;
  }
  const start = Buffer.concat(chunks);
  return looksSealed(start) ? headerKeyId(start) : PLAIN;
}

async function* nothing(): AsyncGenerator<Buffer> {
  // The metadata is all that the file holds.
}
