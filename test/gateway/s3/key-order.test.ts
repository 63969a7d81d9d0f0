import fc from 'fast-check';
import { compareKeys, keyAfterPrefix } from '../../../gateway/s3/key-order';

const keys = fc.string({ unit: 'binary', maxLength: 6 });
const byteOrder = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        expect(Math.sign(compareKeys(a, b))).toBe(byteOrder(a, b));
      }),
    );
  });

  it('puts U+FFFF before U+10000, where JavaScript puts it after', () => {
    expect(compareKeys('\uffff', '\u{10000}')).toBeLessThan(0);
    expect('\uffff' < '\u{10000}').toBe(false);
  });
});

describe('the key after a prefix', () => {
  it('is greater than every key with that prefix, and no greater than any other key beyond it', () => {
    fc.assert(
      fc.property(keys, keys, keys, (prefix, suffix, other) => {
        const next = keyAfterPrefix(prefix);
        if (next === undefined) return;
        expect(compareKeys(prefix + suffix, next)).toBeLessThan(0);
        if (compareKeys(other, prefix) > 0 && !other.startsWith(prefix)) {
          expect(compareKeys(other, next)).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it.each([
    ['a/', 'a0'],
    ['\ud7ff', '\ue000'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', undefined],
    ['', undefined],
  ])('of %j is %j', (prefix, next) => {
    expect(keyAfterPrefix(prefix)).toBe(next);
  });
});
