import { EarlySize, EarlySizing } from '../../../gateway/ftp/early-size';

describe('when SIZE is asked for', () => {
  /**
   * Uploads whose last byte arrives after `arrivalMs`; the confirmation comes `roundTripMs` later. Returns how many had a final size along with it.
   * @param early what comes of a SIZE that arrives before that byte
   */
  function upload(
    sizing: EarlySizing,
    times: number,
    arrivalMs: () => number,
    early: 'early' | 'vain',
    roundTripMs = 20,
  ): number {
    let timely = 0;
    for (let i = 0; i < times; i += 1) {
      const arrival = arrivalMs();
      const isEarly = sizing.delayMs < arrival;
      const isLate = sizing.delayMs > arrival + roundTripMs;
      sizing.learn(isEarly ? early : isLate ? 'late' : 'right');
      if (!isEarly && !isLate) timely += 1;
    }
    return timely;
  }

  it('is at once where the server answers when it has all', () => {
    const sizing = new EarlySizing();
    expect(upload(sizing, 100, () => 0, 'vain')).toBe(100);
    expect(sizing.delayMs).toBe(0);
  });

  describe.each(['early', 'vain'] as const)('where one that is too early is %s', (early) => {
    it.each([3, 30, 200])('comes to be as late as the last byte arrives: %d ms', (arrivalMs) => {
      const sizing = new EarlySizing();
      upload(sizing, 200, () => arrivalMs, early);
      expect(upload(sizing, 100, () => arrivalMs, early)).toBeGreaterThan(75);
      expect(sizing.delayMs).toBeLessThan(arrivalMs * 1.5 + 3);
    });

    it('comes down again when the line is faster than it was', () => {
      const sizing = new EarlySizing();
      upload(sizing, 200, () => 200, early);
      upload(sizing, 60, () => 5, early);
      expect(upload(sizing, 100, () => 5, early)).toBeGreaterThan(75);
    });
  });

  it('is rather too early than too late where it can be asked for again', () => {
    const arrivals = [8, 14, 9, 17, 11, 8, 16, 12];
    const late = (early: 'early' | 'vain') => {
      const sizing = new EarlySizing();
      let times = 0;
      for (let i = 0; i < 800; i += 1) {
        const arrival = arrivals[i % arrivals.length] ?? 0;
        const isLate = sizing.delayMs > arrival + 1;
        if (isLate && i >= 400) times += 1;
        sizing.learn(isLate ? 'late' : sizing.delayMs < arrival ? early : 'right');
      }
      return times;
    };
    expect(late('early')).toBeLessThan(120);
    expect(late('vain')).toBeGreaterThan(200);
  });

  it('is bounded, and not at all once the server does not bear it', () => {
    const sizing = new EarlySizing();
    for (let i = 0; i < 200; i += 1) sizing.learn('vain');
    expect(sizing.delayMs).toBe(500);
    expect(sizing.isEarly).toBe(true);
    sizing.giveUp();
    expect(sizing.isEarly).toBe(false);
  });
});

describe('an early SIZE', () => {
  const confirmed = { code: 226, message: '226 Stored.' };
  const sized = (bytes: number) => ({ code: 213, message: `213 ${bytes}` });

  function asked(): { size: EarlySize; times: () => number } {
    let times = 1;
    return { size: new EarlySize(10, () => (times += 1)), times: () => times };
  }

  it('is asked for again while the answer is not the whole, and only before the confirmation', () => {
    const { size, times } = asked();
    expect(size.take(sized(3))).toBeUndefined();
    expect(size.take(sized(7))).toBeUndefined();
    expect(times()).toBe(3);
    expect(size.take(confirmed)).toBeUndefined();
    expect(size.take(sized(10))).toBe(confirmed);
    expect(times()).toBe(3);
    expect(size).toMatchObject({ size: 10, outcome: 'early' });
  });

  it('is right at once where the answer is', () => {
    const { size, times } = asked();
    size.take(sized(10));
    expect(size.take(confirmed)).toBe(confirmed);
    expect([times(), size.outcome]).toEqual([1, 'right']);
  });

  it('takes a number after the confirmation for what it is', () => {
    const { size, times } = asked();
    size.take(confirmed);
    expect(size.take(sized(9))).toBe(confirmed);
    expect(times()).toBe(1);
    expect(size).toMatchObject({ size: 9, outcome: 'vain' });
  });

  it('is not asked for without end', () => {
    const { size, times } = asked();
    for (let i = 0; i < 40 && !size.take(sized(3)); i += 1);
    expect(times()).toBe(12);
  });
});
