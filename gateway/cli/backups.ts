/** `longhaul backups`: which volumes and backups there are, without a cluster. */
import type { Command } from 'commander';
import { EXIT, formatBytes, formatTime, json, table } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import { isInProgress } from '../backupstore/backup-config';
import type { BlockSet } from '../backupstore/layout';
import { isFault } from '../backups/fault';
import {
  findBackingImages,
  listBackups,
  listSystemBackups,
  listVolumes,
  readBackup,
  readVolumeConfig,
  timeOf,
} from '../backups/inventory';
import type { BackupSource } from '../backups/source';
import type { ReadMeter } from '../backups/stored-block';
import { addSourceOptions, withSource, type SourceOptions } from './backup-source';

interface BackupLine {
  readonly name: string;
  /** `complete`, `in progress`, or what is wrong with its document. */
  readonly state: string;
  /** ISO 8601, of the snapshot. */
  readonly createdAt?: string;
  /** Blocks times their size; of a backing image, its own. */
  readonly sizeBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

interface VolumeLine {
  readonly volume: string;
  readonly sizeBytes?: number;
  readonly backingImage?: string;
  /** What is wrong with volume.cfg. */
  readonly problem?: string;
  readonly backups: readonly BackupLine[];
}

interface Listing {
  readonly source: string;
  readonly volumes: readonly VolumeLine[];
  readonly backingImages: readonly BackupLine[];
  readonly systemBackups: readonly { readonly name: string; readonly longhornVersion: string }[];
}

export function addBackupsCommand(program: Command, host: CommandHost): void {
  const command = program
    .command('backups')
    .description('list volumes and their backups as they lie on the FTP server; needs no cluster')
    .argument('[volumes...]', 'only these volumes (default: all, with backing images and system backups)');
  addSourceOptions(command).action(async (volumes: string[], options: SourceOptions) => {
    const listing = await withSource(host.env, options, ({ source }) =>
      gather(source, options.path, volumes),
    );
    host.terminal.out(host.output() === 'json' ? json(listing) : render(listing));
    host.finish(isSound(listing) ? EXIT.ok : EXIT.problem);
  });
}

const UNMETERED: ReadMeter = { onBytes: () => undefined };

async function gather(source: BackupSource, path: string, wanted: readonly string[]): Promise<Listing> {
  const sets = await listVolumes(source, path);
  const volumes: VolumeLine[] = [];
  for (const set of sets) {
    if (wanted.length > 0 && !wanted.includes(set.volume)) continue;
    const config = await readVolumeConfig(source, set, UNMETERED);
    const backups = await backupLines(source, set);
    if (isFault(config)) {
      if (backups.length > 0) volumes.push({ volume: set.volume, problem: config.reason, backups });
      continue;
    }
    const { sizeBytes, backingImageName } = config;
    const image = backingImageName === '' ? {} : { backingImage: backingImageName };
    volumes.push({ volume: set.volume, sizeBytes, ...image, backups });
  }
  const images = wanted.length > 0 ? undefined : await findBackingImages(source, path);
  const systemBackups = wanted.length > 0 ? [] : await listSystemBackups(source, path);
  return {
    source: source.description,
    volumes,
    backingImages: images ? await backupLines(source, images) : [],
    systemBackups: systemBackups.map(({ name, longhornVersion }) => ({ name, longhornVersion })),
  };
}

/** By time, oldest first. */
async function backupLines(source: BackupSource, set: BlockSet): Promise<BackupLine[]> {
  const lines: BackupLine[] = [];
  for (const name of await listBackups(source, set)) {
    const backup = await readBackup(source, set, name, { meter: UNMETERED });
    if (isFault(backup)) {
      lines.push({ name, state: `${backup.kind}: ${backup.reason}` });
      continue;
    }
    const { labels, sizeBytes } = backup.config;
    if (isInProgress(backup.config)) lines.push({ name, state: 'in progress', labels });
    else
      lines.push({
        name,
        state: 'complete',
        createdAt: new Date(timeOf(backup)).toISOString(),
        sizeBytes,
        labels,
      });
  }
  return lines.sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? -1 : 1));
}

function isSound({ volumes, backingImages }: Listing): boolean {
  const isWell = ({ state }: BackupLine): boolean => state === 'complete' || state === 'in progress';
  return (
    volumes.every(({ problem, backups }) => problem === undefined && backups.every(isWell)) &&
    backingImages.every(isWell)
  );
}

function render({ source, volumes, backingImages, systemBackups }: Listing): string {
  const backupRow = ({ name, createdAt, sizeBytes, labels = {}, state }: BackupLine): string[] => [
    name,
    createdAt === undefined ? '-' : formatTime(new Date(createdAt)),
    sizeBytes === undefined ? '-' : formatBytes(sizeBytes),
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '-',
    state,
  ];
  const volumeRows = volumes.flatMap(({ volume, sizeBytes, backingImage, problem, backups }) => {
    const size = sizeBytes === undefined ? `? (volume.cfg: ${problem ?? ''})` : formatBytes(sizeBytes);
    const image = backingImage === undefined ? '' : ` on ${backingImage}`;
    const head = [volume, size + image];
    return backups.length === 0
      ? [[...head, '(no backup)', '', '', '', '']]
      : backups.map((backup) => [...head, ...backupRow(backup)]);
  });
  const header = ['BACKUP', 'CREATED', 'DATA', 'LABELS', 'STATE'];
  return [
    volumeRows.length === 0
      ? `There are no backups in ${source}.\n`
      : table(['VOLUME', 'SIZE', ...header], volumeRows),
    ...(backingImages.length === 0
      ? []
      : ['\n', table(['BACKING IMAGE', ...header.slice(1)], backingImages.map(backupRow))]),
    ...(systemBackups.length === 0
      ? []
      : [
          '\n',
          table(
            ['SYSTEM BACKUP', 'LONGHORN'],
            systemBackups.map(({ name, longhornVersion }) => [name, longhornVersion]),
          ),
        ]),
  ].join('');
}
