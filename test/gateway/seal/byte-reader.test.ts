import fc from 'fast-check';
import { ByteReader, totalLength } from '../../../gateway/seal/byte-reader';
import { chunked, pattern } from './streams';

describe('a byte reader', () => {
  it('takes exactly what it is asked for, however the stream is cut', async () => {
    const sizes = fc.array(fc.nat(50), { minLength: 1 }).map((list) => [...list, 1]);
    await fc.assert(
      fc.asyncProperty(fc.nat(300), sizes, sizes, async (length, cuts, asks) => {
        const reader = new ByteReader(chunked(pattern(length), cuts));
        let offset = 0;
        for (let i = 0; offset < length; i++) {
          const ask = asks[i % asks.length] ?? 1;
          const taken = await reader.takeBuffer(ask);
          expect(taken.equals(pattern(length).subarray(offset, offset + ask))).toBe(true);
          offset += taken.length;
        }
        expect(await reader.isAtEnd()).toBe(true);
        expect(await reader.take(1)).toEqual([]);
      }),
    );
  });

  it('does not copy', async () => {
    const chunk = pattern(10);
    const pieces = await new ByteReader(chunked(chunk)).take(4);
    expect(totalLength(pieces)).toBe(4);
    expect(pieces[0]?.buffer).toBe(chunk.buffer);
  });

  it('is not at the end while bytes are left, and says so without losing them', async () => {
    const reader = new ByteReader(chunked(pattern(3), [0, 3]));
    expect(await reader.isAtEnd()).toBe(false);
    expect(await reader.takeBuffer(3)).toEqual(pattern(3));
    expect(await reader.isAtEnd()).toBe(true);
  });

  it('frees a stream that it leaves early, and only then', async () => {
    const freed: string[] = [];
    async function* stream(name: string): AsyncGenerator<Buffer> {
      let ended = false;
      try {
        yield await Promise.resolve(pattern(10));
        ended = true;
      } finally {
        if (!ended) freed.push(name);
      }
    }
    const [early, late] = [new ByteReader(stream('early')), new ByteReader(stream('late'))];
    await early.take(1);
    await late.take(11);
    await early.close();
    await late.close();
    expect(freed).toEqual(['early']);
  });

  it('throws what the stream throws', async () => {
    const failure = new Error('connection lost');
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(pattern(2));
      throw failure;
    }
    await expect(new ByteReader(broken()).take(3)).rejects.toBe(failure);
  });
});
