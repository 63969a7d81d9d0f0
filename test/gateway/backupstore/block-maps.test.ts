import { createHash } from 'node:crypto';
import { BlockMaps, BlockNames } from '../../../gateway/backupstore/block-maps';

const name = (seed: number | string): string => createHash('sha256').update(String(seed)).digest('hex');

describe('the names of blocks', () => {
  it('are numbered once each, and stand in order', () => {
    const names = new BlockNames();
    const all = Array.from({ length: 5000 }, (_, i) => name(i));
    expect(all.map((each) => names.add(each))).toEqual(all.map((_, i) => i));
    expect(all.map((each) => names.add(each))).toEqual(all.map((_, i) => i));
    expect(names.size).toBe(5000);
    expect([...names.inOrder()].map((number) => names.name(number))).toEqual([...all].sort());
  });

  it('do not slow down when somebody chose them alike', () => {
    const names = new BlockNames();
    const start = performance.now();
    for (let i = 0; i < 20_000; i++) names.add('0'.repeat(48) + i.toString(16).padStart(16, '0'));
    expect(names.size).toBe(20_000);
    expect(performance.now() - start).toBeLessThan(5_000);
  });
});

describe('the block map of a backup', () => {
  const collect = (offsets: readonly number[], blockSize = 100, sizeBytes = 1000) => {
    const map = new BlockMaps().collect();
    for (const [i, offset] of offsets.entries()) map.add({ offset, checksum: name(i) });
    return map.finish(blockSize, sizeBytes);
  };

  it('stands in the order of offsets, whatever the order of the document', () => {
    const { positions, names } = collect([300, 0, 900]);
    expect([...positions]).toEqual([0, 3, 9]);
    expect([...names]).toEqual([1, 0, 2]);
  });

  it.each([
    ['between two places', [50], /does not stand at a multiple/],
    ['at the end of the volume', [1000], /lies beyond/],
    ['far beyond', [2 ** 50], /lies beyond|multiple/],
    ['where another one is', [100, 100], /two blocks/],
    ['where another one is, further on', [100, 200, 100], /two blocks/],
  ])('is refused with a block %s', (_name, offsets, message) => {
    expect(() => collect(offsets)).toThrow(message);
  });

  it('is refused with blocks of a size that nothing has', () => {
    expect(() => collect([0], 2 ** 30, 2 ** 40)).toThrow('out of bounds');
    expect(() => collect([0], 1, 2 ** 40)).toThrow('out of bounds');
  });

  it('takes little memory for many blocks', () => {
    const maps = new BlockMaps();
    const before = process.memoryUsage();
    const kept = Array.from({ length: 5 }, () => {
      const map = maps.collect();
      for (let i = 0; i < 50_000; i++) map.add({ offset: i * 100, checksum: name(i) });
      return map.finish(100, 5_000_000);
    });
    const after = process.memoryUsage();
    expect(kept.reduce((sum, { positions }) => sum + positions.length, 0)).toBe(250_000);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(20 * 2 ** 20);
  });
});
