/** What a verification leaves on the FTP server: for the gateway to tell, and for the next one to go on from. Pure. */

import { isClean, type BackupVerdict, type FaultyObject, type VerifyReport } from './report';
import { advance, type SliceTimes } from './share';

const VERSION = 1;
/** Bytes of a record at most. */
export const MAX_RECORD_BYTES = 16 * 2 ** 20;

/** How the backups of one volume are; backing images and system backups have names that no volume has. */
export interface VerifiedSet {
  readonly volume: string;
  readonly restorable: number;
  readonly damaged: number;
  readonly unknown: number;
  /** What is wrong beside the backups. */
  readonly problems: number;
  readonly blocks: number;
  readonly checkedBlocks: number;
  readonly damagedBlocks: number;
  readonly unknownBlocks: number;
}

/** Of a run at level 3 over everything. Times in milliseconds since the epoch. */
export interface VerificationRecord {
  readonly version: typeof VERSION;
  readonly bucket: string;
  /** The backup target's path. */
  readonly path: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The end of the last run that found nothing wrong, and all out; 0 if there was none. */
  readonly soundAt: number;
  readonly sets: readonly VerifiedSet[];
  readonly sliceTimes: SliceTimes;
  readonly faults: readonly FaultyObject[];
}

const BACKING_IMAGES = '(backing images)';
const SYSTEM_BACKUPS = '(system backups)';

/** Whether a run is one to be recorded: another tells of a part alone, and would hide what is wrong with the rest. */
export function isWhole(run: { readonly level: number; readonly volumes: readonly string[] }): boolean {
  return run.level === 3 && run.volumes.length === 0;
}

export function recordOf(
  report: VerifyReport,
  target: { readonly bucket: string; readonly path: string },
  previous: VerificationRecord | undefined,
): VerificationRecord {
  const startedAt = Date.parse(report.startedAt);
  const endedAt = Date.parse(report.endedAt);
  const noBlocks = { problems: 0, blocks: 0, checkedBlocks: 0, damagedBlocks: 0, unknownBlocks: 0 };
  const sets = report.sets.map(
    ({ volume, kind, problems, backups, blocks, checkedBlocks, damagedBlocks, unknownBlocks }) => ({
      volume: kind === 'volume' ? volume : BACKING_IMAGES,
      ...counts(backups),
      problems: problems.length,
      ...{ blocks, checkedBlocks, damagedBlocks, unknownBlocks },
    }),
  );
  const { systemBackups } = report;
  return {
    version: VERSION,
    ...target,
    ...{ startedAt, endedAt, soundAt: isClean(report) ? endedAt : (previous?.soundAt ?? 0) },
    sets:
      systemBackups.length === 0
        ? sets
        : [...sets, { volume: SYSTEM_BACKUPS, ...counts(systemBackups), ...noBlocks }],
    sliceTimes: advance(previous?.sliceTimes ?? [], report.share, startedAt),
    faults: report.faults,
  };
}

function counts(
  backups: readonly Pick<BackupVerdict, 'verdict' | 'inProgress'>[],
): Pick<VerifiedSet, BackupVerdict['verdict']> {
  const of = (verdict: BackupVerdict['verdict']): number =>
    backups.filter((backup) => backup.verdict === verdict && !backup.inProgress).length;
  return { restorable: of('restorable'), damaged: of('damaged'), unknown: of('unknown') };
}

/** Undefined for what is no record: a file without seal may be anybody's. */
export function parseRecord(bytes: Buffer): VerificationRecord | undefined {
  let found: unknown;
  try {
    found = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  return isRecord(found) ? found : undefined;
}

function isRecord(value: unknown): value is VerificationRecord {
  const record = value as Partial<VerificationRecord> | null;
  const { startedAt, endedAt, soundAt } = record ?? {};
  return (
    record?.version === VERSION &&
    [record.bucket, record.path].every((text) => typeof text === 'string') &&
    [startedAt, endedAt, soundAt].every(Number.isFinite) &&
    isListOf(record.sets, isSet) &&
    isListOf(record.sliceTimes, Number.isFinite) &&
    isListOf(record.faults, (fault) => typeof (fault as FaultyObject).key === 'string')
  );
}

function isSet(value: unknown): boolean {
  const { volume, ...figures } = value as VerifiedSet;
  const numbers = ['restorable', 'damaged', 'unknown', 'problems', 'blocks'] as const;
  const more = ['checkedBlocks', 'damagedBlocks', 'unknownBlocks'] as const;
  return (
    typeof volume === 'string' && [...numbers, ...more].every((name) => Number.isSafeInteger(figures[name]))
  );
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return (
    Array.isArray(value) &&
    value.every((item) => typeof item !== 'undefined' && item !== null && isItem(item))
  );
}
