/** Repeatable contents for blocks: the same seed gives the same bytes. */
import { createCipheriv } from 'node:crypto';

/** Bytes that no compression makes smaller: an AES-CTR key stream. */
export function randomBlock(seed: number, length: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(seed >>> 0);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** Bytes of which about half go away under lz4: runs of random bytes and of zeros by turns. */
export function compressibleBlock(seed: number, length: number): Buffer {
  const block = randomBlock(seed, length);
  for (let start = 512; start < length; start += 1024) block.fill(0, start, start + 512);
  return block;
}
