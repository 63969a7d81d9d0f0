/**
 * Restores a volume from the files alone.
 *
 * A byte is written only from a block that has the hash which its backup's document names. What is right already, from an earlier try or an
 * older backup, is left: so the same command goes on after a stop, whatever stopped it, and trusts nothing that it did not check.
 */

import type { BlockMap, BlockNames } from '../../backupstore/block-maps';
import { blockKey, checksumOf, type BlockSet } from '../../backupstore/layout';
import { forEachLimited } from '../../store/concurrency';
import { isFault, type Fault } from '../fault';
import type { BackupSource } from '../source';
import { blocksAtATime, readBlock, type ReadMeter } from '../stored-block';
import type { RestoreTarget } from './target';

export interface RestoreOptions {
  readonly source: BackupSource;
  readonly set: BlockSet;
  readonly map: BlockMap;
  readonly names: BlockNames;
  readonly compressionMethod: string;
  readonly target: RestoreTarget;
  /** What stands where the backup has no block, as a raw image; absent: zeros. */
  readonly base?: BaseImage;
  /** Blocks restored at a time. */
  readonly concurrency: number;
  readonly meter: ReadMeter;
  readonly onBlock: (done: number, total: number) => void;
}

/** The backing image of a volume. */
export interface BaseImage {
  /** The bytes at `offset`; zeros behind its end. */
  read(offset: number, length: number): Promise<Buffer>;
}

export interface RestoreResult {
  readonly blocks: number;
  /** Blocks that the target had already. */
  readonly reusedBlocks: number;
  /** In order; the target holds zeros there. Empty: every byte is right. */
  readonly faults: readonly { readonly offset: number; readonly fault: Fault }[];
}

/** Throws `TargetError`. Leaves the target open. */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { map, target, concurrency, onBlock } = options;
  const { positions, blockSize } = map;
  const faults: { offset: number; fault: Fault }[] = [];
  let [done, reusedBlocks] = [0, 0];
  await fillGaps(options);
  const zeros = checksumOf(Buffer.alloc(blockSize));
  onBlock(0, positions.length);
  await forEachLimited(positions.keys(), blocksAtATime(concurrency, blockSize), async (i) => {
    const offset = (positions[i] ?? 0) * blockSize;
    // A volume's last block may reach beyond its end only in a document that is not Longhorn's.
    const length = Math.min(blockSize, target.sizeBytes - offset);
    const outcome = await restoreBlock(options, i, offset, length, zeros);
    if (outcome === 'reused') reusedBlocks += 1;
    else if (isFault(outcome)) {
      faults.push({ offset, fault: outcome });
      await target.clear(offset, offset + length);
    }
    onBlock(++done, positions.length);
  });
  faults.sort((a, b) => a.offset - b.offset);
  return { blocks: positions.length, reusedBlocks, faults };
}

async function restoreBlock(
  { source, set, map, names, compressionMethod, target, meter }: RestoreOptions,
  index: number,
  offset: number,
  length: number,
  zeros: string,
): Promise<'written' | 'reused' | Fault> {
  const { blockSize } = map;
  const checksum = names.name(map.names[index] ?? 0);
  if (!target.isFresh && checksumOf(await target.read(offset, length)) === checksum) return 'reused';
  const key = blockKey(set, checksum);
  const block = await readBlock(source, { key, checksum, compressionMethod, blockSize }, meter);
  if (isFault(block)) return block;
  if (block.length !== length)
    return { kind: 'damaged', reason: `The block has ${block.length} instead of ${length} bytes.` };
  // A file that is fresh has a hole there.
  if (!target.isFresh || checksum !== zeros) await target.write(offset, block);
  return 'written';
}

/** What no block of the backup covers. */
async function fillGaps({ map, target, base }: RestoreOptions): Promise<void> {
  const { positions, blockSize } = map;
  let end = 0;
  for (const start of [...positions, Math.ceil(target.sizeBytes / blockSize)]) {
    const gap = { start: end * blockSize, end: Math.min(start * blockSize, target.sizeBytes) };
    end = start + 1;
    if (gap.start >= gap.end) continue;
    if (base) await copyBase(base, target, gap.start, gap.end);
    else await target.clear(gap.start, gap.end);
  }
}

async function copyBase(base: BaseImage, target: RestoreTarget, start: number, end: number): Promise<void> {
  const stride = 4 * 2 ** 20;
  for (let at = start; at < end; at += stride) {
    const bytes = await base.read(at, Math.min(stride, end - at));
    if (!target.isFresh || bytes.some((byte) => byte !== 0)) await target.write(at, bytes);
  }
}
