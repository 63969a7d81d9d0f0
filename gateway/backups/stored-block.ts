/** Reads one block, and believes it only when it has the bytes that its name stands for. */

import { checksumOf } from '../backupstore/layout';
import { decompress } from './decompress';
import { MISSING, orFault, type Fault } from './fault';
import type { RateLimit } from './rate-limit';
import { DamagedObjectError, type BackupSource, type FoundObject } from './source';

export interface StoredBlock {
  readonly key: string;
  readonly checksum: string;
  /** As the backup's document has it. */
  readonly compressionMethod: string;
  /** Bytes that it has at most. */
  readonly blockSize: number;
}

/** Bytes of blocks in memory at a time. */
const MEMORY_BYTES = 96 * 2 ** 20;
/** A block takes so many times its own size: as it came, decompressed, and what is not collected yet. */
const COPIES = 3;

/** How many blocks may be at work: as many as wanted, unless they are large. */
export function blocksAtATime(wanted: number, blockSize: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(MEMORY_BYTES / (COPIES * blockSize))));
}

/** Sees the stored bytes of every object as they are read. */
export interface ReadMeter {
  readonly limit?: RateLimit;
  onBytes(count: number): void;
}

/** The block's bytes. What seems wrong is looked at twice, since a gateway may be replacing the block. */
export async function readBlock(
  source: BackupSource,
  block: StoredBlock,
  meter: ReadMeter,
): Promise<Buffer | Fault> {
  return twice(source, block.key, async (found) => {
    const bytes = await decompress(metered(found, meter), block.compressionMethod, block.blockSize);
    if (checksumOf(bytes) !== block.checksum)
      throw new DamagedObjectError('The block has other bytes than its name says.');
    return bytes;
  });
}

/** Looks at an object, and once more at what seems wrong. */
export async function twice<T>(
  source: BackupSource,
  key: string,
  look: (found: FoundObject) => Promise<T>,
): Promise<T | Fault> {
  const once = () =>
    orFault(async () => {
      const found = await source.find(key);
      return found ? { value: await look(found) } : MISSING;
    });
  const first = await once();
  const last = 'value' in first ? first : await once();
  return 'value' in last ? last.value : last;
}

/** The object's bytes, within the rate limit. */
export async function* metered(found: FoundObject, meter: ReadMeter): AsyncGenerator<Buffer> {
  for await (const chunk of found.read()) {
    meter.onBytes(chunk.length);
    await meter.limit?.take(chunk.length);
    yield chunk;
  }
}
