import { EarlySizing } from '../../../gateway/ftp/early-size';

const BYTES = 1_000;

describe('when SIZE is asked for', () => {
  /** Uploads whose last byte arrives after `arrivalMs`; the confirmation comes `roundTripMs` later. Returns how many had a final size along with it. */
  function upload(sizing: EarlySizing, times: number, arrivalMs: () => number, roundTripMs = 20): number {
    let timely = 0;
    for (let i = 0; i < times; i += 1) {
      const arrival = arrivalMs();
      if (sizing.delayMs > arrival + roundTripMs) sizing.learn(undefined);
      else if (sizing.delayMs < arrival) sizing.learn({ answer: BYTES - 1, bytes: BYTES });
      else {
        sizing.learn({ answer: BYTES, bytes: BYTES });
        timely += 1;
      }
    }
    return timely;
  }

  it('is at once where the server answers when it has all', () => {
    const sizing = new EarlySizing();
    expect(upload(sizing, 100, () => 0)).toBe(100);
    expect(sizing.delayMs).toBe(0);
  });

  it.each([3, 30, 200])('comes to be as late as the last byte arrives: %d ms', (arrivalMs) => {
    const sizing = new EarlySizing();
    upload(sizing, 40, () => arrivalMs);
    expect(upload(sizing, 100, () => arrivalMs)).toBeGreaterThan(75);
    expect(sizing.delayMs).toBeLessThan(arrivalMs * 1.5 + 3);
  });

  it('comes down again when the line is faster than it was', () => {
    const sizing = new EarlySizing();
    upload(sizing, 40, () => 200);
    upload(sizing, 60, () => 5);
    expect(upload(sizing, 100, () => 5)).toBeGreaterThan(75);
  });

  it('is bounded, and not at all once the server does not bear it', () => {
    const sizing = new EarlySizing();
    for (let i = 0; i < 200; i += 1) sizing.learn({ answer: undefined, bytes: BYTES });
    expect(sizing.delayMs).toBe(500);
    expect(sizing.isEarly).toBe(true);
    sizing.giveUp();
    expect(sizing.isEarly).toBe(false);
  });
});
