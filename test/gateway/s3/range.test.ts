import fc from 'fast-check';
import { S3Error } from '../../../gateway/errors';
import { thrownBy } from '../../contract/refusal';
import { parseCopyRange, parseRange } from '../../../gateway/s3/range';

describe('a Range header', () => {
  it.each([
    ['bytes=0-4', { start: 0, end: 5 }],
    ['bytes=4-4', { start: 4, end: 5 }],
    ['bytes=5-', { start: 5, end: 10 }],
    ['bytes=5-99', { start: 5, end: 10 }],
    ['bytes=-3', { start: 7, end: 10 }],
    ['bytes=-99', { start: 0, end: 10 }],
    [' bytes=0-0 ', { start: 0, end: 1 }],
  ])('%s of ten bytes is %j', (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });

  it.each([
    undefined,
    '',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'items=0-1',
    'bytes=0-1,3-4',
    '0-1',
  ])('%s asks for the whole object', (header) => {
    expect(parseRange(header, 10)).toBeUndefined();
  });

  it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0'])('%s lies outside of ten bytes', (header) => {
    expect(thrownBy(() => parseRange(header, 10))).toBe('InvalidRange');
  });

  it.each(['bytes=0-', 'bytes=0-0', 'bytes=-1'])('%s lies outside of an empty object', (header) => {
    expect(thrownBy(() => parseRange(header, 0))).toBe('InvalidRange');
  });

  it('never leaves the object', () => {
    const header = fc.oneof(
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
      fc.nat().map((a) => `bytes=-${a}`),
      fc.string().map((text) => `bytes=${text}`),
    );
    fc.assert(
      fc.property(header, fc.nat(), (text, size) => {
        try {
          const range = parseRange(text, size);
          if (!range) return;
          expect(range.start).toBeGreaterThanOrEqual(0);
          expect(range.end).toBeGreaterThan(range.start);
          expect(range.end).toBeLessThanOrEqual(size);
        } catch (error) {
          expect(error).toBeInstanceOf(S3Error);
        }
      }),
    );
  });
});

describe('a copy range', () => {
  it('names its first and last byte', () => {
    expect(parseCopyRange('bytes=2-4', 10)).toEqual({ start: 2, end: 5 });
  });

  it.each([
    ['bytes=2-', 'InvalidArgument'],
    ['bytes=-2', 'InvalidArgument'],
    ['bytes=4-2', 'InvalidArgument'],
    ['2-4', 'InvalidArgument'],
    ['bytes=0-10', 'InvalidRange'],
  ])('%s is refused with %s', (header, code) => {
    expect(thrownBy(() => parseCopyRange(header, 10))).toBe(code);
  });
});
