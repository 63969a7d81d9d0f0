/** `longhaul mirror`: how far the second location is behind the first, and a comparison of both. */
import type { Command } from 'commander';
import {
  count,
  EXIT,
  FailedError,
  formatBytes,
  formatDuration,
  formatTime,
  json,
} from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import type { MirrorReport } from '../admin/mirror';
import { askGateway, follow } from './ask-gateway';

export function addMirrorCommand(program: Command, host: CommandHost): void {
  const mirror = program
    .command('mirror')
    .description('the second FTP server of a running gateway; run it where the gateway runs');
  mirror
    .command('status')
    .description('what is still to be carried over, and since when')
    .action(async () => tell(host, await ask(host, 'GET', '/mirror')));
  mirror
    .command('check')
    .description('compare both FTP servers now, and wait until the mirror has what it lacked')
    .action(async () => {
      const before = await ask(host, 'POST', '/mirror/check');
      const isOver = ({ state, comparison }: MirrorReport): boolean =>
        comparison.endedAt !== before.comparison.endedAt && state !== 'catching-up';
      const isStuck = ({ state }: MirrorReport): boolean => state === 'refused' || state === 'unreachable';
      const report = await follow(host, before, {
        isRunning: (now) => !isOver(now) && !isStuck(now),
        describe: ({ comparison, pending }) =>
          `${count(comparison.done, 'directory', 'directories')} compared, ${count(pending, 'change')} to carry over`,
        next: () => ask(host, 'GET', '/mirror'),
      });
      tell(host, report);
    });
}

async function ask(host: CommandHost, method: 'GET' | 'POST', path: string): Promise<MirrorReport> {
  const { mirror } = await askGateway(host.env, (gateway) =>
    gateway.call<{ mirror?: MirrorReport }>(method, path),
  );
  if (!mirror) throw new FailedError('The gateway has no mirror: MIRROR_FTP_HOST is not set.');
  return mirror;
}

function tell(host: CommandHost, report: MirrorReport): void {
  host.terminal.out(host.output() === 'json' ? json(report) : describe(report));
  const isWell =
    report.state === 'current' || (report.state === 'catching-up' && report.lagMs <= report.maxLagMs);
  host.finish(isWell && report.extras === 0 ? EXIT.ok : EXIT.problem);
}

const STATES: Readonly<Record<MirrorReport['state'], string>> = {
  current: 'The mirror holds what the first server holds.',
  'catching-up': 'The mirror is being brought up to date.',
  unreachable: 'The mirror cannot be brought up to date now',
  refused: 'The mirror is refused',
};

function describe({
  state,
  reason,
  pending,
  pendingBytes,
  lagMs,
  extras,
  comparison,
  ...rest
}: MirrorReport): string {
  const { copied, copiedBytes, deleted, reads, mended } = rest;
  const lines = [
    reason === undefined ? STATES[state] : `${STATES[state].replace(/\.$/, '')}: ${reason}.`,
    pending === 0
      ? 'Nothing is to be carried over.'
      : `${count(pending, 'change')} to carry over, ${formatBytes(pendingBytes)}; the oldest waits for ${formatDuration(lagMs)}.`,
    comparison.endedAt === undefined
      ? 'Both were not compared yet: nobody knows all that the mirror lacks.'
      : `Both were last compared at ${formatTime(new Date(comparison.endedAt))}.`,
    `Since the start: ${count(copied, 'file')} copied (${formatBytes(copiedBytes)}), ${deleted} deleted, ${count(reads, 'read')} from the mirror, ${mended} mended on the first server.`,
    ...(extras > 0
      ? [
          `${count(extras, 'file')} on the mirror that the first server does not have; they stay there for 30 days.`,
        ]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
