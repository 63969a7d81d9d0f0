import fc from 'fast-check';
import { decodeHeader, encodeHeader, looksSealed } from '../../../gateway/seal/header';
import { verdict } from './streams';

const hexKeyIds = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((id) => Buffer.from(id).toString('hex'));
const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b));
const headers = fc.record({
  segmentLog2: fc.integer({ min: 12, max: 20 }),
  size: fc.integer({ min: 0, max: 2 ** 44 }),
  manifest: fc.boolean(),
  keyId: hexKeyIds,
  salt: bytes(32),
  noncePrefix: bytes(7),
});

const HEADER = {
  segmentLog2: 18,
  size: 5,
  manifest: false,
  keyId: '00'.repeat(16),
  salt: Buffer.alloc(32),
  noncePrefix: Buffer.alloc(7),
};

function withByte(offset: number, value: number): Buffer {
  const header = encodeHeader(HEADER);
  header[offset] = value;
  return header;
}

describe('a header', () => {
  it('decodes to what was encoded', () => {
    fc.assert(
      fc.property(headers, (header) => {
        const encoded = encodeHeader(header);
        expect(encoded).toHaveLength(128);
        expect(decodeHeader(encoded)).toEqual(header);
      }),
    );
  });

  it.each([
    ['not-sealed', 'no bytes', Buffer.alloc(0)],
    ['not-sealed', 'fewer bytes than the magic', Buffer.from('LONGHAU')],
    ['not-sealed', 'another magic', withByte(7, 0x6c)],
    ['truncated', 'one byte less', encodeHeader(HEADER).subarray(0, 127)],
    ['unknown-version', 'version 0', withByte(8, 0)],
    ['unknown-version', 'version 2', withByte(8, 2)],
    ['unknown-suite', 'suite 2', withByte(9, 2)],
    ['segment-size', 'segments of 2 KiB', withByte(10, 11)],
    ['segment-size', 'segments of 2 MiB', withByte(10, 21)],
    ['unknown-flags', 'flag bit 1', withByte(11, 2)],
    ['unknown-flags', 'flag bits 0 and 7', withByte(11, 129)],
    ['size', 'more than 2^32 segments', withByte(61, 4)],
    ['reserved', 'the first reserved byte set', withByte(75, 1)],
    ['reserved', 'the last reserved byte set', withByte(95, 128)],
  ])('is refused as %s: %s', async (reason, _what, header) => {
    expect(await verdict(() => decodeHeader(header))).toBe(reason);
  });

  it('may claim exactly 2^32 segments', () => {
    const size = 2 ** 50;
    expect(decodeHeader(encodeHeader({ ...HEADER, size })).size).toBe(size);
  });
});

describe('a file', () => {
  it('looks sealed by its first 8 bytes', () => {
    expect(looksSealed(Buffer.from('LONGHAUL'))).toBe(true);
    expect(looksSealed(encodeHeader(HEADER))).toBe(true);
    expect(looksSealed(Buffer.from('LONGHAU'))).toBe(false);
    expect(looksSealed(Buffer.from('longhaul'))).toBe(false);
    expect(looksSealed(Buffer.alloc(0))).toBe(false);
  });
});
