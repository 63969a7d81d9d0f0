/** Verifies everything that a backup target holds. */

import { createHash } from 'node:crypto';
import {
  parseSystemBackupConfig,
  MAX_SYSTEM_BACKUP_CONFIG_BYTES,
} from '../../backupstore/system-backup-config';
import type { BlockSet } from '../../backupstore/layout';
import { isFault, orFault } from '../fault';
import { findBackingImages, listSystemBackups, listVolumes, type SystemBackupKey } from '../inventory';
import type { RateLimit } from '../rate-limit';
import { DamagedObjectError, readWhole, type BackupSource } from '../source';
import { metered, twice, type ReadMeter } from '../stored-block';
import { ProgressFile, type FinishedSet } from './progress-file';
import {
  MOST_TOLD,
  type FaultyObject,
  type Level,
  type SystemBackupVerdict,
  type VerifyReport,
} from './report';
import { dayOf, isInShare, type Share } from './share';
import { verifySet, type SetResult } from './verify-set';

export interface VerifyOptions {
  readonly level: Level;
  /** Absent: every block is checked at that level. */
  readonly share?: Share;
  /** The backup target's path: empty, or ending in `/`. */
  readonly path: string;
  /** Only these volumes, and nothing else. Empty: all, with backing images and system backups. */
  readonly volumes: readonly string[];
  /** Blocks looked at at a time. */
  readonly concurrency: number;
  readonly limit?: RateLimit;
  /** Local file to go on from after a stop. */
  readonly stateFile?: string;
  /** What an earlier run found, where the state file does not say. */
  readonly previous?: Pick<VerifyReport, 'faults'>;
  readonly now: () => number;
  readonly onProgress: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  /** A volume's name, or what else is being looked at. */
  readonly subject: string;
  /** This volume's place among them all. */
  readonly volume: number;
  readonly volumes: number;
  readonly doneBlocks: number;
  readonly blocks: number;
  readonly bytesRead: number;
}

/** Throws `SourceUnavailableError` if it cannot even be found out what there is, and `ProgressFileError`. */
export async function verify(source: BackupSource, options: VerifyOptions): Promise<VerifyReport> {
  const { level, share, path, volumes, now, onProgress } = options;
  const identity = {
    source: source.description,
    path,
    level,
    share: share ? `${share.part}/${share.of}` : '',
    volumes,
  };
  const file = ProgressFile.open(options.stateFile, identity, now);
  const previous = file.previous ?? options.previous;
  const suspects = new Set(previous?.faults.map(({ key }) => key));
  const day = dayOf(file.startedAt);
  const meter: ReadMeter = {
    ...(options.limit && { limit: options.limit }),
    onBytes: (count) => void (file.bytesRead += count),
  };
  const sets = await setsOf(source, options);
  const finished: FinishedSet[] = [];
  for (const [i, set] of sets.entries()) {
    const known = file.finished(set.directory);
    if (known) {
      finished.push(known);
      continue;
    }
    const subject = set.kind === 'volume' ? set.volume : 'backing images';
    const result = await orUnknown(set, source, {
      level,
      isDue: (checksum) => share === undefined || isInShare(checksum, share, day),
      suspects,
      concurrency: options.concurrency,
      meter,
      progress: file.set(set.directory),
      onBlock: (doneBlocks, blocks) =>
        onProgress({
          subject,
          volume: i + 1,
          volumes: sets.length,
          doneBlocks,
          blocks,
          bytesRead: file.bytesRead,
        }),
    });
    const done = { ...result, faults: [...result.faults] };
    file.finish(set.directory, done);
    finished.push(done);
  }
  const systemBackups = volumes.length > 0 ? [] : await verifySystemBackups(source, path, level, meter);
  const report: VerifyReport = {
    version: 1,
    source: source.description,
    startedAt: new Date(file.startedAt).toISOString(),
    endedAt: new Date(now()).toISOString(),
    level,
    ...(share && { share }),
    sets: finished
      .map((set) => set.report)
      .filter(({ backups, problems }) => backups.length + problems.length > 0),
    systemBackups,
    faults: toldFaults(finished, previous, new Date(now()).toISOString()),
    mended: finished.flatMap(({ cleared }) => cleared),
    blocks: finished.reduce((sum, set) => sum + set.report.blocks, 0),
    checkedBlocks: finished.reduce((sum, set) => sum + set.report.checkedBlocks, 0),
    bytesRead: file.bytesRead,
  };
  file.complete(report);
  return report;
}

/** A set whose backups cannot even be listed is no reason to leave the others. */
async function orUnknown(
  set: BlockSet,
  source: BackupSource,
  options: Parameters<typeof verifySet>[2],
): Promise<SetResult> {
  const result = await orFault(() => verifySet(source, set, options));
  if (!isFault(result)) return result;
  const problems = [`Its backups could not be found out: ${result.reason}`];
  const none = { blocks: 0, checkedBlocks: 0, damagedBlocks: 0, unknownBlocks: 0 };
  const report = { volume: set.volume, kind: set.kind, problems, backups: [], ...none };
  return { report, faults: new Map(), cleared: [] };
}

async function setsOf(source: BackupSource, { path, volumes }: VerifyOptions): Promise<readonly BlockSet[]> {
  const all = await listVolumes(source, path);
  if (volumes.length > 0) return all.filter(({ volume }) => volumes.includes(volume));
  const images = await findBackingImages(source, path);
  return images ? [...all, images] : all;
}

/** The first faults, each with the time since when it is known. */
function toldFaults(
  finished: readonly FinishedSet[],
  previous: Pick<VerifyReport, 'faults'> | undefined,
  now: string,
): FaultyObject[] {
  const since = new Map(previous?.faults.map((fault) => [fault.key, fault.since]));
  return finished
    .flatMap(({ faults }) => faults)
    .slice(0, MOST_TOLD)
    .map(([key, fault]) => ({ ...fault, key, since: since.get(key) ?? now }));
}

async function verifySystemBackups(
  source: BackupSource,
  path: string,
  level: Level,
  meter: ReadMeter,
): Promise<SystemBackupVerdict[]> {
  const verdicts: SystemBackupVerdict[] = [];
  for (const backup of await listSystemBackups(source, path))
    verdicts.push(await verifySystemBackup(source, backup, level, meter));
  return verdicts;
}

async function verifySystemBackup(
  source: BackupSource,
  { key, name, longhornVersion }: SystemBackupKey,
  level: Level,
  meter: ReadMeter,
): Promise<SystemBackupVerdict> {
  const config = await twice(source, key, async (found) =>
    parseSystemBackupConfig(await readWhole(found, MAX_SYSTEM_BACKUP_CONFIG_BYTES)),
  );
  const zip = isFault(config)
    ? config
    : await twice(source, key.replace(/cfg$/, 'zip'), async (found) => {
        if (level === 1) return true;
        const sha256 = createHash('sha256');
        for await (const chunk of metered(found, meter)) sha256.update(chunk);
        if (level === 3 && sha256.digest('hex') !== config.checksum)
          throw new DamagedObjectError('The zip has not the SHA-256 that its document names.');
        return true;
      });
  if (!isFault(zip)) return { name, longhornVersion, verdict: 'restorable' };
  const verdict = zip.kind === 'unknown' ? 'unknown' : 'damaged';
  const where = isFault(config) ? 'system-backup.cfg' : 'system-backup.zip';
  return { name, longhornVersion, verdict, reason: `${where}: ${zip.reason}` };
}
