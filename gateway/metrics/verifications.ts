/** Looks now and then what the last verification recorded, and tells it. */
import type { Registry } from 'prom-client';
import type { VerificationRecord } from '../backups/verify/record';
import type { RecordFiles } from '../backups/verify/record-files';
import { oldest } from '../backups/verify/share';
import { pulledGauge, type Labelled } from './pulled';

const INTERVAL_MS = 5 * 60 * 1000;

export class Verifications {
  /** As last read; what happened once stays true while the FTP server is away. Undefined: none was seen. */
  last: VerificationRecord | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly files: Pick<RecordFiles, 'newest'>) {}

  /** Looks now, and every 5 min until `stop`. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), INTERVAL_MS).unref();
  }

  async look(): Promise<void> {
    // Before the first gateway, or while the FTP server is away, there is nothing to learn.
    this.last = await this.files.newest().catch(() => this.last);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Times of 0 are not told: they stand for never. */
export function verificationMetrics(registry: Registry, last: () => VerificationRecord | undefined): void {
  const time = (name: string, help: string, pick: (record: VerificationRecord) => number) =>
    pulledGauge({ registry, name: `longhaul_verification_${name}_timestamp_seconds`, help }, () => {
      const record = last();
      return (record && pick(record) / 1000) || undefined;
    });
  const blocks = (name: string, help: string, pick: (set: VerificationRecord['sets'][number]) => number) =>
    pulledGauge({ registry, name: `longhaul_verification_${name}`, help, labelNames: ['volume'] }, () =>
      (last()?.sets ?? []).map((set) => [{ volume: set.volume }, pick(set)]),
    );

  time(
    'last_run',
    'When the last verification of everything ended, whatever it found.',
    (run) => run.endedAt,
  );
  time(
    'last_success',
    'When the last verification of everything ended that found nothing wrong.',
    (run) => run.soundAt,
  );
  time(
    'coverage',
    'Every block stored before then was read and checked since, by verifications of all blocks or of a share a day.',
    ({ sliceTimes }) => oldest(sliceTimes),
  );
  pulledGauge(
    {
      registry,
      name: 'longhaul_verification_backups',
      help: 'Backups of a volume by the verdict of the last verification: restorable, damaged or unknown.',
      labelNames: ['volume', 'verdict'],
    },
    (): Labelled<'volume' | 'verdict'> =>
      (last()?.sets ?? []).flatMap(({ volume, ...set }) =>
        (['restorable', 'damaged', 'unknown'] as const).map(
          (verdict) => [{ volume, verdict }, set[verdict]] as const,
        ),
      ),
  );
  blocks(
    'problems',
    'What the last verification found wrong with a volume beside its backups.',
    (set) => set.problems,
  );
  blocks('blocks', 'Blocks that the backups of a volume need.', (set) => set.blocks);
  blocks('read_blocks', 'Blocks that the last verification read and checked.', (set) => set.checkedBlocks);
  blocks('damaged_blocks', 'Blocks that are missing or damaged.', (set) => set.damagedBlocks);
  blocks('unknown_blocks', 'Blocks that could not be read to find out.', (set) => set.unknownBlocks);
}
