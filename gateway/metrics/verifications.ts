/** Looks now and then what the last verifications recorded, and tells it. */
import type { Registry } from 'prom-client';
import type { VerificationRecord, VerifiedSet } from '../backups/verify/record';
import type { RecordFiles } from '../backups/verify/record-files';
import { oldest } from '../backups/verify/share';
import { pulledGauge, type Labelled } from './pulled';

const INTERVAL_MS = 5 * 60 * 1000;

/** The FTP servers that hold the backups. */
export type BackupLocation = 'first' | 'mirror';

/** The last verification of one location. */
export interface LocatedVerification {
  readonly location: BackupLocation;
  readonly record: VerificationRecord;
}

export class Verifications {
  readonly #last = new Map<BackupLocation, VerificationRecord>();
  #timer: NodeJS.Timeout | undefined;

  /** @param files of the locations that there are */
  constructor(
    private readonly files: Readonly<Partial<Record<BackupLocation, Pick<RecordFiles, 'newest'>>>>,
  ) {}

  /** As last read; what happened once stays true while an FTP server is away. None where none was seen. */
  get last(): readonly LocatedVerification[] {
    return [...this.#last].map(([location, record]) => ({ location, record }));
  }

  /** Looks now, and every 5 min until `stop`. */
  start(): void {
    void this.look();
    this.#timer = setInterval(() => void this.look(), INTERVAL_MS).unref();
  }

  async look(): Promise<void> {
    await Promise.all([this.#lookAt('first'), this.#lookAt('mirror')]);
  }

  async #lookAt(location: BackupLocation): Promise<void> {
    // Before the first gateway, or while the FTP server is away, there is nothing to learn.
    const record = await this.files[location]?.newest().catch(() => undefined);
    if (record) this.#last.set(location, record);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Times of 0 are not told: they stand for never. */
export function verificationMetrics(registry: Registry, last: () => readonly LocatedVerification[]): void {
  const time = (name: string, help: string, pick: (record: VerificationRecord) => number) =>
    pulledGauge(
      {
        registry,
        name: `longhaul_verification_${name}_timestamp_seconds`,
        help,
        labelNames: ['location'],
      },
      () =>
        last().flatMap(({ location, record }) =>
          pick(record) === 0 ? [] : [[{ location }, pick(record) / 1000] as const],
        ),
    );
  const sets = (): { location: BackupLocation; set: VerifiedSet }[] =>
    last().flatMap(({ location, record }) => record.sets.map((set) => ({ location, set })));
  const blocks = (name: string, help: string, pick: (set: VerifiedSet) => number) =>
    pulledGauge(
      { registry, name: `longhaul_verification_${name}`, help, labelNames: ['location', 'volume'] },
      () => sets().map(({ location, set }) => [{ location, volume: set.volume }, pick(set)]),
    );

  time(
    'last_run',
    'When the last verification of everything at a location ended, whatever it found.',
    (run) => run.endedAt,
  );
  time(
    'last_success',
    'When the last verification of everything at a location ended that found nothing wrong.',
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
      labelNames: ['location', 'volume', 'verdict'],
    },
    (): Labelled<'location' | 'volume' | 'verdict'> =>
      sets().flatMap(({ location, set: { volume, ...counts } }) =>
        (['restorable', 'damaged', 'unknown'] as const).map(
          (verdict) => [{ location, volume, verdict }, counts[verdict]] as const,
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
