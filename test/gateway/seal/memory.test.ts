import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openWhole } from '../../../gateway/seal/open';
import { seal } from '../../../gateway/seal/seal';
import { CONTEXT, KEYRING, METADATA, pattern } from './streams';

const MIB = 2 ** 20;
const SIZE = 256 * MIB;
const SEGMENT = 256 * 1024;
const CHUNK = pattern(64 * 1024);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in Buffers; some that nothing refers to any more may be counted until the next collection. */
function bufferBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

async function* zeroCopySource(): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < SIZE; sent += CHUNK.length) yield await Promise.resolve(CHUNK);
}

describe('sealing and opening 256 MiB', () => {
  it('holds a small part of it at any time', async () => {
    const expected = Buffer.concat(Array.from({ length: SEGMENT / CHUNK.length }, () => CHUNK));
    const file = seal(KEYRING, CONTEXT, { size: SIZE }).stream(zeroCopySource(), () => METADATA);
    const before = bufferBytes();
    let [opened, peak] = [0, 0];
    for await (const segment of openWhole(KEYRING, CONTEXT, file)) {
      expect(segment.equals(expected)).toBe(true);
      opened += segment.length;
      if (opened % (16 * MIB) === 0) peak = Math.max(peak, bufferBytes() - before);
    }
    expect(opened).toBe(SIZE);
    expect(peak).toBeLessThan(64 * MIB);
  });
});
