import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { dayOf, isInShare, parseShare } from '../../../gateway/backups/verify/share';

const checksum = (seed: number): string => createHash('sha256').update(String(seed)).digest('hex');

describe('a share of the blocks', () => {
  it('takes every block once within its rotation, whatever the day it begins', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 1, max: 60 }),
        (seed, day, of) => {
          const days = Array.from({ length: of }, (_, i) => day + i);
          expect(days.filter((each) => isInShare(checksum(seed), { part: 1, of }, each))).toHaveLength(1);
        },
      ),
    );
  });

  it('takes every block at least once where a day takes several parts', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 0, max: 40_000 }),
        fc.integer({ min: 1, max: 30 }),
        (seed, day, part) => {
          const days = Array.from({ length: Math.ceil(30 / part) }, (_, i) => day + i);
          expect(days.some((each) => isInShare(checksum(seed), { part, of: 30 }, each))).toBe(true);
        },
      ),
    );
  });

  it('is about as large on each day', () => {
    const count = Array.from({ length: 3000 }, (_, i) => checksum(i)).filter((name) =>
      isInShare(name, { part: 1, of: 30 }, dayOf(Date.parse('2026-11-25T12:00:00Z'))),
    ).length;
    expect(count).toBeGreaterThan(60);
    expect(count).toBeLessThan(150);
  });

  it.each(['1/30', '30/30', '7/365'])('is written as %s', (text) => expect(parseShare(text)).toBeDefined());
  it.each(['', '0/3', '4/3', '1', '1/', 'a/b', '1/30x', '-1/3'])('is not written as "%s"', (text) =>
    expect(parseShare(text)).toBeUndefined(),
  );
});
