/** Transfers of the embedded FTP server, with the faults that can befall them. */
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { endConnection, writeAll } from './embedded-ftp-server-data';
import type { EmbeddedFtpSession } from './embedded-ftp-server-session';

const READ_BYTES = 65_536;

export async function sendListing(session: EmbeddedFtpSession, lines: readonly string[]): Promise<void> {
  const bytes = Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  await transfer(session, (data) => send(session, data, [bytes]));
}

export async function retrieve(session: EmbeddedFtpSession, path: string): Promise<void> {
  const start = takeRestart(session);
  const file = await open(session.onDisk(path), 'r').catch(() => undefined);
  if (!file || !(await file.stat()).isFile()) {
    await file?.close();
    session.closeData();
    return session.reply('550 Failed to open file.');
  }
  try {
    await transfer(session, (data) => send(session, data, readFrom(file, start)));
  } finally {
    await file.close();
  }
}

export async function store(
  session: EmbeddedFtpSession,
  path: string,
  mode: 'replace' | 'append',
): Promise<void> {
  const start = takeRestart(session);
  const flags = mode === 'append' ? 'a' : start > 0 ? 'r+' : 'w';
  const file = await open(session.onDisk(path), flags).catch(() => undefined);
  if (!file) {
    session.closeData();
    return session.reply('553 Could not create file.');
  }
  session.isStoring = true;
  try {
    await transfer(session, (data) => receive(session, data, file, mode === 'append' ? undefined : start));
  } finally {
    session.isStoring = false;
    await file.close();
  }
}

/** Final reply of a transfer, or undefined if there is none to send. */
type TransferEnd = string | undefined;

async function transfer(
  session: EmbeddedFtpSession,
  move: (data: Socket) => Promise<TransferEnd>,
): Promise<void> {
  await session.write('150 Here it comes.');
  const data = await session.dataConnection();
  if (!data) return session.reply('425 Use EPSV or PASV first.');
  const end = await move(data).catch(() => '426 Transfer aborted.');
  session.closeData();
  if (end !== undefined) await session.reply(end);
}

async function send(
  session: EmbeddedFtpSession,
  data: Socket,
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<TransferEnd> {
  const limit = byteLimit(session);
  let sent = 0;
  for await (const chunk of chunks) {
    await writeAll(data, chunk.subarray(0, Math.max(0, limit - sent)));
    sent += chunk.length;
    if (sent >= limit) break;
  }
  if (sent >= limit && session.fault?.kind === 'transfer') return endByFault(session);
  await endConnection(data);
  return '226 Transfer complete.';
}

async function receive(
  session: EmbeddedFtpSession,
  data: Socket,
  file: FileHandle,
  start: number | undefined,
): Promise<TransferEnd> {
  const limit = byteLimit(session);
  const quota = await quotaLeft(session);
  let received = 0;
  let position = start;
  for await (const chunk of data as AsyncIterable<Buffer>) {
    const kept = chunk.subarray(0, Math.max(0, Math.min(limit, quota) - received));
    await file.write(kept, 0, kept.length, position ?? null);
    if (position !== undefined) position += kept.length;
    received += chunk.length;
    if (received > quota) return '552 Quota exceeded.';
    if (received >= limit && session.fault?.kind === 'transfer') return endByFault(session);
  }
  return '226 Transfer complete.';
}

/** How many bytes of the transfer are real before a fault sets in. */
function byteLimit({ fault }: EmbeddedFtpSession): number {
  if (fault?.kind === 'transfer') return fault.afterBytes;
  return fault?.kind === 'truncate' ? fault.toBytes : Infinity;
}

async function endByFault(session: EmbeddedFtpSession): Promise<TransferEnd> {
  if (session.fault?.kind !== 'transfer') return undefined;
  const { end } = session.fault;
  if (end === 'reset') session.reset();
  else if (end === 'stall') await session.closed();
  else return end;
  return undefined;
}

async function* readFrom(file: FileHandle, start: number): AsyncIterable<Buffer> {
  for (let position = start; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function takeRestart(session: EmbeddedFtpSession): number {
  const { restartAt } = session;
  session.restartAt = 0;
  return restartAt;
}

export async function quotaLeft({ server }: EmbeddedFtpSession): Promise<number> {
  return server.settings.quotaBytes === Infinity
    ? Infinity
    : server.settings.quotaBytes - (await bytesBelow(server.root));
}

async function bytesBelow(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
