/** `longhaul export`: everything, decrypted, as Longhorn itself would have kept it. */
import type { Command } from 'commander';
import { count, EXIT, json } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import { exportTree, type ExportResult } from '../backups/export';
import { addSourceOptions, withSource, type SourceOptions } from './backup-source';
import { TransferProgress } from './transfer-progress';

interface Options extends SourceOptions {
  readonly to: string;
}

const SHOWN_FAULTS = 20;

export function addExportCommand(program: Command, host: CommandHost): void {
  const command = program
    .command('export')
    .description(
      'decrypt all backups into a directory that Longhorn can use over NFS, or that any S3 server takes',
    )
    .requiredOption('--to <directory>', 'made if missing; the same command goes on after a stop');
  addSourceOptions(command).action(async (options: Options) => {
    const progress = new TransferProgress(host.terminal);
    let bytes = 0;
    const result = await withSource(host.env, options, ({ source, concurrency, limit }) =>
      exportTree(source, {
        path: options.path,
        directory: options.to,
        concurrency,
        meter: { ...(limit && { limit }), onBytes: (read) => void (bytes += read) },
        onObject: (done) => progress.update('export', done, undefined, bytes),
      }),
    ).finally(() => progress.done());
    host.terminal.out(host.output() === 'json' ? json(result) : render(result, options.to));
    host.finish(result.faults.length === 0 ? EXIT.ok : EXIT.problem);
  });
}

function render({ written, reused, skipped, faults }: ExportResult, directory: string): string {
  const lines = faults.slice(0, SHOWN_FAULTS).map(([key, { reason }]) => `  ${key}: ${reason}\n`);
  const more = faults.length > SHOWN_FAULTS ? `  and ${faults.length - SHOWN_FAULTS} more\n` : '';
  const sum = `${count(written, 'object')} written to ${directory}, ${reused} there already, ${skipped} left out that are no backups`;
  return faults.length === 0
    ? `${sum}.\n`
    : `${sum}; ${faults.length} could not be exported:\n${lines.join('')}${more}`;
}
