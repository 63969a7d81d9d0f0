import fc from 'fast-check';
import {
  bodyEnd,
  FOOTER_SIZE,
  HEADER_SIZE,
  MAX_SEGMENT_LOG2,
  maxSize,
  MIN_SEGMENT_LOG2,
  segmentAt,
  segmentCount,
  segmentLength,
  segmentStart,
  storedSegments,
  storedSize,
  TAG_SIZE,
} from '../../../gateway/seal/layout';

const segmentLog2s = fc.integer({ min: MIN_SEGMENT_LOG2, max: MAX_SEGMENT_LOG2 });
const bodies = segmentLog2s.chain((segmentLog2) =>
  fc.record({
    segmentLog2: fc.constant(segmentLog2),
    size: fc.integer({ min: 0, max: 300 * 2 ** segmentLog2 }),
  }),
);

describe('the layout of a sealed object', () => {
  it.each([
    [0, 1, 300],
    [1, 1, 301],
    [4096, 1, 4396],
    [4097, 2, 4413],
    [8192, 2, 8508],
  ])(
    'puts %d bytes in 4 KiB segments into %d segments and, without metadata, %d bytes',
    (size, count, stored) => {
      const body = { size, segmentLog2: 12 };
      expect([segmentCount(body), storedSize(body, 0)]).toEqual([count, stored]);
    },
  );

  it('adds the metadata, its tag and the footer behind the body', () => {
    const body = { size: 5, segmentLog2: 18 };
    expect(storedSize(body, 1000) - bodyEnd(body)).toBe(1000 + TAG_SIZE + FOOTER_SIZE);
  });

  it('lays the segments end to end, from the header to the end of the body', () => {
    fc.assert(
      fc.property(bodies, (body) => {
        let [plain, stored] = [0, HEADER_SIZE];
        for (let index = 0; index < segmentCount(body); index++) {
          expect(segmentStart(body, index)).toBe(plain);
          const { start, end } = storedSegments(body, index, index);
          expect([start, end - start]).toEqual([stored, segmentLength(body, index) + TAG_SIZE]);
          plain += segmentLength(body, index);
          stored = end;
        }
        expect([plain, stored]).toEqual([body.size, bodyEnd(body)]);
      }),
    );
  });

  it('finds the segment of every byte, and the last one for the end', () => {
    fc.assert(
      fc.property(bodies, fc.double({ min: 0, max: 1, noNaN: true }), (body, share) => {
        const offset = Math.floor(share * body.size);
        const index = segmentAt(body, offset);
        const end = segmentStart(body, index) + segmentLength(body, index);
        expect(segmentStart(body, index)).toBeLessThanOrEqual(offset);
        expect(offset < end || (offset === body.size && index === segmentCount(body) - 1)).toBe(true);
      }),
    );
  });

  it('stays within exact integers for the largest object', () => {
    for (const segmentLog2 of [MIN_SEGMENT_LOG2, MAX_SEGMENT_LOG2]) {
      const body = { size: maxSize(segmentLog2), segmentLog2 };
      expect(segmentCount(body)).toBe(2 ** 32);
      expect(Number.isSafeInteger(storedSize(body, 16 * 2 ** 20))).toBe(true);
    }
  });
});
