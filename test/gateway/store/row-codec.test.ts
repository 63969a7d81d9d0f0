import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { createKeyring } from '../../../gateway/seal/keyring';
import { seal } from '../../../gateway/seal/seal';
import { CatalogDamagedError } from '../../../gateway/store/catalog-error';
import type { FileRecord } from '../../../gateway/store/object-record';
import { decodeRow, encodeRow } from '../../../gateway/store/row-codec';

const key = Buffer.from('\0\0\0\u0007name');
const keyring = createKeyring({ writeKey: Buffer.alloc(32, 7) });
const headerFor = (size: number): Buffer => seal(keyring, { bucket: 'b', key: 'k' }, { size }).headerBytes;

const sealed: FileRecord = {
  kind: 'object',
  size: 2 ** 41 + 5,
  storedSize: 2 ** 41 + 900,
  lastModified: 1_700_000_000_000,
  etag: randomBytes(16).toString('hex'),
  header: headerFor(2 ** 41 + 5),
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
    ['a header of another size', { ...sealed, size: 4 }],
    ['a multipart object', { ...sealed, etag: 'd41d8cd98f00b204e9800998ecf8427e-2', upload: 'u', parts: [] }],
    ['a time within a second', { ...sealed, lastModified: 1_700_000_000_001 }],
    ['a file that is no object', { kind: 'unreadable', storedSize: 7, reason: 'too short' }],
  ])('give back %s', (_what, row) => {
    expect(decodeRow(key, encodeRow(key, row))).toEqual(row);
  });

  it('take little room for what nearly every object is', () => {
    expect(encodeRow(key, sealed).length).toBeLessThan(130);
  });

  it('tell any change of a byte, and a row in the place of another', () => {
    const bytes = encodeRow(key, sealed);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(() => decodeRow(key, changed)).toThrow(CatalogDamagedError);
      }),
    );
    expect(() => decodeRow(Buffer.from('\0\0\0\u0007other'), bytes)).toThrow(CatalogDamagedError);
    for (const length of [0, 1, 4, bytes.length - 1])
      expect(() => decodeRow(key, bytes.subarray(0, length))).toThrow(CatalogDamagedError);
  });
});
