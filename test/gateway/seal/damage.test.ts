import fc from 'fast-check';
import { openTail } from '../../../gateway/seal/open';
import { readTailIndependently, readWholeIndependently } from './independent-reader';
import {
  CONTEXT,
  KEYRING,
  MASTER_KEY,
  METADATA,
  pattern,
  readWhole,
  sealedFile,
  SEGMENT,
  verdict,
} from './streams';

const SIZE = 2 * SEGMENT + 50;
const STORED_SEGMENT = SEGMENT + 16;
const BODY_END = 128 + SIZE + 3 * 16;
const FOOTER_START = BODY_END + METADATA.length + 16;
const LENGTH = FOOTER_START + 140;

let file: Buffer;
let older: Buffer;

beforeAll(async () => {
  file = await sealedFile(pattern(SIZE));
  older = await sealedFile(pattern(SIZE));
  expect(file).toHaveLength(LENGTH);
});

const whole = (bytes: Buffer): Promise<string> => verdict(() => readWhole(bytes));
const tail = (bytes: Buffer): Promise<string> =>
  verdict(() => openTail(KEYRING, CONTEXT, bytes.subarray(-4096), bytes.length));

function flipped(bytes: Buffer, at: number, bits: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
}

/** Every byte whose field has its own rule, and a random choice of the many in the segments. */
const offsets = fc.oneof(fc.nat(LENGTH - 1), fc.nat(127), fc.integer({ min: BODY_END, max: LENGTH - 1 }));
const bitMasks = fc.integer({ min: 1, max: 255 });

describe('a changed byte', () => {
  it('is found by a whole read, wherever it is', async () => {
    for (let at = 0; at < LENGTH; at += at >= 128 && at < BODY_END - 1 ? 61 : 1) {
      expect([at, await whole(flipped(file, at, 1 << (at % 8)))]).not.toEqual([at, 'opens']);
    }
  });

  it('is found with any change', async () => {
    await fc.assert(
      fc.asyncProperty(offsets, bitMasks, async (at, bits) => {
        expect(await whole(flipped(file, at, bits))).not.toBe('opens');
      }),
    );
  });

  it.each([
    ['segment', 128, BODY_END],
    ['metadata', BODY_END, FOOTER_START],
    ['footer', FOOTER_START, FOOTER_START + 128],
    ['unknown-key', 12, 28],
    ['header', 28, 60],
    ['reserved', 75, 96],
    ['header', 96, 128],
    ['footer', LENGTH - 8, LENGTH],
  ])('is reported as %s in bytes %d to %d', async (reason, start, end) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: start, max: end - 1 }), bitMasks, async (at, bits) => {
        expect(await whole(flipped(file, at, bits))).toBe(reason);
      }),
      { numRuns: 30 },
    );
  });

  it('is found by a tail read anywhere in the metadata and the footer', async () => {
    for (let at = BODY_END; at < LENGTH; at++) {
      expect([at, await tail(flipped(file, at, 1 << (at % 8)))]).not.toEqual([at, 'opens']);
    }
  });
});

describe('a file cut short', () => {
  it('is found at any length', async () => {
    const lengths = fc.oneof(
      fc.nat(LENGTH - 1),
      fc.nat(300),
      fc.integer({ min: BODY_END - 1, max: LENGTH - 1 }),
    );
    await fc.assert(
      fc.asyncProperty(lengths, async (length) => {
        const cut = file.subarray(0, length);
        expect(await whole(cut)).toBe(length < 8 ? 'not-sealed' : 'truncated');
        expect(await tail(cut)).not.toBe('opens');
      }),
    );
  });

  it('is found at every segment boundary', async () => {
    for (const length of [128, 128 + STORED_SEGMENT, 128 + 2 * STORED_SEGMENT, BODY_END, FOOTER_START]) {
      expect(await whole(file.subarray(0, length))).toBe('truncated');
    }
  });
});

describe('a file with bytes after its end', () => {
  it('is found', async () => {
    const additions = fc.uint8Array({ minLength: 1, maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(additions, async (added) => {
        const extended = Buffer.concat([file, added]);
        expect(await whole(extended)).toBe('extended');
        expect(await tail(extended)).toBe('footer');
      }),
    );
  });

  it('is found without reading more of them than any trailer can have', async () => {
    const extended = Buffer.concat([file, Buffer.alloc(17 * 2 ** 20), file.subarray(FOOTER_START)]);
    expect(await whole(extended)).toBe('extended');
    expect(await tail(extended)).toBe('extended');
  });
});

describe('a file put together from pieces', () => {
  it('is refused when its segments are swapped, repeated or left out', async () => {
    const at = (index: number): Buffer =>
      file.subarray(128 + index * STORED_SEGMENT, Math.min(128 + (index + 1) * STORED_SEGMENT, BODY_END));
    const built = (...segments: Buffer[]): Buffer =>
      Buffer.concat([file.subarray(0, 128), ...segments, file.subarray(BODY_END)]);
    expect(await whole(built(at(0), at(1), at(2)))).toBe('opens');
    expect(await whole(built(at(1), at(0), at(2)))).toBe('segment');
    expect(await whole(built(at(0), at(0), at(2)))).toBe('segment');
    expect(await whole(built(at(0), at(0), at(1), at(2)))).toBe('segment');
    expect(await whole(built(at(0), at(2)))).toBe('truncated');
  });

  it('is refused wherever two versions of one object are spliced', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: LENGTH - 1 }), fc.boolean(), async (at, oldFirst) => {
        const [head, rest] = oldFirst ? [older, file] : [file, older];
        const spliced = Buffer.concat([head.subarray(0, at), rest.subarray(at)]);
        fc.pre(!spliced.equals(head) && !spliced.equals(rest));
        expect(await whole(spliced)).not.toBe('opens');
      }),
    );
  });
});

describe('any damage', () => {
  type Edit = (bytes: Buffer) => Buffer;
  const places = fc.tuple(offsets, offsets).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  const edits: fc.Arbitrary<Edit> = fc.oneof(
    fc.tuple(offsets, bitMasks).map(
      ([at, bits]): Edit =>
        (bytes) =>
          at < bytes.length ? flipped(bytes, at, bits) : bytes,
    ),
    offsets.map(
      (length): Edit =>
        (bytes) =>
          bytes.subarray(0, length),
    ),
    places.map(
      ([a, b]): Edit =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, a), bytes.subarray(b)]),
    ),
    places.map(
      ([a, b]): Edit =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, b), bytes.subarray(a)]),
    ),
    places.map(
      ([a, b]): Edit =>
        (bytes) =>
          Buffer.concat([bytes.subarray(0, a), older.subarray(a, b), bytes.subarray(b)]),
    ),
    fc.constant<Edit>((bytes) => Buffer.concat([bytes, file])),
  );

  it('means the same to this reader and to the independent one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edits, { maxLength: 3 }), async (list) => {
        const bytes = list.reduce((damaged, edit) => edit(damaged), file);
        expect(await whole(bytes)).toBe(
          await verdict(() => readWholeIndependently(MASTER_KEY, CONTEXT, bytes)),
        );
        expect(await tail(bytes)).toBe(
          await verdict(() => readTailIndependently(MASTER_KEY, CONTEXT, bytes)),
        );
        // The older version as a whole is no damage that its file could show.
        if (!bytes.equals(file) && !bytes.equals(older)) expect(await whole(bytes)).not.toBe('opens');
      }),
      { numRuns: 500 },
    );
  });
});
