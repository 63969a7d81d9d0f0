/** `longhaul trash`: deleted and replaced objects that rest on the FTP server, and how to have them back. */
import { InvalidArgumentError, type Command } from 'commander';
import {
  count,
  EXIT,
  FailedError,
  formatBytes,
  formatDuration,
  formatTime,
  json,
  table,
  UsageError,
} from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import { MAX_VERSIONS, type TrashReport, type TrashVersionReport } from '../admin/trash';
import type { TrashJob } from '../store/trash-jobs';
import { askGateway, follow } from './ask-gateway';

const DAY_MS = 86_400_000;

interface SelectionOptions {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly volume?: string;
  readonly all?: boolean;
}

export function addTrashCommand(program: Command, host: CommandHost): void {
  const trash = program
    .command('trash')
    .description('deleted and replaced objects that rest on the FTP server; run it where the gateway runs');
  withSelection(trash.command('list').description('what rests, of which volume, and for how long'))
    .option('--objects', `each version, at most ${MAX_VERSIONS}`)
    .action((options: SelectionOptions & { objects?: true }) => list(host, options));
  withSelection(trash.command('restore').description('bring objects back, as they last were'))
    .option('--all', 'everything')
    .option(
      '--as-of <time>',
      'as they were at a time (ISO 8601); what replaced them goes into the trash',
      parseTime,
    )
    .action((options: SelectionOptions & { asOf?: number }) => restore(host, options));
  withSelection(trash.command('empty').description('delete for good'))
    .option('--all', 'everything')
    .option('--older-than <days>', 'only what was removed longer ago', parseDays)
    .option('--yes', 'do not ask')
    .action((options: SelectionOptions & { olderThan?: number; yes?: true }) => empty(host, options));
}

function withSelection(command: Command): Command {
  return command
    .option('--volume <name>', 'of a Longhorn volume')
    .option('--prefix <prefix>', 'whose key starts with it')
    .option('--bucket <bucket>', 'of a bucket');
}

async function list(host: CommandHost, options: SelectionOptions & { objects?: true }): Promise<void> {
  const query = new URLSearchParams(selectionOf(options)).toString();
  if (options.objects) {
    const versions = await askGateway(host.env, (gateway) =>
      gateway.call<TrashVersionReport[]>('GET', `/trash/versions?${query}`),
    );
    host.terminal.out(host.output() === 'json' ? json(versions) : describeVersions(versions));
    return;
  }
  const report = await askGateway(host.env, (gateway) => gateway.call<TrashReport>('GET', `/trash?${query}`));
  host.terminal.out(host.output() === 'json' ? json(report) : describe(report));
}

async function restore(host: CommandHost, options: SelectionOptions & { asOf?: number }): Promise<void> {
  const { asOf } = options;
  requireSelection(options);
  await run(host, 'restore', { ...selectionOf(options), ...(asOf !== undefined && { asOf }) });
}

async function empty(
  host: CommandHost,
  options: SelectionOptions & { olderThan?: number; yes?: true },
): Promise<void> {
  const { terminal } = host;
  const { olderThan, yes } = options;
  requireSelection(options);
  if (!yes) {
    if (!terminal.canAsk)
      throw new UsageError(
        'Nobody is here to be asked: see what would go with "trash list", then say --yes.',
      );
    const answer = await terminal.ask('Delete it for good? Nothing can bring it back. Type "yes": ');
    if (answer.trim().toLowerCase() !== 'yes') {
      terminal.err('Nothing was deleted.\n');
      host.finish(EXIT.problem);
      return;
    }
  }
  const removedBefore = olderThan === undefined ? {} : { removedBefore: Date.now() - olderThan * DAY_MS };
  await run(host, 'empty', { ...selectionOf(options), ...removedBefore });
}

/** Starts a job in the gateway, and tells how it goes until it has ended. */
async function run(host: CommandHost, action: TrashJob['action'], request: object): Promise<void> {
  const job = await askGateway(host.env, async (gateway) =>
    follow(host, await gateway.call<TrashJob>('POST', `/trash/${action}`, request), {
      isRunning: ({ state }) => state === 'running',
      describe: describeJob,
      next: () => gateway.call<TrashJob>('GET', '/trash/job'),
    }),
  );
  host.terminal.out(host.output() === 'json' ? json(job) : `${describeJob(job)}\n`);
  const isWhole = job.state === 'done' && job.missing === 0 && job.damaged === 0;
  host.finish(isWhole ? EXIT.ok : EXIT.problem);
  if (job.state === 'failed')
    throw new FailedError(`${job.reason ?? 'unknown'}\nWhat is not done rests in the trash: run this again.`);
}

function describe({ groups, stats, keepMs, minKeepMs, maxBytes, complete }: TrashReport): string {
  const rows = groups.map(({ bucket, place, isVolume, versions, bytes, firstRemovedAt, lastRemovedAt }) => [
    bucket,
    isVolume ? `volume ${place}` : place,
    String(versions),
    formatBytes(bytes),
    formatTime(new Date(firstRemovedAt)),
    formatTime(new Date(lastRemovedAt)),
    formatTime(new Date(firstRemovedAt + keepMs)),
  ]);
  const header = ['BUCKET', 'WHAT', 'VERSIONS', 'SIZE', 'REMOVED FROM', 'UNTIL', 'FIRST LEAVES'];
  const limits =
    keepMs === 0
      ? 'The trash is off (TRASH_DAYS=0).'
      : `Files rest for ${formatDuration(keepMs)}, at most ${formatBytes(maxBytes)} of them; while the account is full, for ${formatDuration(Math.min(keepMs, minKeepMs))}.`;
  const total = `${count(stats.entries, 'version')} in all, ${formatBytes(stats.bytes)}. ${limits}\n`;
  const rest = complete ? '' : 'The gateway is still finding out what rests on the FTP server.\n';
  return (rows.length > 0 ? table(header, rows) : '') + total + rest;
}

function describeVersions(versions: readonly TrashVersionReport[]): string {
  const rows = versions.map(({ bucket, key, bytes, modifiedAt, removedAt }) => [
    formatTime(new Date(removedAt)),
    formatTime(new Date(modifiedAt)),
    formatBytes(bytes),
    `${bucket}/${key}`,
  ]);
  const more =
    versions.length === MAX_VERSIONS ? `These are the first ${MAX_VERSIONS}; ask for a --prefix.\n` : '';
  return table(['REMOVED', 'LAST MODIFIED', 'SIZE', 'OBJECT'], rows) + more;
}

function describeJob({ action, done, present, missing, damaged }: TrashJob): string {
  const verb = action === 'restore' ? 'brought back' : 'deleted for good';
  const others = [
    present > 0 && `${present} left alone, since the object is there`,
    missing > 0 && `${missing} no longer in the trash`,
    damaged > 0 && `${damaged} damaged and left in the trash`,
  ].filter((text) => text !== false);
  return [`${count(done, 'version')} ${verb}`, ...others].join(', ');
}

function requireSelection({ all, ...selection }: SelectionOptions): void {
  const isSelected = Object.keys(selectionOf(selection)).length > 0;
  if (isSelected === (all === true))
    throw new UsageError('Say what: --volume, --prefix or --bucket; or --all, alone.');
}

function selectionOf({ bucket, prefix, volume }: SelectionOptions): Record<string, string> {
  return {
    ...(bucket !== undefined && { bucket }),
    ...(prefix !== undefined && { prefix }),
    ...(volume !== undefined && { volume }),
  };
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  const isIso = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(text);
  if (!isIso || Number.isNaN(time))
    throw new InvalidArgumentError(
      'Expected a time such as 2026-11-20T02:00Z or a date, which begins at 00:00 UTC.',
    );
  return time;
}

function parseDays(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('Expected a number of days.');
  return Number(text);
}
