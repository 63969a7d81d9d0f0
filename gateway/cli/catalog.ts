/** `longhaul catalog`: what the gateway knows of the FTP server, and how to have it look again. */
import type { Command } from 'commander';
import {
  count,
  EXIT,
  formatBytes,
  formatDuration,
  formatTime,
  json,
  table,
  type ExitCode,
} from '../../lib/cli/output';
import { Progress, type CommandHost } from '../../lib/cli/terminal';
import type { CatalogReport } from '../admin/catalog';
import type { Finding } from '../store/findings';
import { askGateway, isGatewayRunning } from './ask-gateway';
import { checkAtRest } from './catalog-at-rest';

const POLL_MS = 1_000;

interface CheckResult {
  readonly report: CatalogReport;
  readonly findings: readonly Finding[];
  /** What this look found to be otherwise than the catalog had it. */
  readonly changes: Readonly<Record<Counter, number>>;
}

/** Counts that only rise while a gateway runs. */
type Counter = 'foreignChanges' | 'lostDirectories' | 'contradictions' | 'damaged';
const COUNTERS: readonly Counter[] = ['foreignChanges', 'lostDirectories', 'contradictions', 'damaged'];

export function addCatalogCommand(program: Command, host: CommandHost): void {
  const catalog = program
    .command('catalog')
    .description('the index from which a running gateway answers; run it where the gateway runs');
  catalog
    .command('show')
    .description('what the catalog holds, and how much of it is proved')
    .action(async () => {
      const report = await askGateway(host.env, (gateway) => gateway.call<CatalogReport>('GET', '/catalog'));
      host.terminal.out(host.output() === 'json' ? json(report) : describe(report));
      host.finish(report.serving ? EXIT.ok : EXIT.problem);
    });
  catalog
    .command('check')
    .description(
      'look at everything on the FTP server again, and tell what is not as the catalog has it; without a running gateway, read the catalog on disk through and compare, and change nothing',
    )
    .option('--no-wait', 'only have the gateway begin')
    .action(async ({ wait }: { wait: boolean }) => {
      if (await isGatewayRunning(host.env)) return look(host, '/catalog/check', wait);
      await checkAtRest(host);
    });
  catalog
    .command('rebuild')
    .description(
      'believe nothing any more: read the end of every file on the FTP server again; answers go on',
    )
    .option('--no-wait', 'only have the gateway begin')
    .action(({ wait }: { wait: boolean }) => look(host, '/catalog/rebuild', wait));
}

async function look(host: CommandHost, path: string, wait: boolean): Promise<void> {
  const before = await askGateway(host.env, (gateway) => gateway.call<CatalogReport>('GET', '/catalog'));
  let report = await askGateway(host.env, (gateway) => gateway.call<CatalogReport>('POST', path));
  const progress = new Progress(host.terminal);
  const isOver = (): boolean => report.crawl.checks > before.crawl.checks && report.crawl.state === 'idle';
  while (wait && !isOver()) {
    progress.update(describeProgress(report));
    await host.sleep(POLL_MS);
    report = await askGateway(host.env, (gateway) => gateway.call<CatalogReport>('GET', '/catalog'));
  }
  progress.done();
  if (!wait) return host.terminal.err('the gateway looks at everything again; see `longhaul catalog show`\n');
  const findings = await askGateway(host.env, (gateway) =>
    gateway.call<Finding[]>('GET', '/catalog/findings'),
  );
  const risen = (counter: Counter): number => report[counter] - before[counter];
  const changes = Object.fromEntries(COUNTERS.map((counter) => [counter, risen(counter)]));
  const result: CheckResult = { report, findings, changes: changes as Record<Counter, number> };
  host.terminal.out(host.output() === 'json' ? json(result) : describeCheck(result));
  host.finish(verdictOf(result));
}

function verdictOf({ report, findings, changes }: CheckResult): ExitCode {
  const isAsKnown = report.crawl.failed === 0 && COUNTERS.every((counter) => changes[counter] === 0);
  return isAsKnown && findings.length === 0 ? EXIT.ok : EXIT.problem;
}

function describe(report: CatalogReport): string {
  const { serving, reason, epoch, buckets, files, directories, proved, findings, crawl, checkpoint } = report;
  const share = directories === 0 ? 100 : Math.floor((100 * proved) / directories);
  return table(
    ['WHAT', 'IS'],
    [
      ['serving', serving ? 'yes' : `no: ${reason ?? 'unknown'}`],
      ['epoch', String(epoch)],
      ['buckets', String(buckets)],
      ['objects', String(files)],
      ['directories', `${directories}, ${share} % proved`],
      ['crawl', describeProgress(report)],
      [
        'last crawl',
        crawl.failed === 0 ? 'no failure' : `${count(crawl.failed, 'directory', 'directories')} failed`,
      ],
      [
        'changed behind the gateway',
        `${count(report.foreignChanges, 'object')}, ${count(report.lostDirectories, 'directory', 'directories')} lost`,
      ],
      ['listings not believed', String(report.contradictions)],
      ['damaged when read', count(report.damaged, 'object')],
      ['no object', `${count(findings, 'name')} on the FTP server; longhaul catalog check lists them`],
      ['last checkpoint', describeCheckpoint(checkpoint)],
    ],
  );
}

function describeProgress({ crawl: { state, done, total, remainingMs } }: CatalogReport): string {
  if (state === 'idle') return 'idle';
  const rest = remainingMs === undefined ? '' : `, about ${formatDuration(remainingMs)} left`;
  return `${state} ${done} of ${count(total, 'known directory', 'known directories')}${rest}`;
}

function describeCheckpoint({ lastAt, lastSize, changesSince }: CatalogReport['checkpoint']): string {
  if (lastAt === undefined) return `none since the start; ${count(changesSince, 'change')}`;
  return `${formatTime(new Date(lastAt))}, ${formatBytes(lastSize ?? 0)}; ${count(changesSince, 'change')} since`;
}

function describeCheck({ report, findings, changes }: CheckResult): string {
  const { files, directories } = report;
  const found = [
    `${count(changes.foreignChanges, 'object')} changed or gone behind the gateway`,
    `${count(changes.lostDirectories, 'directory', 'directories')} lost`,
    `${count(changes.contradictions, 'listing')} not believed`,
  ];
  const rows = findings.map(({ path, reason }) => [path, reason]);
  return [
    `${count(files, 'object')} in ${count(directories, 'directory', 'directories')}: ${found.join(', ')}.\n`,
    rows.length === 0 ? '' : table(['NO OBJECT', 'WHY'], rows),
  ].join('');
}
