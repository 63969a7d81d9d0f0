/** Seals and opens the pieces of one object: its keys, its nonces and its header in one place. FORMAT.md sections 3 to 6. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { openBytes, sealBytes, type AeadInput } from './aead';
import type { SealContext } from './context';
import { IntegrityError } from './errors';
import { decodeHeader, encodeHeader, MAC_OFFSET, NONCE_PREFIX_SIZE, SALT_SIZE, type Header } from './header';
import type { Keyring, ObjectKeys } from './keyring';
import { HEADER_SIZE, segmentCount, type BodyShape } from './layout';

/** Returns that many unpredictable bytes. */
export type RandomBytes = (length: number) => Buffer;

export interface NewObject extends BodyShape {
  readonly manifest: boolean;
  readonly randomBytes: RandomBytes;
}

/** The metadata key seals one message in its life, so its nonce may be constant. */
const METADATA_NONCE = Buffer.alloc(12);

/** One object's authenticated header, with the keys that belong to it. The keys stay inside. */
export class ObjectCipher {
  readonly #keys: ObjectKeys;

  private constructor(
    keys: ObjectKeys,
    readonly header: Header,
    /** The header as it stands in the file: 128 bytes, MAC included. A cache may keep it. */
    readonly headerBytes: Buffer,
  ) {
    this.#keys = keys;
  }

  /** A new object under the write key, with fresh salt and nonce prefix. */
  static create(keyring: Keyring, context: SealContext, object: NewObject): ObjectCipher {
    const { size, segmentLog2, manifest, randomBytes } = object;
    const salt = randomBytes(SALT_SIZE);
    const noncePrefix = randomBytes(NONCE_PREFIX_SIZE);
    const header: Header = { size, segmentLog2, manifest, keyId: keyring.writeKeyId, salt, noncePrefix };
    const keys = deriveOrThrow(keyring, header, context);
    const bytes = encodeHeader(header);
    headerMac(keys, bytes).copy(bytes, MAC_OFFSET);
    return new ObjectCipher(keys, header, bytes);
  }

  /**
   * An existing object, from its header or the footer's copy of it. Copies what it keeps of `bytes`.
   * Throws a FormatError, or an IntegrityError `truncated`, `unknown-key` or `header`.
   */
  static open(keyring: Keyring, context: SealContext, bytes: Buffer): ObjectCipher {
    const headerBytes = Buffer.from(bytes.subarray(0, HEADER_SIZE));
    const header = decodeHeader(headerBytes);
    const keys = deriveOrThrow(keyring, header, context);
    if (!timingSafeEqual(headerMac(keys, headerBytes), headerBytes.subarray(MAC_OFFSET))) {
      throw new IntegrityError('header');
    }
    return new ObjectCipher(keys, header, headerBytes);
  }

  /**
   * An object whose header was opened before and kept, its MAC or not: it is computed anew. No segment opens with another header than its own.
   * Throws a FormatError, or an IntegrityError `unknown-key`.
   */
  static reopen(keyring: Keyring, context: SealContext, kept: Buffer): ObjectCipher {
    const bytes = Buffer.alloc(HEADER_SIZE);
    kept.copy(bytes, 0, 0, MAC_OFFSET);
    const header = decodeHeader(bytes);
    const keys = deriveOrThrow(keyring, header, context);
    headerMac(keys, bytes).copy(bytes, MAC_OFFSET);
    return new ObjectCipher(keys, header, bytes);
  }

  /** Segment `index` of the file: ciphertext and tag, in pieces. */
  sealSegment(index: number, plaintext: readonly Buffer[]): Buffer[] {
    return sealBytes(this.#segmentInput(index), plaintext);
  }

  /** Throws an IntegrityError `segment`. */
  openSegment(index: number, ciphertext: readonly Buffer[], tag: Buffer): Buffer {
    const plaintext = openBytes(this.#segmentInput(index), ciphertext, tag);
    if (plaintext === undefined) throw new IntegrityError('segment', `segment ${index}`);
    return plaintext;
  }

  /** Ciphertext and tag. */
  sealMetadata(metadata: Buffer): Buffer {
    return Buffer.concat(sealBytes(this.#metadataInput(), [metadata]));
  }

  /** Throws an IntegrityError `metadata`. */
  openMetadata(ciphertext: Buffer, tag: Buffer): Buffer {
    const metadata = openBytes(this.#metadataInput(), [ciphertext], tag);
    if (metadata === undefined) throw new IntegrityError('metadata');
    return metadata;
  }

  /** What is associated with every ciphertext of the file, so that none can stand in another. */
  get #mac(): Buffer {
    return this.headerBytes.subarray(MAC_OFFSET);
  }

  #segmentInput(index: number): AeadInput {
    const nonce = Buffer.alloc(12);
    this.header.noncePrefix.copy(nonce);
    nonce.writeUInt32BE(index, NONCE_PREFIX_SIZE);
    nonce.writeUInt8(index === segmentCount(this.header) - 1 ? 1 : 0, 11);
    return { key: this.#keys.data, nonce, associatedData: this.#mac };
  }

  #metadataInput(): AeadInput {
    return { key: this.#keys.metadata, nonce: METADATA_NONCE, associatedData: this.#mac };
  }
}

function deriveOrThrow(keyring: Keyring, { keyId, salt }: Header, context: SealContext): ObjectKeys {
  const keys = keyring.deriveObjectKeys(keyId, salt, context);
  if (keys === undefined) throw new IntegrityError('unknown-key', `key id ${keyId}`);
  return keys;
}

function headerMac({ commit }: ObjectKeys, headerBytes: Buffer): Buffer {
  return createHmac('sha256', commit).update(headerBytes.subarray(0, MAC_OFFSET)).digest();
}
