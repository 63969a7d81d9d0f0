import fc from 'fast-check';
import { encodeContext } from '../../../gateway/seal/context';

const texts = fc.string({ unit: 'binary', maxLength: 12 });
const contexts = fc.record({
  bucket: texts,
  key: texts,
  uploadId: texts,
  partNumber: fc.integer({ min: 0, max: 10_000 }),
});

describe('a seal context', () => {
  it('is a length before each text, then the part number', () => {
    const bytes = encodeContext({ bucket: 'b', key: 'é', uploadId: 'up', partNumber: 258 });
    expect(bytes.toString('hex')).toBe('0000000162' + '00000002c3a9' + '000000027570' + '00000102');
  });

  it('is an object unless it says that it is a part', () => {
    const object = { bucket: 'b', key: 'k' };
    expect(encodeContext(object)).toEqual(encodeContext({ ...object, uploadId: '', partNumber: 0 }));
  });

  it('is the same bytes only for the same context', () => {
    fc.assert(
      fc.property(contexts, contexts, (a, b) => {
        const same = JSON.stringify(Object.values(a)) === JSON.stringify(Object.values(b));
        expect(encodeContext(a).equals(encodeContext(b))).toBe(same);
      }),
    );
  });

  it('does not let bytes move from one text to the next', () => {
    expect(encodeContext({ bucket: 'ab', key: 'c' })).not.toEqual(encodeContext({ bucket: 'a', key: 'bc' }));
  });

  it('refuses text that UTF-8 cannot carry', () => {
    expect(() => encodeContext({ bucket: 'b', key: 'x\ud800' })).toThrow(RangeError);
  });
});
