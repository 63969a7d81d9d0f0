import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { createKeyring } from '../../../gateway/seal/keyring';
import { seal } from '../../../gateway/seal/seal';
import { CatalogDamagedError } from '../../../gateway/store/catalog-error';
import type { FileRecord, ObjectRecord } from '../../../gateway/store/object-record';
import { RowCodec } from '../../../gateway/store/row-codec';

const key = Buffer.from('\0\0\0\u0007name');
const keyring = createKeyring({ writeKey: Buffer.alloc(32, 7) });
const another = createKeyring({ writeKey: Buffer.alloc(32, 8) });
/** Without its MAC. */
const headerFor = (size: number, by = keyring): Buffer =>
  seal(by, { bucket: 'b', key: 'k' }, { size }).headerBytes.subarray(0, 96);
const codec = new RowCodec([another.writeKeyId, keyring.writeKeyId]);

const nobodys = createKeyring({ writeKey: Buffer.alloc(32, 9) });

const sealed: ObjectRecord = {
  kind: 'object',
  size: 2 ** 39 + 5,
  storedSize: 2 ** 39 + 900,
  lastModified: 1_700_000_000_000,
  etag: randomBytes(16).toString('hex'),
  header: headerFor(2 ** 39 + 5),
};

describe('the rows of the catalog', () => {
  it.each<[string, FileRecord | { id: number }]>([
    ['a directory', { id: 2 ** 32 - 1 }],
    ['a sealed object', sealed],
    ['a plain object', { kind: 'object', size: 3, storedSize: 3, lastModified: 5000, etag: '' }],
    [
      'an object with attributes',
      { ...sealed, attributes: { headers: { 'content-type': 'a/b' }, metadata: {} } },
    ],
    ['a damaged object', { ...sealed, damaged: true }],
    ['an object of a key that has no number', { ...sealed, header: headerFor(sealed.size, nobodys) }],
    ['a header of another size', { ...sealed, size: 4 }],
    [
      'an object of many terabytes',
      { ...sealed, size: 2 ** 41, storedSize: 2 ** 41, header: headerFor(2 ** 41) },
    ],
    ['a file that is smaller than its object', { ...sealed, storedSize: 4 }],
    ['a time before 1970', { ...sealed, lastModified: -1000 }],
    ['a multipart object', { ...sealed, etag: 'd41d8cd98f00b204e9800998ecf8427e-2', upload: 'u', parts: [] }],
    ['a time within a second', { ...sealed, lastModified: 1_700_000_000_001 }],
    ['a file that is no object', { kind: 'unreadable', storedSize: 7, reason: 'too short' }],
  ])('give back %s', (_what, row) => {
    expect(codec.decode(key, codec.encode(key, row))).toEqual(row);
  });

  it('take little room for what nearly every object is', () => {
    expect(codec.encode(key, sealed).length).toBeLessThan(77);
  });

  it('keep a header without its MAC', () => {
    const { headerBytes } = seal(keyring, { bucket: 'b', key: 'k' }, { size: sealed.size });
    const bytes = codec.encode(key, { ...sealed, header: headerBytes });
    expect(codec.decode(key, bytes)).toEqual({ ...sealed, header: headerBytes.subarray(0, 96) });
  });

  it('read on when more keys have numbers', () => {
    const bytes = codec.encode(key, sealed);
    const keyIds = RowCodec.withKeys(
      [another.writeKeyId, keyring.writeKeyId],
      [nobodys.writeKeyId, keyring.writeKeyId],
    );
    expect(keyIds).toHaveLength(3);
    expect(new RowCodec(keyIds).decode(key, bytes)).toEqual(sealed);
  });

  it('are damaged where the numbers are those of other keys', () => {
    const bytes = codec.encode(key, sealed);
    for (const keyIds of [[keyring.writeKeyId, another.writeKeyId], [another.writeKeyId], []])
      expect(() => new RowCodec(keyIds).decode(key, bytes)).toThrow(CatalogDamagedError);
  });

  it('tell any change of a byte, and a row in the place of another', () => {
    const bytes = codec.encode(key, sealed);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => codec.decode(key, changed)).toThrow(CatalogDamagedError);
      }),
    );
    expect(() => codec.decode(Buffer.from('\0\0\0\u0007other'), bytes)).toThrow(CatalogDamagedError);
    for (const length of [0, 1, 4, bytes.length - 1])
      expect(() => codec.decode(key, bytes.subarray(0, length))).toThrow(CatalogDamagedError);
  });
});
