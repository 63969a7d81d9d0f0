import fc from 'fast-check';
import { formatAmzDate, parseAmzDate } from '../../../gateway/sigv4/amz-date';

describe('a SigV4 timestamp', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (second) => {
        expect(parseAmzDate(formatAmzDate(second * 1_000))).toBe(second * 1_000);
      }),
    );
  });

  it('is in UTC, without separators', () => {
    expect(formatAmzDate(Date.UTC(2013, 4, 24, 1, 2, 3, 456))).toBe('20130524T010203Z');
  });

  it.each([
    '',
    '2013-05-24T00:00:00Z',
    '20130524T000000',
    '20130524T000000Z ',
    '20130230T000000Z',
    '20131324T000000Z',
    '20130524T240000Z',
    '20130524T006000Z',
    '00000000T000000Z',
  ])('is not %j', (text) => {
    expect(parseAmzDate(text)).toBeUndefined();
  });
});
