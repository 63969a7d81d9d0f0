import { gzipSync } from 'node:zlib';
import { compressFrame } from 'lz4-napi';
import { decompress } from '../../../gateway/backups/decompress';
import { randomBlock } from '../../support/longhorn/block-content';

const KIB = 1024;

async function* pieces(bytes: Buffer, size = 1000): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Text that repeats itself over more than a window, as linked blocks use. */
const CONTENT = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `${(i * 7919) % 1009} `).join(''));

/** `seq … | lz4 -B4 -BD --no-frame-crc`: two linked blocks of at most 64 KiB, the second referring to the first. */
function linkedFrame(first: Buffer, repeats: number): { frame: Buffer; content: Buffer } {
  // Block 1: literals only. Block 2: one match that reaches back into block 1, and the five last literals.
  const literal = (bytes: Buffer): Buffer => {
    const extra: number[] = [];
    for (let rest = bytes.length - 15; rest >= 0; rest -= 255) extra.push(Math.min(rest, 255));
    return Buffer.concat([Buffer.from([0xf0, ...extra]), bytes]);
  };
  const matched = first.subarray(0, repeats);
  const tail = Buffer.from('12345');
  const lengths: number[] = [];
  for (let rest = repeats - 4 - 15; rest >= 0; rest -= 255) lengths.push(Math.min(rest, 255));
  const offset = Buffer.alloc(2);
  offset.writeUInt16LE(first.length);
  const second = Buffer.concat([
    Buffer.from([0x0f]),
    offset,
    Buffer.from(lengths),
    Buffer.from([0x50]),
    tail,
  ]);
  const sized = (block: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    return Buffer.concat([size, block]);
  };
  const header = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0]);
  const frame = Buffer.concat([header, sized(literal(first)), sized(second), Buffer.alloc(4)]);
  return { frame, content: Buffer.concat([first, matched, tail]) };
}

describe('a stored block', () => {
  it.each([
    ['lz4', () => compressFrame(CONTENT, { contentChecksum: true })],
    ['lz4 with checksums of its blocks', () => compressFrame(CONTENT, { blockChecksums: true })],
    ['gzip', () => Promise.resolve(gzipSync(CONTENT))],
  ])('is decompressed from %s, whatever its document says', async (_name, make) => {
    const stored = await make();
    expect(await decompress(pieces(stored), 'lz4', CONTENT.length)).toEqual(CONTENT);
    expect(await decompress(pieces(stored, 7), 'gzip', CONTENT.length)).toEqual(CONTENT);
  });

  it('is taken as it is where nothing was compressed', async () => {
    expect(await decompress(pieces(CONTENT), 'none', CONTENT.length)).toEqual(CONTENT);
  });

  it('is decompressed from blocks that refer to one another', async () => {
    const { frame, content } = linkedFrame(randomBlock(1, 3000), 1000);
    expect(await decompress(pieces(frame), 'lz4', 64 * KIB)).toEqual(content);
  });

  it.each([
    ['lz4', (bytes: Buffer) => compressFrame(bytes)],
    ['gzip', (bytes: Buffer) => Promise.resolve(gzipSync(bytes))],
    ['none', (bytes: Buffer) => Promise.resolve(bytes)],
  ])('never becomes more than it may: %s', async (method, compress) => {
    const bomb = await compress(Buffer.alloc(64 * 1024 * KIB));
    const before = process.memoryUsage().rss;
    await expect(decompress(pieces(bomb, 65_536), method, 64 * KIB)).rejects.toThrow(
      /more than|does not decompress/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * KIB);
  });

  it('is decompressed whole when it has just the size that it may have', async () => {
    const block = randomBlock(3, 64 * KIB);
    expect(await decompress(pieces(await compressFrame(block)), 'lz4', block.length)).toEqual(block);
  });

  it.each([
    ['an unknown compression', Buffer.from('not compressed at all')],
    ['nothing', Buffer.alloc(0)],
    ['a frame cut short', Buffer.from('04224d186440', 'hex')],
    ['a frame of another version', Buffer.from('04224d18a47000', 'hex')],
    ['a block longer than its frame allows', Buffer.from('04224d186040820000017f', 'hex')],
  ])('is refused with %s', async (_name, bytes) => {
    await expect(decompress(pieces(bytes), 'lz4', 64 * KIB)).rejects.toMatchObject({
      name: 'DamagedObjectError',
    });
  });

  it('is refused when bytes follow its frame', async () => {
    const stored = Buffer.concat([await compressFrame(CONTENT), Buffer.from('x')]);
    await expect(decompress(pieces(stored), 'lz4', CONTENT.length)).rejects.toThrow('bytes follow');
  });
});
