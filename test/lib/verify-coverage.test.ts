import { parseCron } from '../../lib/cron';
import { longestUnreadSeconds } from '../../lib/verify-coverage';

const DAY = 86_400;

describe('the time in which a share of the blocks a day reads all of them', () => {
  it.each([
    ['23 3 * * *', '1/30', 30],
    ['0 */6 * * *', '1/30', 30],
    ['23 3 * * *', '4/30', 8],
    ['23 3 * * *', '1/1', 1],
    ['0 3 * * 0', '1/1', 7],
    // Every seventh day, and 30 and 7 have no common part.
    ['0 3 * * 0', '1/30', 210],
    ['@every 48h', '1/3', 6],
  ])('is as long as it takes for %s and %s', (schedule, share, days) => {
    expect(longestUnreadSeconds(parseCron(schedule), share)).toBe(days * DAY);
  });

  it.each([
    ['0 3 * * 0', '1/7'],
    ['0 3 * * 0', '1/14'],
  ])('never comes for %s and %s', (schedule, share) => {
    expect(longestUnreadSeconds(parseCron(schedule), share)).toBe('never');
  });

  it('is not known of shares of many parts, and of what is none', () => {
    for (const share of ['1/1000', '2/1', 'half'])
      expect(longestUnreadSeconds(parseCron('@daily'), share)).toBeUndefined();
  });
});
