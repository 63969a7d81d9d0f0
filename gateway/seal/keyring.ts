/** Master keys by key id, and the keys of one object derived from them: FORMAT.md section 3. */
import { createHash, createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { encodeContext, type SealContext } from './context';

/** Bytes of a master key. */
export const MASTER_KEY_SIZE = 32;
/** Bytes of a key id. */
export const KEY_ID_SIZE = 16;

const KEY_ID_LABEL = 'longhaul v1 key id';
const OBJECT_KEYS_LABEL = 'longhaul v1 object keys';

/** 32 bytes each; used for one sealed object and never for another. */
export interface ObjectKeys {
  /** Seals the segments. */
  readonly data: Buffer;
  /** Seals the metadata. */
  readonly metadata: Buffer;
  /** Authenticates the header, and so commits the file to its master key and context. */
  readonly commit: Buffer;
}

export interface KeyringOptions {
  /** Seals every new object, and opens what it sealed. 32 bytes. */
  readonly writeKey: Buffer;
  /** Only open: keys that were write keys once, or will be. 32 bytes each. @default none */
  readonly readKeys?: readonly Buffer[];
}

/** Names a master key without telling anything about it: 32 lower-case hex digits. */
export function keyId(masterKey: Buffer): string {
  return createHmac('sha256', masterKey)
    .update(KEY_ID_LABEL)
    .digest()
    .subarray(0, KEY_ID_SIZE)
    .toString('hex');
}

/** Throws a RangeError for a key that is not 32 bytes. Copies the keys: the caller may wipe its own. */
export function createKeyring({ writeKey, readKeys = [] }: KeyringOptions): Keyring {
  return new Keyring(writeKey, readKeys);
}

/** The master keys. They stay inside: no property, JSON or inspection shows them. */
export class Keyring {
  readonly #masterKeys: ReadonlyMap<string, KeyObject>;
  /** The key that seals new objects. */
  readonly writeKeyId: string;

  constructor(writeKey: Buffer, readKeys: readonly Buffer[]) {
    const all = [writeKey, ...readKeys];
    if (all.some((key) => key.length !== MASTER_KEY_SIZE)) {
      throw new RangeError(`A master key must have ${MASTER_KEY_SIZE} bytes.`);
    }
    this.#masterKeys = new Map(all.map((key) => [keyId(key), createSecretKey(key)]));
    this.writeKeyId = keyId(writeKey);
  }

  /** Every key that can open, the write key first. */
  get keyIds(): readonly string[] {
    return [...this.#masterKeys.keys()];
  }

  has(masterKeyId: string): boolean {
    return this.#masterKeys.has(masterKeyId);
  }

  /** The keys of one object, or undefined if the keyring does not have the master key. Takes some 50 µs. */
  deriveObjectKeys(masterKeyId: string, salt: Buffer, context: SealContext): ObjectKeys | undefined {
    const masterKey = this.#masterKeys.get(masterKeyId);
    if (masterKey === undefined) return undefined;
    // Hashed because OpenSSL takes at most 1,024 bytes of info, and an S3 key alone may have as many.
    const contextHash = createHash('sha256').update(encodeContext(context)).digest();
    const info = Buffer.concat([Buffer.from(OBJECT_KEYS_LABEL), contextHash]);
    const keys = Buffer.from(hkdfSync('sha256', masterKey, salt, info, 96));
    return { data: keys.subarray(0, 32), metadata: keys.subarray(32, 64), commit: keys.subarray(64, 96) };
  }
}
