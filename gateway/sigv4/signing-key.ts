/** SigV4's third stage: the signing key, and signatures made with it. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { CredentialScope } from './credential-scope';

/** 32 bytes. */
export function deriveSigningKey(
  secretAccessKey: string,
  { date, region, service }: CredentialScope,
): Buffer {
  const dateKey = hmac(`AWS4${secretAccessKey}`, date);
  const regionKey = hmac(dateKey, region);
  const serviceKey = hmac(regionKey, service);
  return hmac(serviceKey, 'aws4_request');
}

/** Lower-case hex. */
export function sign(signingKey: Buffer, stringToSign: string): string {
  return hmac(signingKey, stringToSign).toString('hex');
}

/** Takes the same time wherever the two differ. Both are hex; what is not 64 lower-case hex digits is never the same. */
export function isSameSignature(expected: string, given: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(given)) return false;
  return timingSafeEqual(Buffer.from(expected, 'latin1'), Buffer.from(given, 'latin1'));
}

/** Scopes remembered at once: a client uses one a day. */
const MAX_CACHED = 32;

/** Derives each signing key once: a client signs a day's requests with the same one. */
export class SigningKeys {
  readonly #keys = new Map<string, Buffer>();

  get(secretAccessKey: string, scope: CredentialScope): Buffer {
    const id = `${scope.date}/${scope.region}/${secretAccessKey}`;
    const known = this.#keys.get(id);
    if (known) return known;
    if (this.#keys.size >= MAX_CACHED) this.#keys.clear();
    const key = deriveSigningKey(secretAccessKey, scope);
    this.#keys.set(id, key);
    return key;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
