/** `longhaul catalog`: what the gateway knows of the FTP server. */
import type { Command } from 'commander';
import { EXIT, json, table } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import type { CatalogReport } from '../admin/catalog';
import { askGateway } from './ask-gateway';

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
}

function describe({ serving, reason, epoch, buckets, entries }: CatalogReport): string {
  return table(
    ['WHAT', 'IS'],
    [
      ['serving', serving ? 'yes' : `no: ${reason ?? 'unknown'}`],
      ['epoch', String(epoch)],
      ['buckets', String(buckets)],
      ['files and directories', String(entries)],
    ],
  );
}
