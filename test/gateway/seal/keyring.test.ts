import { format, inspect } from 'node:util';
import { createKeyring, keyId } from '../../../gateway/seal/keyring';
import { CONTEXT } from './streams';

const [OLD, NEW] = [Buffer.alloc(32, 'old!'), Buffer.alloc(32, 'new!')];
const SALT = Buffer.alloc(32, 1);

describe('a keyring', () => {
  it('seals with the write key and opens with all', () => {
    const keyring = createKeyring({ writeKey: NEW, readKeys: [OLD] });
    expect(keyring.writeKeyId).toBe(keyId(NEW));
    expect(keyring.keyIds).toEqual([keyId(NEW), keyId(OLD)]);
    expect(keyring.deriveObjectKeys(keyId(OLD), SALT, CONTEXT)).toBeDefined();
  });

  it('holds a key once that is named twice', () => {
    expect(createKeyring({ writeKey: NEW, readKeys: [NEW, OLD, OLD] }).keyIds).toHaveLength(2);
  });

  it('has nothing for a key that it does not hold', () => {
    expect(createKeyring({ writeKey: NEW }).deriveObjectKeys(keyId(OLD), SALT, CONTEXT)).toBeUndefined();
  });

  it('derives other keys for another master key, salt or context', () => {
    const keyring = createKeyring({ writeKey: NEW, readKeys: [OLD] });
    const derived = [
      keyring.deriveObjectKeys(keyId(NEW), SALT, CONTEXT),
      keyring.deriveObjectKeys(keyId(OLD), SALT, CONTEXT),
      keyring.deriveObjectKeys(keyId(NEW), Buffer.alloc(32, 2), CONTEXT),
      keyring.deriveObjectKeys(keyId(NEW), SALT, { ...CONTEXT, key: 'other' }),
      keyring.deriveObjectKeys(keyId(NEW), SALT, { ...CONTEXT, uploadId: 'u', partNumber: 1 }),
      keyring.deriveObjectKeys(keyId(NEW), SALT, { ...CONTEXT, uploadId: 'u', partNumber: 2 }),
    ].flatMap((keys) => [keys?.data, keys?.metadata, keys?.commit].map((key) => key?.toString('hex')));
    expect(new Set(derived).size).toBe(3 * 6);
  });

  it('derives keys for the longest S3 key', () => {
    const longest = {
      bucket: 'b'.repeat(63),
      key: 'k'.repeat(1024),
      uploadId: 'u'.repeat(64),
      partNumber: 10_000,
    };
    expect(createKeyring({ writeKey: NEW }).deriveObjectKeys(keyId(NEW), SALT, longest)?.data).toHaveLength(
      32,
    );
  });

  it('does not follow when the caller wipes its own copy', () => {
    const key = Buffer.from(OLD);
    const keyring = createKeyring({ writeKey: key });
    key.fill(0);
    const expected = createKeyring({ writeKey: OLD }).deriveObjectKeys(keyId(OLD), SALT, CONTEXT);
    expect(keyring.deriveObjectKeys(keyId(OLD), SALT, CONTEXT)).toEqual(expected);
  });

  it.each([0, 16, 31, 33, 64])('refuses a master key of %d bytes without showing it', (length) => {
    const bad = Buffer.alloc(length, 'secret');
    const problem = 'A master key must have 32 bytes.';
    expect(() => createKeyring({ writeKey: bad })).toThrow(new RangeError(problem));
    expect(() => createKeyring({ writeKey: NEW, readKeys: [bad] })).toThrow(new RangeError(problem));
  });

  it('shows no key however it is printed', () => {
    const keyring = createKeyring({ writeKey: NEW, readKeys: [OLD] });
    const printed = [
      format('%s %o %j', keyring, keyring, keyring),
      JSON.stringify(keyring),
      inspect(keyring, { depth: null, showHidden: true }),
      JSON.stringify(Object.entries(keyring)),
    ].join('\n');
    for (const key of [NEW, OLD]) {
      for (const form of [key.toString(), key.toString('hex'), key.toString('base64'), [...key].join(',')]) {
        expect(printed).not.toContain(form);
      }
    }
  });
});

describe('a key id', () => {
  it('is 16 bytes in hex that differ between keys', () => {
    expect(keyId(NEW)).toMatch(/^[0-9a-f]{32}$/);
    expect(keyId(NEW)).not.toBe(keyId(OLD));
  });
});
