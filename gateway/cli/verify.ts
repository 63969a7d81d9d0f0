/** `longhaul verify`: whether the backups can be restored. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { count, EXIT, formatBytes, json, table } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import {
  countVerdicts,
  isClean,
  type BackupVerdict,
  type Level,
  type VerifyReport,
} from '../backups/verify/report';
import { SourceUnavailableError } from '../backups/source';
import { isWhole, recordOf, type VerificationRecord } from '../backups/verify/record';
import type { RecordFiles } from '../backups/verify/record-files';
import { parseShare, type Share } from '../backups/verify/share';
import { verify } from '../backups/verify/verify';
import { addSourceOptions, withSource, type SourceOptions } from './backup-source';
import { RemoteError, RemoteUnavailable } from '../ftp/remote-tree';
import { TransferProgress } from './transfer-progress';

interface Options extends SourceOptions {
  readonly level: Level;
  readonly share?: Share;
  readonly state?: string;
}

/** Offsets shown of one backup; JSON has more. */
const SHOWN_OFFSETS = 5;

export function addVerifyCommand(program: Command, host: CommandHost): void {
  const command = program
    .command('verify')
    .description('find out whether the backups can be restored; changes nothing where they lie')
    .argument('[volumes...]', 'only these volumes (default: all, with backing images and system backups)')
    .addOption(
      new Option(
        '--level <level>',
        '1: each block is there; 2: and opens from its first byte to its last; 3: and has the bytes that its name stands for',
      )
        .default(3)
        .argParser(parseLevel),
    )
    .addOption(
      new Option(
        '--share <part/of>',
        'read a share of the blocks, another one each day: with 1/30 each is read within 30 days; the others are looked for',
      ).argParser((text) => {
        const share = parseShare(text);
        if (!share) throw new InvalidArgumentError('Write it as 1/30.');
        return share;
      }),
    )
    .option('--state <file>', 'go on after a stop, and look again at what was damaged last time');
  addSourceOptions(command).action(async (volumes: string[], options: Options) => {
    const report = await run(host, volumes, options);
    host.terminal.out(
      host.output() === 'json' ? json({ ...report, counts: countVerdicts(report) }) : render(report),
    );
    host.finish(isClean(report) ? EXIT.ok : EXIT.problem);
  });
}

async function run(host: CommandHost, volumes: readonly string[], options: Options): Promise<VerifyReport> {
  const progress = new TransferProgress(host.terminal);
  const { level, share, path, state } = options;
  try {
    return await withSource(host.env, options, async ({ source, concurrency, limit, records }) => {
      const previous = await lastRecord(host, records, path);
      const report = await verify(source, {
        level,
        path,
        volumes,
        concurrency,
        ...(share && { share }),
        ...(limit && { limit }),
        ...(state !== undefined && { stateFile: state }),
        ...(previous && { previous }),
        now: Date.now,
        onProgress: ({ subject, volume, volumes: all, doneBlocks, blocks, bytesRead }) =>
          progress.update(`${subject} (${volume} of ${all})`, doneBlocks, blocks, bytesRead),
      });
      progress.done();
      if (records && isWhole({ level, volumes })) await record(host, records, { report, path, previous });
      return report;
    });
  } finally {
    progress.done();
  }
}

/** What the last run found, so that another day's share looks at it again. */
async function lastRecord(
  host: CommandHost,
  records: RecordFiles | undefined,
  path: string,
): Promise<VerificationRecord | undefined> {
  try {
    const last = await records?.newest();
    return last?.path === path ? last : undefined;
  } catch (error) {
    if (error instanceof RemoteUnavailable) throw new SourceUnavailableError(error.message, { cause: error });
    if (!(error instanceof RemoteError)) throw error;
    host.terminal.err(`What the last verification found cannot be read: ${error.message}\n`);
    return undefined;
  }
}

/** For the gateway to tell. Whoever may only read verifies all the same. */
async function record(
  host: CommandHost,
  records: RecordFiles,
  run: {
    readonly report: VerifyReport;
    readonly path: string;
    readonly previous: VerificationRecord | undefined;
  },
): Promise<void> {
  const { report, path, previous } = run;
  try {
    await records.write(recordOf(report, { bucket: records.bucket, path }, previous));
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    host.terminal.err(
      `The result cannot be recorded on the FTP server, so the gateway does not tell of it: ${error.message}\n`,
    );
  }
}

function render(report: VerifyReport): string {
  const rows = report.sets.flatMap(({ volume, kind, backups }) =>
    backups.map((backup) => [
      kind === 'volume' ? volume : '(backing image)',
      backup.name,
      backup.inProgress ? 'in progress' : backup.verdict,
      `${backup.checkedBlocks} of ${backup.blocks}`,
      explain(backup),
    ]),
  );
  const systemRows = report.systemBackups.map(({ name, longhornVersion, verdict, reason = '' }) => [
    `(system ${longhornVersion})`,
    name,
    verdict,
    '',
    reason,
  ]);
  const all = [...rows, ...systemRows];
  const problems = report.sets.flatMap(({ volume, problems: found }) =>
    found.map((problem) => `${volume}: ${problem}\n`),
  );
  const mended = report.mended.map((key) => `mended since the last time: ${key}\n`);
  const header = ['VOLUME', 'BACKUP', 'VERDICT', `BLOCKS AT LEVEL ${report.level}`, 'WHY'];
  return [
    all.length === 0 ? `There are no backups in ${report.source}.\n` : table(header, all),
    ...problems,
    ...mended,
    summary(report),
  ].join('');
}

function explain({ reason = '', faultyBlocks, faultyOffsets }: BackupVerdict): string {
  if (faultyBlocks <= 1) return reason;
  const more = faultyBlocks > SHOWN_OFFSETS ? ', …' : '';
  const offsets = faultyOffsets.slice(0, SHOWN_OFFSETS).join(', ');
  return `${reason} ${count(faultyBlocks, 'block')} in all, at ${offsets}${more}`;
}

function summary(report: VerifyReport): string {
  const { restorable, damaged, unknown, inProgress, problems } = countVerdicts(report);
  const parts = [
    `${restorable} restorable`,
    `${damaged} damaged`,
    `${unknown} unknown`,
    ...(inProgress > 0 ? [`${inProgress} in progress`] : []),
    ...(problems > 0 ? [count(problems, 'other problem')] : []),
  ];
  const read = `${report.checkedBlocks} of ${report.blocks} blocks at level ${report.level}, ${formatBytes(report.bytesRead)} read`;
  return `${parts.join(', ')}; ${read}.\n`;
}

function parseLevel(text: string): Level {
  if (text === '1' || text === '2' || text === '3') return Number(text) as Level;
  throw new InvalidArgumentError('Write 1, 2 or 3.');
}
