/** A small volume of the shape that Longhorn's real client was watched with: 32 blocks, 29 of them with data, 2 of those twice. */
import { compressibleBlock, randomBlock } from './block-content';
import { DEFAULT_BLOCK_SIZE, Volume } from './volume';

export const SAMPLE = { blocks: 32, withData: 29, distinct: 27 } as const;

/** The last blocks hold what the first ones hold, so far apart that no two threads meet on them. */
export function sampleVolume(name: string, blockSize = DEFAULT_BLOCK_SIZE): Volume {
  const volume = new Volume(name, SAMPLE.blocks * blockSize, blockSize);
  for (let index = 0; index < SAMPLE.withData; index++) {
    const seed = index % SAMPLE.distinct;
    const content = seed % 2 === 0 ? compressibleBlock : randomBlock;
    volume.write(index * blockSize, content(seed + 1, blockSize));
  }
  return volume;
}

/** A day's work: two blocks with new data, one small write across two blocks, and one block that was empty. */
export function changeSample(volume: Volume): void {
  const { blockSize } = volume;
  volume.write(3 * blockSize, randomBlock(101, blockSize));
  volume.write(4 * blockSize, compressibleBlock(102, blockSize));
  volume.write(9 * blockSize - 100, randomBlock(103, 200));
  volume.write(30 * blockSize, randomBlock(104, blockSize));
}

/** Blocks that `changeSample` writes to. */
export const SAMPLE_CHANGED_BLOCKS = 5;
/** Blocks of the sample that no later backup of the changed volume needs. */
export const SAMPLE_ABANDONED_BLOCKS = 4;
