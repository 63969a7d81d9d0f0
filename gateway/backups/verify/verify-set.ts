/** Verifies the backups of one volume, or all backing images. */

import { createHash } from 'node:crypto';
import { isInProgress } from '../../backupstore/backup-config';
import { BlockMaps, type BlockMap } from '../../backupstore/block-maps';
import { backupConfigKey, blockKey, volumeConfigKey, type BlockSet } from '../../backupstore/layout';
import { forEachLimited } from '../../store/concurrency';
import { isFault, orFault, type Fault } from '../fault';
import { listBackups, readBackup, readVolumeConfig, type Backup } from '../inventory';
import { DamagedObjectError, type BackupSource } from '../source';
import { blocksAtATime, metered, readBlock, twice, type ReadMeter } from '../stored-block';
import type { SetProgress } from './progress-file';
import { MOST_TOLD, type BackupVerdict, type Level, type SetReport } from './report';

/** No block is smaller in any compression, nor larger than this times its size. */
const MOST_STORED = 1.25;

export interface VerifySetOptions {
  readonly level: Level;
  /** Whether a block is to be checked at that level; at level 1 all are. */
  readonly isDue: (checksum: string) => boolean;
  /** Keys that were faulty before: due in any case. */
  readonly suspects: ReadonlySet<string>;
  /** Blocks looked at at a time. */
  readonly concurrency: number;
  readonly meter: ReadMeter;
  readonly progress: SetProgress;
  /** Called for each block, and once before the first. */
  readonly onBlock: (done: number, total: number) => void;
}

export interface SetResult {
  readonly report: SetReport;
  /** By key. */
  readonly faults: ReadonlyMap<string, Fault>;
  /** Suspects that are sound now, or that nothing needs any more. */
  readonly cleared: readonly string[];
}

/** How the blocks of one backup are stored. */
interface Style {
  readonly compressionMethod: string;
  readonly blockSize: number;
}

/** Throws `SourceUnavailableError` if it cannot even be found out which backups there are. */
export async function verifySet(
  source: BackupSource,
  set: BlockSet,
  options: VerifySetOptions,
): Promise<SetResult> {
  return new SetVerifier(source, set, options).run();
}

class SetVerifier {
  readonly #maps = new BlockMaps();
  /** By the number of the block's name: 1 plus its style's place in `#styles`, or 0 if no backup that can be read names it. */
  #styleOf = new Uint16Array(0);
  readonly #styles: Style[] = [];
  /** By the number of the block's name. */
  readonly #faults = new Map<number, Fault>();
  #checked = new Uint8Array(0);

  constructor(
    private readonly source: BackupSource,
    private readonly set: BlockSet,
    private readonly options: VerifySetOptions,
  ) {}

  async run(): Promise<SetResult> {
    const { source, set, options } = this;
    const { meter } = options;
    const volume = set.kind === 'volume' ? await readVolumeConfig(source, set, meter) : undefined;
    const volumeBytes = isFault(volume) ? undefined : volume?.sizeBytes;
    const documents = new Map<string, Backup | Fault>();
    for (const name of await listBackups(source, set)) {
      const bounds = volumeBytes === undefined ? {} : { volumeBytes };
      documents.set(name, await readBackup(source, set, name, { meter, maps: this.#maps, ...bounds }));
    }
    const order = this.#plan([...documents.values()].flatMap((each) => (isFault(each) ? [] : [each])));
    await this.#checkAll(order);
    // What is wrong now may have been in the middle of a change: the backup deleted, the block written again.
    await this.#lookAgain(documents);
    return this.#result(order, documents, volume);
  }

  /** The numbers of all blocks that backups name, in the order of their names. */
  #plan(backups: readonly Backup[]): Uint32Array {
    const { names } = this.#maps;
    this.#styleOf = new Uint16Array(names.size);
    this.#checked = new Uint8Array(names.size);
    for (const { config, map } of backups) {
      if (map)
        for (const name of map.names) this.#styleOf[name] ||= this.#style(config.compressionMethod, map);
    }
    return names.inOrder().filter((name) => (this.#styleOf[name] ?? 0) > 0);
  }

  #style(compressionMethod: string, { blockSize }: BlockMap): number {
    const known = this.#styles.findIndex(
      (style) => style.blockSize === blockSize && style.compressionMethod === compressionMethod,
    );
    return known >= 0 ? known + 1 : this.#styles.push({ compressionMethod, blockSize });
  }

  async #checkAll(order: Uint32Array): Promise<void> {
    const { progress, onBlock, concurrency, level } = this.options;
    const names = this.#maps.names;
    const start = progress.begin(() => this.#digest(order));
    for (const { checksum, fault } of progress.faults) this.#faults.set(names.add(checksum), fault);
    for (const number of order.subarray(0, start)) if (this.#isDue(number)) this.#checked[number] = 1;
    onBlock(start, order.length);
    let done = start;
    const largest = Math.max(1, ...this.#styles.map(({ blockSize }) => blockSize));
    const atATime = level === 3 ? blocksAtATime(concurrency, largest) : concurrency;
    const rest = order.subarray(start).entries();
    await forEachLimited(rest, atATime, async ([i, number]) => {
      progress.started(start + i);
      const fault = await this.#check(number);
      if (fault) this.#faults.set(number, fault);
      progress.ended(start + i, fault && { checksum: names.name(number), fault });
      onBlock(++done, order.length);
    });
  }

  #digest(order: Uint32Array): string {
    const hash = createHash('sha256');
    for (const number of order) hash.update(this.#maps.names.name(number));
    return hash.digest('hex');
  }

  #isDue(number: number): boolean {
    const { level, isDue, suspects } = this.options;
    const checksum = this.#maps.names.name(number);
    return level === 1 || isDue(checksum) || suspects.has(blockKey(this.set, checksum));
  }

  async #check(number: number): Promise<Fault | undefined> {
    const { source, set, options } = this;
    const style = this.#styles[(this.#styleOf[number] ?? 0) - 1];
    if (!style) return undefined;
    const checksum = this.#maps.names.name(number);
    const key = blockKey(set, checksum);
    const level = this.#isDue(number) ? options.level : 1;
    this.#checked[number] = level === options.level ? 1 : 0;
    if (level === 3) {
      const block = await readBlock(source, { key, checksum, ...style }, options.meter);
      if (isFault(block)) return block;
      return isRightSize(set, block.length, style) ? undefined : WRONG_SIZE;
    }
    const looked = await twice(source, key, async (found) => {
      if (found.storedSize > style.blockSize * MOST_STORED + 65_536)
        throw new DamagedObjectError(
          `The block has ${found.storedSize} bytes, and can have no more than its size.`,
        );
      if (found.storedSize === 0) throw new DamagedObjectError('The block is empty.');
      if (level === 2) for await (const chunk of metered(found, options.meter)) void chunk;
      return true;
    });
    return isFault(looked) ? looked : undefined;
  }

  async #lookAgain(documents: Map<string, Backup | Fault>): Promise<void> {
    for (const number of [...this.#faults.keys()]) {
      const fault = await this.#check(number);
      if (fault) this.#faults.set(number, fault);
      else this.#faults.delete(number);
    }
    const isTroubled = this.#faults.size > 0 || [...documents.values()].some(isFault);
    if (!isTroubled) return;
    const now = new Set(await listBackups(this.source, this.set));
    for (const name of documents.keys()) if (!now.has(name)) documents.delete(name);
  }

  async #result(
    order: Uint32Array,
    documents: ReadonlyMap<string, Backup | Fault>,
    volume: Awaited<ReturnType<typeof readVolumeConfig>> | undefined,
  ): Promise<SetResult> {
    const { set, options } = this;
    const names = this.#maps.names;
    const keyOf = (number: number): string => blockKey(set, names.name(number));
    const problems: string[] = [];
    const verdicts = [...documents].map(([name, document]) =>
      isFault(document) ? withoutDocument(name, document) : this.#judge(document),
    );
    if (isFault(volume) && verdicts.length > 0)
      problems.push(`volume.cfg: ${volume.reason} Longhorn cannot restore this volume without it.`);
    const last = isFault(volume) ? '' : (volume?.lastBackupName ?? '');
    if (last !== '' && !documents.has(last) && (await this.#isLastStill(last)))
      verdicts.push(withoutDocument(last, LOST_DOCUMENT));
    const faults = new Map([...this.#faults].map(([number, fault]) => [keyOf(number), fault]));
    for (const [name, document] of documents)
      if (isFault(document)) faults.set(backupConfigKey(set, name), document);
    if (isFault(volume)) faults.set(volumeConfigKey(set), volume);
    const cleared = [...options.suspects].filter((key) => key.startsWith(set.directory) && !faults.has(key));
    const checkedBlocks = order.reduce((sum, number) => sum + (this.#checked[number] ?? 0), 0);
    const unknownBlocks = [...this.#faults.values()].filter(({ kind }) => kind === 'unknown').length;
    const report: SetReport = {
      ...{ volume: set.volume, kind: set.kind, problems, backups: verdicts },
      ...{ blocks: order.length, checkedBlocks, unknownBlocks },
      damagedBlocks: this.#faults.size - unknownBlocks,
    };
    return { report, faults, cleared };
  }

  /** Longhorn deletes a backup's document some time before it says so in volume.cfg. */
  async #isLastStill(name: string): Promise<boolean> {
    const volume = await readVolumeConfig(this.source, this.set, this.options.meter);
    if (isFault(volume) || volume.lastBackupName !== name) return false;
    const found = await orFault(() => this.source.find(backupConfigKey(this.set, name)));
    return found === undefined;
  }

  #judge({ name, config, map }: Backup): BackupVerdict {
    const common = {
      name,
      createdAt: config.snapshotCreatedAt || config.completedAt,
      sizeBytes: config.sizeBytes,
    };
    if (isInProgress(config) || !map) {
      const reason = 'It is being made, or was given up: its document names no blocks yet.';
      return { ...common, ...NO_BLOCKS, verdict: 'unknown', inProgress: true, reason };
    }
    const faulty: { readonly offset: number; readonly fault: Fault }[] = [];
    let checkedBlocks = 0;
    for (const [i, number] of map.names.entries()) {
      checkedBlocks += this.#checked[number] ?? 0;
      const fault = this.#faults.get(number);
      if (fault) faulty.push({ offset: (map.positions[i] ?? 0) * map.blockSize, fault });
    }
    const worst = faulty.find(({ fault }) => fault.kind !== 'unknown') ?? faulty[0];
    return {
      ...common,
      verdict: worst === undefined ? 'restorable' : worst.fault.kind === 'unknown' ? 'unknown' : 'damaged',
      ...(worst && { reason: `The block at ${worst.offset}: ${worst.fault.reason}` }),
      blocks: map.names.length,
      checkedBlocks,
      faultyBlocks: faulty.length,
      faultyOffsets: faulty.slice(0, MOST_TOLD).map(({ offset }) => offset),
    };
  }
}

const NO_BLOCKS = { blocks: 0, checkedBlocks: 0, faultyBlocks: 0, faultyOffsets: [] } as const;
const WRONG_SIZE: Fault = {
  kind: 'damaged',
  reason: 'The block is not as long as the blocks of its backup.',
};
const LOST_DOCUMENT: Fault = {
  kind: 'unknown',
  reason: 'volume.cfg names it as the last backup, and its document is missing: lost, or just being deleted.',
};

function withoutDocument(name: string, { kind, reason }: Fault): BackupVerdict {
  const verdict = kind === 'unknown' ? 'unknown' : 'damaged';
  return { name, verdict, reason: `Its document: ${reason}`, createdAt: '', sizeBytes: 0, ...NO_BLOCKS };
}

/** Only the last block of a backing image may be shorter. */
function isRightSize({ kind }: BlockSet, length: number, { blockSize }: Style): boolean {
  return length === blockSize || (kind === 'backing-images' && length > 0);
}
