/** AES-256-GCM over bytes that come in pieces. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { TAG_SIZE } from './layout';

const CIPHER = 'aes-256-gcm';
const OPTIONS = { authTagLength: TAG_SIZE } as const;

/** What seals one message; a key and nonce must never seal two. */
export interface AeadInput {
  readonly key: Buffer;
  /** 12 bytes. */
  readonly nonce: Buffer;
  readonly associatedData: Buffer;
}

/** Ciphertext, piece by piece, and tag. */
export function sealBytes(input: AeadInput, plaintext: readonly Buffer[]): Buffer[] {
  const cipher = createCipheriv(CIPHER, input.key, input.nonce, OPTIONS).setAAD(input.associatedData);
  const sealed = plaintext.map((piece) => cipher.update(piece));
  cipher.final();
  sealed.push(cipher.getAuthTag());
  return sealed;
}

/** The plaintext in one new Buffer, or undefined if it does not authenticate. `tag` has 16 bytes. */
export function openBytes(input: AeadInput, ciphertext: readonly Buffer[], tag: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, input.key, input.nonce, OPTIONS);
  decipher.setAAD(input.associatedData).setAuthTag(tag);
  const plaintext = ciphertext.map((piece) => decipher.update(piece));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  const [only] = plaintext;
  return only !== undefined && plaintext.length === 1 ? only : Buffer.concat(plaintext);
}
