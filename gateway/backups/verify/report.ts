/** What verifying found: one verdict a backup. Pure. */

import type { Fault } from '../fault';
import type { Share } from './share';

/**
 * 1: every block is there, with a size that it can have. 2: it opens from its first segment to its last. 3: it decompresses to the
 * bytes that its name stands for. Documents are read whole at every level.
 */
export type Level = 1 | 2 | 3;

/** `unknown`: it could not be found out; `reason` says why. */
export type Verdict = 'restorable' | 'damaged' | 'unknown';

export interface BackupVerdict {
  readonly name: string;
  readonly verdict: Verdict;
  /** A backup that is being made, or was given up: not a failure. */
  readonly inProgress?: true;
  /** For people; absent where it is restorable. */
  readonly reason?: string;
  /** RFC 3339, of the snapshot; empty if it is not known. */
  readonly createdAt: string;
  readonly sizeBytes: number;
  /** Places in the volume with a block. */
  readonly blocks: number;
  /** Of these, how many were checked at the level asked for, in this run; the others at level 1. */
  readonly checkedBlocks: number;
  /** How many are damaged, missing or unknown, and the offsets in bytes of the first. */
  readonly faultyBlocks: number;
  readonly faultyOffsets: readonly number[];
}

export interface SetReport {
  /** A volume's name; empty for backing images. */
  readonly volume: string;
  readonly kind: 'volume' | 'backing-images';
  /** What is wrong beside the backups. */
  readonly problems: readonly string[];
  readonly backups: readonly BackupVerdict[];
  /** Distinct blocks that the backups name. */
  readonly blocks: number;
  /** Of these, how many were checked at the level asked for. */
  readonly checkedBlocks: number;
  /** Of these, how many are missing or damaged, and of how many it could not be found out. */
  readonly damagedBlocks: number;
  readonly unknownBlocks: number;
}

export interface SystemBackupVerdict {
  readonly name: string;
  readonly longhornVersion: string;
  readonly verdict: Verdict;
  readonly reason?: string;
}

/** An object that was not as it should be when it was last looked at. */
export interface FaultyObject extends Fault {
  readonly key: string;
  /** ISO 8601. */
  readonly since: string;
}

export interface VerifyReport {
  readonly version: 1;
  /** For people: where the backups lie. */
  readonly source: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly level: Level;
  /** Absent: all blocks were checked at that level. */
  readonly share?: Share;
  readonly sets: readonly SetReport[];
  readonly systemBackups: readonly SystemBackupVerdict[];
  /** The first of them; looked at again by every later run that is given this report. */
  readonly faults: readonly FaultyObject[];
  /** Keys that were faulty in the report before, and are sound now. */
  readonly mended: readonly string[];
  readonly blocks: number;
  readonly checkedBlocks: number;
  readonly bytesRead: number;
}

/** How many offsets and faults a report tells at most; their numbers are whole. */
export const MOST_TOLD = 1000;

export interface Counts {
  readonly restorable: number;
  readonly damaged: number;
  readonly unknown: number;
  readonly inProgress: number;
  readonly problems: number;
}

export function countVerdicts({
  sets,
  systemBackups,
}: {
  readonly sets: readonly Pick<SetReport, 'backups' | 'problems'>[];
  readonly systemBackups: readonly SystemBackupVerdict[];
}): Counts {
  const all: readonly (BackupVerdict | SystemBackupVerdict)[] = [
    ...sets.flatMap(({ backups }) => backups),
    ...systemBackups,
  ];
  const isStub = (each: BackupVerdict | SystemBackupVerdict): boolean => 'inProgress' in each;
  const count = (verdict: Verdict): number =>
    all.filter((each) => each.verdict === verdict && !isStub(each)).length;
  return {
    restorable: count('restorable'),
    damaged: count('damaged'),
    unknown: count('unknown'),
    inProgress: all.filter(isStub).length,
    problems: sets.reduce((sum, { problems }) => sum + problems.length, 0),
  };
}

/** Whether nothing is wrong, and all was found out. */
export function isClean(report: Pick<VerifyReport, 'sets' | 'systemBackups'>): boolean {
  const { damaged, unknown, problems } = countVerdicts(report);
  return damaged + unknown + problems === 0;
}
