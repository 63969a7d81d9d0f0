/** `longhaul ftp check`: whether an FTP account serves, tried for real. */
import type { Command } from 'commander';
import { EXIT, json, table, UsageError } from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import { tryAccount, type Trial } from '../account/try-account';
import { ConfigError } from '../config-error';
import { readFtpConfig, type FtpConfig } from '../ftp-config';

export function addFtpCommand(program: Command, host: CommandHost): void {
  program
    .command('ftp')
    .description('the FTP account')
    .command('check')
    .description('log in with the FTP_* variables, write, rename, read back and delete, and say what follows')
    .action(async () => {
      const trial = await tryAccount(readConfig(host.env));
      host.terminal.out(host.output() === 'json' ? json(trial) : describeTrial(trial));
      host.finish(trial.usable ? EXIT.ok : EXIT.problem);
    });
}

/** The same for `longhaul init`. */
export async function tryFtpAccount(
  env: CommandHost['env'],
): Promise<{ readonly usable: boolean; readonly text: string; readonly settings: Trial['settings'] }> {
  const trial = await tryAccount(readConfig(env));
  return { usable: trial.usable, text: describeTrial(trial), settings: trial.settings };
}

function readConfig(env: CommandHost['env']): FtpConfig {
  try {
    return readFtpConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message);
    throw error;
  }
}

function describeTrial({ steps, usable, settings }: Trial): string {
  const rows = steps.map(({ step, verdict, text }) => [step, verdict, text]);
  const follow = Object.entries(settings).map(([name, value]) => `\n  ${name}=${value}`);
  const verdict = !usable
    ? 'The account cannot be used like this.'
    : follow.length === 0
      ? 'The account serves, with the defaults.'
      : `The account serves. Set for the gateway:\n${follow.join('')}`;
  return `${table(['STEP', 'IS', ''], rows)}\n${verdict}\n`;
}
