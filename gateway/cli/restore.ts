/** `longhaul restore`: a volume as a raw image, from the files and the key alone. */
import { open } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { count, EXIT, FailedError, formatBytes, json, RefusedError } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import { BlockMaps } from '../backupstore/block-maps';
import { backingImageSet, volumeSet, type BlockSet } from '../backupstore/layout';
import { isFault } from '../backups/fault';
import { latestBackup, listBackups, readBackup, readVolumeConfig, type Backup } from '../backups/inventory';
import { restoreBackup, type BaseImage, type RestoreResult } from '../backups/restore/restore';
import { RestoreTarget } from '../backups/restore/target';
import type { BackupSource } from '../backups/source';
import type { ReadMeter } from '../backups/stored-block';
import { addSourceOptions, withSource, type OpenSource, type SourceOptions } from './backup-source';
import { TransferProgress } from './transfer-progress';

interface Options extends SourceOptions {
  readonly to: string;
  readonly backup: string;
  readonly image?: true;
  readonly overwrite?: true;
  readonly base?: string;
  readonly size?: number;
}

const LATEST = 'latest';
const SHOWN_OFFSETS = 20;

interface Outcome extends RestoreResult {
  readonly name: string;
  readonly backup: string;
  readonly sizeBytes: number;
  /** Where the image is: under another name while it is not whole. */
  readonly path: string;
  readonly bytesRead: number;
}

export function addRestoreCommand(program: Command, host: CommandHost): void {
  const command = program
    .command('restore')
    .description('write a volume as a raw image, from the FTP server and the key alone; needs no cluster')
    .argument('<volume>', "the volume's name, as `longhaul backups` shows it")
    .requiredOption('--to <file>', 'file or block device to write; the same command goes on after a stop')
    .option('--backup <name>', 'which backup', LATEST)
    .option('--overwrite', 'write over a file or device that is there')
    .option('--image', 'the name is that of a backing image')
    .option('--base <file>', "raw image of the volume's backing image: it has what the backup has not")
    .addOption(
      new Option('--size <bytes>', 'the size of the volume, where volume.cfg is lost').argParser((text) => {
        if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
        throw new InvalidArgumentError('Write a number of bytes.');
      }),
    );
  addSourceOptions(command).action(async (volume: string, options: Options) => {
    const progress = new TransferProgress(host.terminal);
    const outcome = await withSource(host.env, options, (source) =>
      restore(source, volume, options, progress),
    ).finally(() => progress.done());
    host.terminal.out(host.output() === 'json' ? json(outcome) : render(outcome));
    host.finish(outcome.faults.length === 0 ? EXIT.ok : EXIT.problem);
  });
}

async function restore(
  { source, concurrency, limit }: OpenSource,
  name: string,
  options: Options,
  progress: TransferProgress,
): Promise<Outcome> {
  let bytesRead = 0;
  const meter: ReadMeter = { ...(limit && { limit }), onBytes: (bytes) => void (bytesRead += bytes) };
  const set = options.image ? backingImageSet(options.path) : volumeSet(options.path, name);
  const chosen = await chooseBackup(source, set, name, options, meter);
  const sizeBytes = await sizeOf(source, set, chosen, options, meter);
  const maps = new BlockMaps();
  const backup = await readBackup(source, set, chosen.name, { meter, maps, volumeBytes: sizeBytes });
  if (isFault(backup)) throw new FailedError(`The document of backup ${chosen.name}: ${backup.reason}`);
  if (!backup.map) throw new FailedError(`Backup ${chosen.name} is in progress, or was given up.`);
  const base = options.base === undefined ? undefined : await openBase(options.base);
  try {
    const target = await RestoreTarget.open(options.to, { sizeBytes, overwrite: options.overwrite ?? false });
    let isWhole = false;
    try {
      const result = await restoreBackup({
        source,
        set,
        map: backup.map,
        names: maps.names,
        compressionMethod: backup.config.compressionMethod,
        target,
        ...(base && { base }),
        concurrency,
        meter,
        onBlock: (done, total) => progress.update(name, done, total, bytesRead),
      });
      isWhole = result.faults.length === 0;
      return {
        name,
        backup: backup.name,
        sizeBytes,
        path: isWhole ? target.path : target.workPath,
        bytesRead,
        ...result,
      };
    } finally {
      await (isWhole ? target.commit() : target.abandon());
    }
  } finally {
    await base?.close();
  }
}

async function chooseBackup(
  source: BackupSource,
  set: BlockSet,
  name: string,
  { backup, image }: Options,
  meter: ReadMeter,
): Promise<Backup> {
  const wanted = image ? name : backup;
  const names = await listBackups(source, set);
  const candidates = wanted === LATEST && !image ? names : names.filter((each) => each === wanted);
  const what = image
    ? `backing image ${name}`
    : `backup ${wanted === LATEST ? '' : `${wanted} `}of volume ${name}`;
  if (candidates.length === 0) throw new FailedError(`There is no ${what} in ${source.description}.`);
  const backups: Backup[] = [];
  for (const candidate of candidates) {
    const read = await readBackup(source, set, candidate, { meter });
    if (isFault(read)) {
      // The newest may be just the one that cannot be read: choosing another is up to people.
      throw new FailedError(
        `The document of backup ${candidate}: ${read.reason} Name the backup to restore with --backup.`,
      );
    }
    backups.push(read);
  }
  const chosen = latestBackup(backups);
  if (!chosen) throw new FailedError(`The ${what} is in progress, or was given up.`);
  return chosen;
}

/** Bytes of the image. Throws where they, or what fills the gaps, are not known. */
async function sizeOf(
  source: BackupSource,
  set: BlockSet,
  backup: Backup,
  { size, base, image }: Options,
  meter: ReadMeter,
): Promise<number> {
  if (image) return backup.config.sizeBytes;
  const volume = await readVolumeConfig(source, set, meter);
  if (isFault(volume)) {
    if (size !== undefined) return size;
    throw new FailedError(
      `volume.cfg: ${volume.reason} It has the size of the volume: give that with --size, and --base if the volume had a backing image.`,
    );
  }
  const { backingImageName: name } = volume;
  if (name !== '' && base === undefined) {
    throw new RefusedError(
      `The volume stands on the backing image ${name}, and its backups hold only what differs from that. Restore the image first, with: longhaul restore ${name} --image --to ${name}.img. ` +
        `If it is not raw, convert it (qemu-img convert -O raw). Then give it with --base.`,
    );
  }
  return size ?? volume.sizeBytes;
}

async function openBase(path: string): Promise<BaseImage & { close(): Promise<void> }> {
  const handle = await open(path);
  const { buffer: magic } = await handle.read(Buffer.alloc(4), 0, 4, 0);
  if (magic.equals(Buffer.from('QFI\xfb', 'latin1'))) {
    await handle.close();
    throw new RefusedError(
      `${path} is a qcow2 image. Convert it first: qemu-img convert -O raw ${path} base.img`,
    );
  }
  return {
    async read(offset, length) {
      const bytes = Buffer.alloc(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

function render({ name, backup, sizeBytes, path, blocks, reusedBlocks, faults }: Outcome): string {
  const reused = reusedBlocks > 0 ? `, ${reusedBlocks} of them there already` : '';
  const what = `${name}, backup ${backup}: ${count(blocks, 'block')} of ${formatBytes(sizeBytes)}${reused}`;
  if (faults.length === 0) return `${what}; every block has its hash.\n${path} is whole.\n`;
  const lines = faults
    .slice(0, SHOWN_OFFSETS)
    .map(({ offset, fault }) => `  at ${offset}: ${fault.reason}\n`);
  const more = faults.length > SHOWN_OFFSETS ? `  and ${faults.length - SHOWN_OFFSETS} more\n` : '';
  return `${what}; ${count(faults.length, 'block')} could not be restored:\n${lines.join('')}${more}${path} is NOT whole: it holds zeros there.\n`;
}
