import { RefusalPace } from '../../../gateway/middleware/refusal-pace';

describe('the pace of refusals', () => {
  let nowMs: number;
  let pace: RefusalPace;
  beforeEach(() => {
    jest.useFakeTimers();
    nowMs = 1_000;
    pace = new RefusalPace({ monotonicMs: () => nowMs });
  });
  afterEach(() => jest.useRealTimers());

  /** How many of `count` may be answered without a delay. */
  const atOnce = async (count: number): Promise<number> => {
    let answered = 0;
    for (let i = 0; i < count; i += 1) void pace.wait().then(() => (answered += 1));
    await Promise.resolve();
    await Promise.resolve();
    return answered;
  };

  it('holds nobody up while they are few', async () => {
    for (let second = 0; second < 5; second += 1) {
      expect(await atOnce(50)).toBe(50);
      nowMs += 1_000;
    }
  });

  it('holds up what is more than 50 a second', async () => {
    expect(await atOnce(80)).toBe(50);
    nowMs += 100;
    expect(await atOnce(20)).toBe(5);
  });

  it('holds up 256 at a time, and no more', async () => {
    expect(await atOnce(400)).toBe(400 - 256);
  });
});
