/** `longhaul keys`: the keys that seal and open what lies on the FTP server. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import {
  count,
  EXIT,
  FailedError,
  formatBytes,
  formatDuration,
  json,
  table,
  UsageError,
} from '../../lib/cli/output';
import type { CommandHost } from '../../lib/cli/terminal';
import type { KeysReport, Retirement } from '../admin/keys';
import { keyId, MASTER_KEY_SIZE } from '../seal/keyring';
import { askGateway, follow } from './ask-gateway';

export function addKeysCommand(program: Command, host: CommandHost): void {
  const keys = program
    .command('keys')
    .description('the encryption keys, by their ids; a key itself is never shown');
  addList(keys, host);
  addAdd(keys, host);
  addRotate(keys, host);
  addRetire(keys, host);
}

function addList(keys: Command, host: CommandHost): void {
  keys
    .command('list')
    .description('the keys of a running gateway, and how much depends on each; run it where the gateway runs')
    .action(async () => {
      const report = await askReport(host, 'GET', '/keys');
      host.terminal.out(host.output() === 'json' ? json(report) : describe(report));
    });
}

function addAdd(keys: Command, host: CommandHost): void {
  keys
    .command('add <file>')
    .description('makes a key in a new file, or checks the one in an old file, and says what to do with it')
    .action((file: string) => {
      const { key, isNew } = takeKey(file);
      const id = keyId(key);
      host.terminal.out(
        host.output() === 'json' ? json({ id, file, new: isNew }) : nextSteps(id, file, isNew),
      );
    });
}

function addRotate(keys: Command, host: CommandHost): void {
  keys
    .command('rotate')
    .description(
      'seals anew what is not sealed with ENCRYPTION_KEY, in the background of a running gateway, and shows how far it is',
    )
    .option('--no-wait', 'only start it; "keys list" tells how far it is')
    .action(async ({ wait }: { wait: boolean }) => {
      const started = await askReport(host, 'POST', '/keys/rotation');
      const report = await follow(host, started, {
        isRunning: ({ rotation }) => wait && rotation.state === 'running',
        describe: describeRotation,
        next: () => askReport(host, 'GET', '/keys'),
      });
      host.terminal.out(host.output() === 'json' ? json(report.rotation) : `${describeRotation(report)}\n`);
      host.finish(report.rotation.state === 'incomplete' ? EXIT.problem : EXIT.ok);
    });
}

function addRetire(keys: Command, host: CommandHost): void {
  keys
    .command('retire <id>')
    .description(
      'takes a key out of use, once it is proved that nothing depends on it; "plain" is for files without seal',
    )
    .action(async (id: string) => {
      if (!/^(?:[0-9a-f]{32}|plain)$/.test(id))
        throw new UsageError(
          `${id} is not the id of a key: expected 32 hex digits as "keys list" shows them, or plain`,
        );
      const result = await askGateway(host.env, (gateway) =>
        gateway.call<Retirement>('DELETE', `/keys/${id}`),
      );
      if (host.output() === 'json') host.terminal.out(json(result));
      else if (result.retired) host.terminal.out(retired(id));
      else throw new FailedError(`${id} stays:\n${result.objections.map((o) => `- ${o}`).join('\n')}`);
      host.finish(result.retired ? EXIT.ok : EXIT.problem);
    });
}

function askReport(host: CommandHost, method: 'GET' | 'POST', path: string): Promise<KeysReport> {
  return askGateway(host.env, (gateway) => gateway.call<KeysReport>(method, path));
}

/** Throws `UsageError`. */
function takeKey(file: string): { key: Buffer; isNew: boolean } {
  const fresh = randomBytes(MASTER_KEY_SIZE);
  try {
    writeFileSync(file, `${fresh.toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
    return { key: fresh, isNew: true };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new UsageError(`no key can be written to ${file}: ${message}`);
  }
  const text = readFileSync(file, 'latin1').trim();
  if (!/^[0-9a-f]{64}$/i.test(text))
    throw new UsageError(
      `${file} is there and holds no key: expected 64 hex digits, found ${count(text.length, 'character')}`,
    );
  return { key: Buffer.from(text, 'hex'), isNew: false };
}

function nextSteps(id: string, file: string, isNew: boolean): string {
  return `${isNew ? 'A new key is' : 'The key'} in ${file}${isNew ? '' : ' is good'}: its id is ${id}

1. Keep a copy apart from the cluster and the FTP server, next to those of the older keys. Without it nothing that it seals can be restored.
2. Give the gateway the key it has now in ENCRYPTION_KEYS, this one in ENCRYPTION_KEY, and start it again.
   Where a second gateway stands by, give both of them this key in ENCRYPTION_KEYS first.
3. longhaul keys rotate
4. longhaul keys retire <id of the older key>, and then take it out of ENCRYPTION_KEYS.
`;
}

function retired(id: string): string {
  return id === 'plain'
    ? 'Nothing here is without seal: such files are refused from now on. Take PLAIN_OBJECTS out of the configuration.\n'
    : `Nothing depends on ${id} any more: take it out of ENCRYPTION_KEYS. Keep its copy as long as older copies of the FTP server's files exist.\n`;
}

function describe(report: KeysReport): string {
  const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
  const rows = report.keys.map(({ id, writes, opens, inUse, objects, parts, bytes }) => [
    id,
    yesNo(writes),
    yesNo(opens),
    yesNo(inUse),
    String(objects),
    String(parts),
    formatBytes(bytes),
  ]);
  const notes = [
    report.proved
      ? 'The counts are of all that is there.'
      : 'Not all directories were compared with the FTP server yet: there may be more.',
    ...(report.unreadable > 0
      ? [`${count(report.unreadable, 'file')} in the place of objects cannot be read, and are not counted.`]
      : []),
    describeRotation(report),
  ];
  return `${table(['KEY', 'WRITES', 'OPENS', 'IN USE', 'OBJECTS', 'PARTS', 'SIZE'], rows)}\n${notes.join('\n')}\n`;
}

function describeRotation({ rotation }: KeysReport): string {
  const { state, resealed, left, estimateMs, failed, failures } = rotation;
  const done = `${count(resealed.objects, 'object')} sealed anew (${formatBytes(resealed.bytes)})`;
  const more = `${left.objects} left (${formatBytes(left.bytes)})`;
  const estimate = estimateMs === undefined ? '' : `, about ${formatDuration(estimateMs)}`;
  const trouble = failures.length > 0 ? `\n${failures.map((failure) => `- ${failure}`).join('\n')}` : '';
  switch (state) {
    case 'idle':
      return 'No rotation of keys runs.';
    case 'running':
      return `Rotation of keys: ${done}, ${more}${estimate}${trouble}`;
    case 'complete':
      return `Rotation of keys: complete, ${done}`;
    case 'incomplete':
      return `Rotation of keys: ended with ${count(failed, 'object')} that could not be sealed anew, ${done}${trouble}`;
  }
}
