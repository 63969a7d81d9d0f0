import { parseBandwidth, rateAt, Throttle } from '../../../gateway/ftp/bandwidth';

const at = (time: string) => new Date(`2026-01-15T${time}:00`);

describe('bandwidth rules', () => {
  it.each([
    ['10', '12:00', 1_250_000],
    ['0.5', '12:00', 62_500],
    ['off', '12:00', Infinity],
    ['10@07:00-23:00', '06:59', Infinity],
    ['10@07:00-23:00', '07:00', 1_250_000],
    ['10@07:00-23:00', '23:00', Infinity],
    ['10@07:00-23:00, 80', '23:00', 10_000_000],
    ['off@22:00-06:00,8', '23:30', Infinity],
    ['off@22:00-06:00,8', '05:59', Infinity],
    ['off@22:00-06:00,8', '06:00', 1_000_000],
  ])('%s means at %s %d bytes a second', (text, time, expected) => {
    expect(rateAt(parseBandwidth(text) ?? [], at(time))).toBe(expected);
  });

  it.each(['', '0', '-1', '10M', '10@7:00-23:00', '10@07:00', '10@07:00-07:00', '10@24:00-01:00', '10;20'])(
    'refuses "%s"',
    (text) => {
      expect(parseBandwidth(text)).toBeUndefined();
    },
  );
});

describe('throttle', () => {
  it('lets all share one rate, saves nothing up, and follows the rate', async () => {
    let now = 0;
    let rate = 1000;
    const pauses: number[] = [];
    const throttle = new Throttle(
      () => rate,
      () => now,
      (ms) => Promise.resolve(pauses.push(ms)),
    );
    await Promise.all([throttle.pass(500), throttle.pass(500)]);
    now = 60_000;
    await throttle.pass(100);
    rate = Infinity;
    await throttle.pass(1_000_000);
    rate = 100;
    await throttle.pass(10);
    expect(pauses).toEqual([500, 1000, 100, 200]);
  });
});
