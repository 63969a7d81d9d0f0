/** The commands of the gateway's half: each file adds its own to the program. */
import type { Command } from 'commander';
import type { CommandHost } from '../../lib/cli/terminal';
import { addBackupsCommand } from './backups';
import { addCatalogCommand } from './catalog';
import { addExportCommand } from './export';
import { addFtpCommand } from './ftp';
import { addKeysCommand } from './keys';
import { addMirrorCommand } from './mirror';
import { addRestoreCommand } from './restore';
import { addTrashCommand } from './trash';
import { addVerifyCommand } from './verify';

const COMMANDS: readonly ((program: Command, host: CommandHost) => void)[] = [
  addCatalogCommand,
  addFtpCommand,
  addTrashCommand,
  addKeysCommand,
  addMirrorCommand,
  addBackupsCommand,
  addRestoreCommand,
  addVerifyCommand,
  addExportCommand,
];

export function addGatewayCommands(program: Command, host: CommandHost): void {
  for (const add of COMMANDS) add(program, host);
}

export { tryFtpAccount } from './ftp';
