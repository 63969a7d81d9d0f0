import fc from 'fast-check';
import { storedSize } from '../../../gateway/seal/layout';
import { openTail, openWhole } from '../../../gateway/seal/open';
import { seal } from '../../../gateway/seal/seal';
import {
  chunked,
  collect,
  CONTEXT,
  KEYRING,
  METADATA,
  pattern,
  readWhole,
  sealedFile,
  SEGMENT,
  SEGMENT_LOG2,
} from './streams';

const options = { size: 10, segmentLog2: SEGMENT_LOG2 };
const metadata = (): Buffer => METADATA;

/** Bytes of the file that had left when sealing failed. */
async function leftBeforeFailure(file: AsyncIterable<Buffer>, failure: unknown): Promise<number> {
  let left = 0;
  const sealing = (async () => {
    for await (const chunk of file) left += chunk.length;
  })();
  await expect(sealing).rejects.toEqual(failure);
  return left;
}

describe('sealing', () => {
  it('makes a file that opens to what was sealed, for any size and chunking', async () => {
    const sizes = fc.oneof(
      fc.nat(3 * SEGMENT + 1),
      fc.constantFrom(0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT),
    );
    const chunkings = fc
      .array(fc.nat(2 * SEGMENT), { minLength: 1, maxLength: 5 })
      .map((list) => [...list, 1000]);
    const metadatas = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(
        sizes,
        chunkings,
        chunkings,
        metadatas,
        async (size, inChunks, outChunks, sealedMetadata) => {
          const sealing = seal(KEYRING, CONTEXT, { ...options, size });
          const file = await collect(sealing.stream(chunked(pattern(size), inChunks), () => sealedMetadata));
          expect(file.length).toBe(storedSize({ ...options, size }, sealedMetadata.length));
          const plaintext = await collect(openWhole(KEYRING, CONTEXT, chunked(file, outChunks)));
          expect(plaintext.equals(pattern(size))).toBe(true);
          const tail = openTail(KEYRING, CONTEXT, file, file.length);
          expect('metadata' in tail && tail.metadata.equals(sealedMetadata)).toBe(true);
        },
      ),
    );
  });

  it('begins with the header that it announces', async () => {
    const sealing = seal(KEYRING, CONTEXT, options);
    const file = await collect(sealing.stream(chunked(pattern(10)), metadata));
    expect(file.subarray(0, 128)).toEqual(sealing.headerBytes);
  });

  it('lets nothing of a segment leave before all of its plaintext has come', async () => {
    let taken = 0;
    let left = 0;
    async function* source(): AsyncGenerator<Buffer> {
      for await (const piece of chunked(pattern(2 * SEGMENT + 5), [700])) {
        taken += piece.length;
        yield piece;
      }
    }
    const sealing = seal(KEYRING, CONTEXT, { ...options, size: 2 * SEGMENT + 5 });
    for await (const chunk of sealing.stream(source(), metadata)) {
      left += chunk.length;
      if (left > 128) expect(taken).toBeGreaterThanOrEqual(SEGMENT);
      if (left > 128 + SEGMENT + 16) expect(taken).toBeGreaterThanOrEqual(2 * SEGMENT);
    }
    expect(left).toBe(128 + 2 * (SEGMENT + 16) + 5 + 16 + METADATA.length + 16 + 140);
  });

  it('uses segments of 256 KiB unless told otherwise', async () => {
    const file = await sealedFile(pattern(10), { segmentLog2: undefined });
    expect((await readWhole(file)).cipher.header.segmentLog2).toBe(18);
  });

  it('shows neither plaintext nor metadata', async () => {
    const text = Buffer.from('apiVersion: longhorn.io/v1beta2');
    const file = await sealedFile(text, { metadata: Buffer.from('{"etag":"abc"}') });
    expect(file.includes(text.subarray(0, 10))).toBe(false);
    expect(file.includes('etag')).toBe(false);
  });

  it('makes another file each time', async () => {
    const [one, two] = [await sealedFile(pattern(50)), await sealedFile(pattern(50))];
    for (const [start, end] of [
      [28, 60],
      [68, 75],
      [128, 194],
    ] as const) {
      expect(one.subarray(start, end).equals(two.subarray(start, end))).toBe(false);
    }
  });

  it('asks for the metadata once, after the source has ended', async () => {
    const events: string[] = [];
    async function* source(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(pattern(10));
      events.push('ended');
    }
    const file = seal(KEYRING, CONTEXT, options).stream(source(), () => {
      events.push('metadata');
      return METADATA;
    });
    await collect(file);
    expect(events).toEqual(['ended', 'metadata']);
  });

  it.each([
    ['fewer', 9],
    ['more', 11],
  ])('refuses a source that has %s bytes than agreed, before the last segment leaves', async (what, size) => {
    const file = seal(KEYRING, CONTEXT, options).stream(chunked(pattern(size)), metadata);
    expect(await leftBeforeFailure(file, new RangeError(`The source has ${what} than 10 bytes.`))).toBe(128);
  });

  it('passes on the failure of a source at its very end, before the last segment leaves', async () => {
    const failure = new Error('the signature does not match');
    async function* source(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(pattern(10));
      throw failure;
    }
    const file = seal(KEYRING, CONTEXT, options).stream(source(), metadata);
    expect(await leftBeforeFailure(file, failure)).toBe(128);
  });

  it('frees the source when whoever takes the file stops', async () => {
    let freed = false;
    async function* source(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield await Promise.resolve(pattern(SEGMENT));
      } finally {
        freed = true;
      }
    }
    const file = seal(KEYRING, CONTEXT, { ...options, size: 100 * SEGMENT }).stream(source(), metadata);
    await file.next();
    await file.next();
    await file.return();
    expect(freed).toBe(true);
  });

  it('takes 16 MiB of metadata and no byte more', async () => {
    const limit = 16 * 2 ** 20;
    const file = await sealedFile(pattern(3), { metadata: Buffer.alloc(limit) });
    expect((await readWhole(file)).metadata).toHaveLength(limit);
    await expect(sealedFile(pattern(3), { metadata: Buffer.alloc(limit + 1) })).rejects.toThrow(RangeError);
  });

  it('seals one file only', async () => {
    const sealing = seal(KEYRING, CONTEXT, options);
    await collect(sealing.stream(chunked(pattern(10)), metadata));
    expect(() => sealing.stream(chunked(pattern(10)), metadata)).toThrow('A file can be sealed only once');
  });

  it.each([
    ['a negative size', { size: -1 }],
    ['half a byte', { size: 0.5 }],
    ['no number', { size: Number.NaN }],
    ['more than 2^32 segments', { size: 2 ** 44 + 1, segmentLog2: 12 }],
    ['segments of 2 KiB', { size: 1, segmentLog2: 11 }],
    ['segments of 2 MiB', { size: 1, segmentLog2: 21 }],
  ])('refuses %s', (_what, bad) => {
    expect(() => seal(KEYRING, CONTEXT, bad)).toThrow(RangeError);
  });
});
