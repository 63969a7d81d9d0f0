import fc from 'fast-check';
import { formatGoDuration, parseGoDuration } from '../../lib/go-duration';

describe('Go durations', () => {
  it('are read as they are written', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10_000_000 }), (seconds) => {
        expect(parseGoDuration(formatGoDuration(seconds))).toBe(seconds);
      }),
    );
  });

  it.each([
    [0, '0s'],
    [45, '45s'],
    [300, '5m0s'],
    [3600, '1h0m0s'],
    [90061, '25h1m1s'],
  ])('of %i seconds are written as Go does: %s', (seconds, text) => {
    expect(formatGoDuration(seconds)).toBe(text);
  });

  it.each([
    ['0', 0],
    ['1.5h', 5400],
    ['.5m', 30],
    ['+5m', 300],
    ['100ms', 0.1],
    ['1h30m10s', 5410],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(seconds);
  });

  it.each(['', '300', '5 m', '-5m', '5min', 'm', '1d', '1h-5m'])('are not: "%s"', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });
});
