import fc from 'fast-check';
import { createKeyring } from '../../../gateway/seal/keyring';
import { openRange, openTail, openWhole, TAIL_GUESS } from '../../../gateway/seal/open';
import { ObjectCipher } from '../../../gateway/seal/object-cipher';
import {
  chunked,
  collect,
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

const NEW_KEY = Buffer.alloc(32, 9);

describe('a sealed object', () => {
  it('tells its size, key id and metadata to whoever reads it whole', async () => {
    const { cipher, metadata, plaintext } = await readWhole(
      await sealedFile(pattern(5000), { manifest: true }),
    );
    expect(plaintext).toEqual(pattern(5000));
    expect(metadata).toEqual(METADATA);
    expect(cipher.header).toMatchObject({ size: 5000, manifest: true, keyId: KEYRING.writeKeyId });
  });

  it('opens when its key has become a read key', async () => {
    const file = await sealedFile(pattern(5));
    const rotated = createKeyring({ writeKey: NEW_KEY, readKeys: [MASTER_KEY] });
    expect(await collect(openWhole(rotated, CONTEXT, chunked(file)))).toEqual(pattern(5));
  });

  it('says that its key is unknown, and which, when the keyring has lost it', async () => {
    const file = await sealedFile(pattern(5));
    const opening = collect(openWhole(createKeyring({ writeKey: NEW_KEY }), CONTEXT, chunked(file)));
    await expect(opening).rejects.toMatchObject({
      name: 'IntegrityError',
      reason: 'unknown-key',
      message: expect.stringContaining(KEYRING.writeKeyId) as string,
    });
  });

  it.each([
    ['bucket', { bucket: 'other' }],
    ['key', { key: 'backupstore/volumes/a1/b2/pvc/volume.cf' }],
    ['upload', { uploadId: 'u1' }],
    ['part', { partNumber: 1 }],
  ])('does not open as that of another %s', async (_what, other) => {
    const file = await sealedFile(pattern(5), { context: { ...CONTEXT, ...other } });
    expect(await verdict(() => readWhole(file))).toBe('header');
    expect(await verdict(() => openTail(KEYRING, CONTEXT, file, file.length))).toBe('header');
  });

  it('opens from its cached header alone, which keeps nothing else in memory', async () => {
    const file = await sealedFile(pattern(5));
    const cipher = ObjectCipher.open(KEYRING, CONTEXT, file);
    const headerBytes = Buffer.from(cipher.headerBytes);
    file.fill(0, 0, 128);
    expect(cipher.headerBytes).toEqual(headerBytes);
    expect(cipher.header.salt).toEqual(headerBytes.subarray(28, 60));
  });
});

describe('reading whole', () => {
  it('frees the source when the reader stops', async () => {
    const file = await sealedFile(pattern(4 * SEGMENT));
    let freed = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        yield* chunked(file, [1000]);
      } finally {
        freed = true;
      }
    }
    for await (const chunk of openWhole(KEYRING, CONTEXT, source())) {
      expect(chunk).toEqual(pattern(SEGMENT));
      break;
    }
    expect(freed).toBe(true);
  });

  it('passes on what the source throws', async () => {
    const failure = new Error('connection lost');
    const file = await sealedFile(pattern(3 * SEGMENT));
    async function* source(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(file.subarray(0, 6000));
      throw failure;
    }
    await expect(collect(openWhole(KEYRING, CONTEXT, source()))).rejects.toBe(failure);
  });

  it('keeps the end of the object back until the end of the file has proved sound', async () => {
    const file = await sealedFile(pattern(2 * SEGMENT));
    const yielded: Buffer[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of openWhole(KEYRING, CONTEXT, chunked(file.subarray(0, -1))))
        yielded.push(chunk);
    };
    expect(await verdict(reading)).toBe('truncated');
    expect(Buffer.concat(yielded)).toEqual(pattern(SEGMENT));
  });

  it('refuses another version of the object when it is told which to expect', async () => {
    const [old, current] = [await sealedFile(pattern(5)), await sealedFile(pattern(6))];
    const headerBytes = current.subarray(0, 128);
    expect((await readWhole(current, { headerBytes })).plaintext).toEqual(pattern(6));
    expect(await verdict(() => readWhole(old, { headerBytes }))).toBe('header');
  });
});

describe('reading the tail', () => {
  it('needs one read for the metadata of an ordinary object', async () => {
    const file = await sealedFile(pattern(5 * SEGMENT), { metadata: pattern(3000) });
    const tail = openTail(KEYRING, CONTEXT, file.subarray(-TAIL_GUESS), file.length);
    expect(tail).toMatchObject({ metadata: pattern(3000), cipher: { header: { size: 5 * SEGMENT } } });
  });

  it('asks once more, for exactly what it needs, where the metadata is longer', async () => {
    const file = await sealedFile(pattern(5), { metadata: pattern(20_000) });
    const needed = 20_000 + 16 + 140;
    expect(openTail(KEYRING, CONTEXT, file.subarray(-TAIL_GUESS), file.length)).toEqual({ needed });
    expect(openTail(KEYRING, CONTEXT, file.subarray(-needed), file.length)).toMatchObject({
      metadata: pattern(20_000),
    });
  });

  it('asks for more than a part of the footer', async () => {
    const file = await sealedFile(pattern(5));
    expect(openTail(KEYRING, CONTEXT, file.subarray(-139), file.length)).toEqual({ needed: file.length });
    const large = await sealedFile(pattern(2 * SEGMENT));
    expect(openTail(KEYRING, CONTEXT, large.subarray(-1), large.length)).toEqual({ needed: TAIL_GUESS });
  });

  it('refuses a file whose size is not what its end says', async () => {
    const file = await sealedFile(pattern(2 * SEGMENT));
    const tail = file.subarray(-TAIL_GUESS);
    expect(await verdict(() => openTail(KEYRING, CONTEXT, tail, file.length - 1))).toBe('truncated');
    expect(await verdict(() => openTail(KEYRING, CONTEXT, tail, file.length + 1))).toBe('extended');
  });
});

describe('reading a range', () => {
  const size = 3 * SEGMENT + 100;
  let file: Buffer;
  let cipher: ObjectCipher;

  beforeAll(async () => {
    file = await sealedFile(pattern(size));
    cipher = ObjectCipher.open(KEYRING, CONTEXT, file);
  });

  function readRange(start: number, end: number, cut: readonly number[] = [65_536]): Promise<Buffer> {
    const { stored, open } = openRange(cipher, { start, end });
    return collect(open(chunked(file.subarray(stored.start, stored.end), cut)));
  }

  it('yields exactly the bytes of the range, for any range and chunking', async () => {
    const ranges = fc.tuple(fc.nat(size), fc.nat(size));
    const cuts = fc.array(fc.integer({ min: 1, max: 6000 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(ranges, cuts, async ([a, b], cut) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        expect((await readRange(start, end, cut)).equals(pattern(size).subarray(start, end))).toBe(true);
      }),
    );
  });

  it.each([
    [0, 1, 0, 0],
    [SEGMENT - 1, SEGMENT, 0, 0],
    [SEGMENT, SEGMENT + 1, 1, 1],
    [SEGMENT - 1, SEGMENT + 1, 0, 1],
    [0, size, 0, 3],
    [size - 1, size, 3, 3],
  ])('of bytes %d to %d reads segments %d to %d and no other byte', (start, end, first, last) => {
    const stored = openRange(cipher, { start, end }).stored;
    expect(stored).toEqual({
      start: 128 + first * (SEGMENT + 16),
      end: last === 3 ? 128 + size + 4 * 16 : 128 + (last + 1) * (SEGMENT + 16),
    });
  });

  it('authenticates the one empty segment of an empty object', async () => {
    const empty = await sealedFile(Buffer.alloc(0));
    const { stored, open } = openRange(ObjectCipher.open(KEYRING, CONTEXT, empty), { start: 0, end: 0 });
    expect(stored).toEqual({ start: 128, end: 144 });
    const bytes = empty.subarray(128, 144);
    expect(await collect(open(chunked(bytes)))).toEqual(Buffer.alloc(0));
    bytes[0] = 1 ^ (bytes[0] ?? 0);
    expect(await verdict(() => collect(open(chunked(bytes))))).toBe('segment');
  });

  it.each([
    [-1, 1],
    [2, 1],
    [0, size + 1],
  ])('refuses bytes %d to %d, which are not within the object', (start, end) => {
    expect(() => openRange(cipher, { start, end })).toThrow(RangeError);
  });

  it('refuses a segment in the place of another, the last one included', async () => {
    const { open } = openRange(cipher, { start: 0, end: SEGMENT });
    const second = file.subarray(128 + SEGMENT + 16, 128 + 2 * (SEGMENT + 16));
    expect(await verdict(() => collect(open(chunked(second))))).toBe('segment');
  });

  it('refuses the segments of an older version of the same object', async () => {
    const old = await sealedFile(pattern(size));
    const { stored, open } = openRange(cipher, { start: 0, end: size });
    expect(await verdict(() => collect(open(chunked(old.subarray(stored.start, stored.end)))))).toBe(
      'segment',
    );
  });

  it('refuses fewer or more bytes than it asked for', async () => {
    const { stored, open } = openRange(cipher, { start: 10, end: size - 10 });
    const short = file.subarray(stored.start, stored.end - 1);
    const long = file.subarray(stored.start, stored.end + 1);
    expect(await verdict(() => collect(open(chunked(short))))).toBe('truncated');
    expect(await verdict(() => collect(open(chunked(long))))).toBe('extended');
  });

  it('yields nothing of a segment that is damaged', async () => {
    const damaged = Buffer.from(file);
    damaged[128 + 2 * (SEGMENT + 16) - 1] = 1 ^ (damaged[128 + 2 * (SEGMENT + 16) - 1] ?? 0);
    const { stored, open } = openRange(cipher, { start: 0, end: size });
    const yielded: Buffer[] = [];
    const reading = async (): Promise<void> => {
      for await (const chunk of open(chunked(damaged.subarray(stored.start, stored.end))))
        yielded.push(chunk);
    };
    expect(await verdict(reading)).toBe('segment');
    expect(Buffer.concat(yielded)).toEqual(pattern(SEGMENT));
  });
});
