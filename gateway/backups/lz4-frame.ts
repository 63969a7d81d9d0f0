/**
 * Decodes an LZ4 frame into at most so many bytes. The library's own frame decoder has no bound, so that 2 MiB may become 512; here it
 * gets one block at a time, and how much that may become.
 *
 *     magic 4 | flags 1 | block size 1 | [content size 8] | [dictionary id 4] | header checksum 1 |
 *     blocks, each: size 4, data, [checksum 4] | 0 as size 4 | [content checksum 4]
 *
 * Checksums are skipped: whoever calls this knows a SHA-512 of the result. Source: github.com/lz4/lz4, `doc/lz4_Frame_format.md`.
 */

import { uncompress } from 'lz4-napi';
import type { ByteReader } from '../seal/byte-reader';

const FLAG = {
  dictionaryId: 0x01,
  contentChecksum: 0x04,
  contentSize: 0x08,
  blockChecksum: 0x10,
  independent: 0x20,
};
/** In a block's size: its data is not compressed. */
const UNCOMPRESSED = 0x8000_0000;
/** How far back a block of a linked frame may refer. */
const WINDOW_BYTES = 64 * 1024;

/** The bytes are not an LZ4 frame of at most the size that was allowed. */
export class Lz4Error extends Error {
  override readonly name = 'Lz4Error';
}

/** Decodes a frame, whose magic has been taken from the reader, and all that follows. Throws `Lz4Error`. */
export async function decodeLz4Frame(reader: ByteReader, maxBytes: number): Promise<Buffer> {
  const { flags, maxBlockBytes } = await readDescriptor(reader);
  let result: Buffer | undefined;
  let filled = 0;
  for (;;) {
    const word = (await take(reader, 4)).readUInt32LE();
    if (word === 0) break;
    const size = word & ~UNCOMPRESSED;
    if (size > maxBlockBytes) throw new Lz4Error('a block of the LZ4 frame is too long');
    const room = Math.min(maxBlockBytes, maxBytes - filled);
    const isLinked = (flags & FLAG.independent) === 0;
    const window = isLinked ? result?.subarray(Math.max(0, filled - WINDOW_BYTES), filled) : undefined;
    const block =
      (word & UNCOMPRESSED) !== 0 ? await take(reader, size) : await decodeBlock(reader, size, room, window);
    if (block.length > room) throw new Lz4Error(`the LZ4 frame holds more than ${maxBytes} bytes`);
    // Longhorn's blocks of 2 MiB are one block of a frame each, and need no second place.
    if (!result && block.length === maxBytes) result = block;
    else block.copy((result ??= Buffer.allocUnsafe(maxBytes)), filled);
    filled += block.length;
    if ((flags & FLAG.blockChecksum) !== 0) await take(reader, 4);
  }
  if ((flags & FLAG.contentChecksum) !== 0) await take(reader, 4);
  if (!(await reader.isAtEnd())) throw new Lz4Error('bytes follow the LZ4 frame');
  return (result ?? Buffer.alloc(0)).subarray(0, filled);
}

async function readDescriptor(reader: ByteReader): Promise<{ flags: number; maxBlockBytes: number }> {
  const [flags = 0, sizes = 0] = await take(reader, 2);
  const sizeCode = (sizes >> 4) & 7;
  if (flags >> 6 !== 1 || sizeCode < 4) throw new Lz4Error('the LZ4 frame has a header that is not known');
  const more = (flags & FLAG.contentSize ? 8 : 0) + (flags & FLAG.dictionaryId ? 4 : 0);
  await take(reader, more + 1);
  return { flags, maxBlockBytes: 4 ** (sizeCode + 4) };
}

async function decodeBlock(
  reader: ByteReader,
  size: number,
  room: number,
  window: Buffer | undefined,
): Promise<Buffer> {
  const head = Buffer.allocUnsafe(4);
  head.writeUInt32LE(room);
  // The library wants both in one piece; a block is large, and copied no more than that.
  const sized = Buffer.concat([head, ...(await reader.take(size))]);
  if (sized.length < head.length + size) throw new Lz4Error('the LZ4 frame is cut short');
  try {
    return await uncompress(sized, window);
  } catch (cause) {
    throw new Lz4Error('a block of the LZ4 frame does not decompress', { cause });
  }
}

async function take(reader: ByteReader, length: number): Promise<Buffer> {
  const bytes = await reader.takeBuffer(length);
  if (bytes.length < length) throw new Lz4Error('the LZ4 frame is cut short');
  return bytes;
}
