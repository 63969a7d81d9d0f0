/** The commands of the gateway's half: each file adds its own to the program. */
import type { Command } from 'commander';
import type { CommandHost } from '../../lib/cli/terminal';
import { addCatalogCommand } from './catalog';
import { addFtpCommand } from './ftp';

const COMMANDS: readonly ((program: Command, host: CommandHost) => void)[] = [
  addCatalogCommand,
  addFtpCommand,
];

export function addGatewayCommands(program: Command, host: CommandHost): void {
  for (const add of COMMANDS) add(program, host);
}

export { tryFtpAccount } from './ftp';
