/** What each FTP command does on the embedded server. */
import { mkdir, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import type { EmbeddedFtpSession } from './embedded-ftp-server-session';
import { quotaLeft, retrieve, sendListing, store } from './embedded-ftp-server-transfers';

type Command = (session: EmbeddedFtpSession, argument: string) => Promise<void>;

async function user(session: EmbeddedFtpSession, name: string): Promise<void> {
  session.userName = name;
  await session.reply('331 Password required.');
}

async function pass(session: EmbeddedFtpSession, password: string): Promise<void> {
  const { server } = session;
  if (session.surplus) return session.reply(server.settings.limitReply);
  session.loggedIn = session.userName === server.user && password === server.password;
  await session.reply(session.loggedIn ? '230 Logged in.' : '530 Login incorrect.');
}

async function features(session: EmbeddedFtpSession): Promise<void> {
  const { server } = session;
  const lines = ['EPSV', 'MDTM', 'PASV', 'REST STREAM', 'SIZE', 'UTF8'];
  if (server.settings.mlsd) lines.push('MLST type*;size*;modify*;');
  if (server.tls !== 'off') lines.push('AUTH TLS', 'PBSZ', 'PROT');
  if (server.settings.quotaBytes !== Infinity) lines.push('AVBL');
  await session.reply(`211-Features:\r\n${lines.map((line) => ` ${line}\r\n`).join('')}211 End`);
}

async function auth(session: EmbeddedFtpSession, mechanism: string): Promise<void> {
  if (session.server.tls !== 'explicit' || mechanism.toUpperCase() !== 'TLS')
    return session.reply('504 Not understood.');
  await session.reply('234 Go on with TLS.');
  session.secure();
}

async function protect(session: EmbeddedFtpSession, level: string): Promise<void> {
  if (session.server.tls === 'off') return session.reply('503 No TLS here.');
  session.protectsData = level.toUpperCase() === 'P';
  await session.reply('200 Done.');
}

async function epsv(session: EmbeddedFtpSession): Promise<void> {
  const port = await session.openPassive();
  await session.reply(`229 Entering Extended Passive Mode (|||${port}|)`);
}

async function pasv(session: EmbeddedFtpSession): Promise<void> {
  const port = await session.openPassive();
  const host = session.server.host.replaceAll('.', ',');
  await session.reply(`227 Entering Passive Mode (${host},${port >> 8},${port & 255}).`);
}

async function rest(session: EmbeddedFtpSession, offset: string): Promise<void> {
  session.restartAt = Number(offset);
  await session.reply(`350 Restarting at ${offset}.`);
}

async function size(session: EmbeddedFtpSession, path: string): Promise<void> {
  const info = await statOrUndefined(session.onDisk(path));
  await session.reply(info?.isFile() ? `213 ${info.size}` : '550 Could not get file size.');
}

async function modified(session: EmbeddedFtpSession, path: string): Promise<void> {
  const info = await statOrUndefined(session.onDisk(path));
  await session.reply(info?.isFile() ? `213 ${factTime(info.mtime)}` : '550 Could not get file time.');
}

async function changeDirectory(session: EmbeddedFtpSession, path: string): Promise<void> {
  const info = await statOrUndefined(session.onDisk(path));
  if (!info?.isDirectory()) return session.reply('550 Failed to change directory.');
  session.workingDirectory = session.resolve(path);
  await session.reply('250 Directory changed.');
}

async function renameFrom(session: EmbeddedFtpSession, path: string): Promise<void> {
  if (!(await statOrUndefined(session.onDisk(path)))) return session.reply('550 RNFR failed.');
  session.renameFrom = session.onDisk(path);
  await session.reply('350 Ready for RNTO.');
}

async function renameTo(session: EmbeddedFtpSession, path: string): Promise<void> {
  const from = session.renameFrom;
  session.renameFrom = undefined;
  if (from === undefined) return session.reply('503 RNFR first.');
  const to = session.onDisk(path);
  if (!session.server.settings.replacesOnRename && (await statOrUndefined(to)))
    return session.reply('550 File exists.');
  await attempt(session, () => rename(from, to), '250 Renamed.');
}

async function remove(session: EmbeddedFtpSession, path: string): Promise<void> {
  await attempt(session, () => unlink(session.onDisk(path)), '250 Deleted.');
}

async function makeDirectory(session: EmbeddedFtpSession, path: string): Promise<void> {
  await attempt(session, () => mkdir(session.onDisk(path)), `257 "${session.resolve(path)}" created`);
}

async function removeDirectory(session: EmbeddedFtpSession, path: string): Promise<void> {
  await attempt(session, () => rmdir(session.onDisk(path)), '250 Removed.');
}

async function mlsd(session: EmbeddedFtpSession, path: string): Promise<void> {
  if (!session.server.settings.mlsd) return session.reply('500 Unknown command.');
  const info = await statOrUndefined(session.onDisk(path));
  if (!info?.isDirectory()) return session.reply('550 Not a directory.');
  const lines = await eachEntry(session, path, ({ name, isDirectory, bytes, at }) => {
    const type = name === '.' ? 'cdir' : isDirectory ? 'dir' : 'file';
    return `type=${type};${isDirectory ? '' : `size=${bytes};`}modify=${factTime(at)}; ${name}`;
  });
  await sendListing(session, lines);
}

async function mlst(session: EmbeddedFtpSession, path: string): Promise<void> {
  if (!session.server.settings.mlsd) return session.reply('500 Unknown command.');
  const info = await statOrUndefined(session.onDisk(path));
  if (!info) return session.reply('550 Not found.');
  const facts = `type=${info.isDirectory() ? 'dir' : 'file'};size=${info.size};modify=${factTime(info.mtime)};`;
  await session.reply(`250-Facts\r\n ${facts} ${session.resolve(path)}\r\n250 End`);
}

async function list(session: EmbeddedFtpSession, argument: string): Promise<void> {
  const path = argument.replace(/^-[a-zA-Z]+ ?/, '');
  const info = await statOrUndefined(session.onDisk(path));
  if (!info) {
    if (session.server.settings.listMissing === 'empty') return sendListing(session, []);
    return session.reply('450 No such file or directory.');
  }
  const lines = info.isDirectory()
    ? await eachEntry(session, path, unixLine)
    : [unixLine({ name: posix.basename(path), isDirectory: false, bytes: info.size, at: info.mtime })];
  await sendListing(session, lines);
}

interface DiskEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly bytes: number;
  readonly at: Date;
}

function unixLine({ name, isDirectory, bytes, at }: DiskEntry): string {
  const mode = isDirectory ? 'drwxr-xr-x' : '-rw-r--r--';
  const month = at.toLocaleString('en-US', { month: 'short', timeZone: 'UTC' });
  const day = String(at.getUTCDate()).padStart(2);
  return `${mode}    1 ftp      ftp      ${String(bytes).padStart(12)} ${month} ${day} ${at.toISOString().slice(11, 16)} ${name}`;
}

async function eachEntry(
  session: EmbeddedFtpSession,
  path: string,
  line: (entry: DiskEntry) => string,
): Promise<string[]> {
  const directory = session.onDisk(path);
  const names = await readdir(directory);
  const lines: string[] = [];
  for (const name of session.server.settings.listsItself ? ['.', ...names] : names) {
    const info = await statOrUndefined(posix.join(directory, name));
    if (info) lines.push(line({ name, isDirectory: info.isDirectory(), bytes: info.size, at: info.mtime }));
  }
  return lines;
}

/** `YYYYMMDDHHMMSS.sss` in UTC (RFC 3659, section 2.3). */
function factTime(time: Date): string {
  return time.toISOString().replace(/[-T:Z]/g, '');
}

async function attempt(
  session: EmbeddedFtpSession,
  change: () => Promise<unknown>,
  reply: string,
): Promise<void> {
  const done = await change().then(
    () => true,
    () => false,
  );
  await session.reply(done ? reply : '550 Operation failed.');
}

async function statOrUndefined(path: string) {
  return stat(path).catch(() => undefined);
}

function answer(reply: string): Command {
  return (session) => session.reply(reply);
}

async function quit(session: EmbeddedFtpSession): Promise<void> {
  await session.reply('221 Goodbye.');
  session.hangUp();
}

export const COMMANDS_BEFORE_LOGIN: Readonly<Record<string, Command>> = {
  AUTH: auth,
  FEAT: features,
  NOOP: answer('200 Done.'),
  OPTS: answer('200 Done.'),
  PASS: pass,
  PBSZ: answer('200 Done.'),
  PROT: protect,
  QUIT: quit,
  USER: user,
};

export const COMMANDS: Readonly<Record<string, Command>> = {
  ...COMMANDS_BEFORE_LOGIN,
  ABOR: answer('226 Aborted.'),
  AVBL: async (session) => session.reply(`213 ${await quotaLeft(session)}`),
  APPE: (session, path) => store(session, path, 'append'),
  CWD: changeDirectory,
  DELE: remove,
  EPSV: epsv,
  LIST: list,
  MDTM: modified,
  MKD: makeDirectory,
  MLSD: mlsd,
  MLST: mlst,
  PASV: pasv,
  PWD: (session) => session.reply(`257 "${session.workingDirectory}" is the current directory`),
  REST: rest,
  RETR: retrieve,
  RMD: removeDirectory,
  RNFR: renameFrom,
  RNTO: renameTo,
  SIZE: size,
  STOR: (session, path) => store(session, path, 'replace'),
  STRU: answer('200 Done.'),
  SYST: answer('215 UNIX Type: L8'),
  TYPE: answer('200 Done.'),
};
