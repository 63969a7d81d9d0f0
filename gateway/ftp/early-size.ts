/** SIZE sent right behind the last byte of an upload, without waiting for the upload to be confirmed. */
import type { FTPError, FTPResponse } from 'basic-ftp';

/**
 * pure-ftpd reads up to 99 bytes of what comes during a transfer, and answers 500 to it. With a longer command the rest would be read as
 * one of its own.
 */
const LONGEST_COMMAND = 90;

const SIZE_REPLY = 213;

type Reply = FTPResponse | FTPError;

/**
 * The replies of the upload and of its SIZE, in whichever order they come: vsftpd answers SIZE after the upload, proftpd may answer it
 * before with the bytes so far, and pure-ftpd may refuse it before. Only the reply codes tell which is which.
 */
export class EarlySize {
  private first: Reply | undefined;
  private answer: Reply | undefined;

  static command(path: string): string | undefined {
    const command = `SIZE ${path}`;
    return command.length <= LONGEST_COMMAND ? command : undefined;
  }

  /** Whether one of the two replies came, and the other did not. */
  get isHalfAnswered(): boolean {
    return this.first !== undefined && this.answer === undefined;
  }

  /** Bytes of the file at the time of the answer; undefined without a clear one. */
  get size(): number | undefined {
    return this.answer === undefined ? undefined : parseSize(this.answer);
  }

  /** Takes a final reply; returns that of the upload once both are there. */
  take(reply: Reply): Reply | undefined {
    if (!this.first) {
      this.first = reply;
      return undefined;
    }
    const [upload, size] = isOfUpload(this.first, reply) ? [this.first, reply] : [reply, this.first];
    this.answer = size;
    return upload;
  }
}

/** Milliseconds between the last byte and its SIZE, at most. */
const LONGEST_DELAY_MS = 500;

/**
 * How long after the last byte has left the process SIZE is sent. The byte travels on a connection of its own, and may still stand in queues that SIZE passes
 * by: where a server answers during an upload, an answer that comes too early is of no use, and SIZE has to be asked for again, which takes a round
 * trip. One that is asked for late costs that much time. Each upload tells which it was.
 */
export class EarlySizing {
  private off = false;
  private delay = 0;

  get isEarly(): boolean {
    return !this.off;
  }

  /** Milliseconds. */
  get delayMs(): number {
    return Math.round(this.delay);
  }

  /** This server does not bear it. */
  giveUp(): void {
    this.off = true;
  }

  /** @param asked what came of it; undefined if the server confirmed the upload first */
  learn(asked: { readonly answer: number | undefined; readonly bytes: number } | undefined): void {
    if (asked && asked.answer !== asked.bytes) this.delay = Math.min(this.delay * 1.06 + 2, LONGEST_DELAY_MS);
    else this.delay *= asked ? 0.995 : 0.94;
  }
}

/** The number in a reply to SIZE (RFC 3659, section 4); undefined for any other reply. */
export function parseSize({
  code,
  message,
}: {
  readonly code: number;
  readonly message: string;
}): number | undefined {
  const digits = /^213 (\d{1,15})(?!\d)/.exec(message)?.[1];
  return code === SIZE_REPLY && digits !== undefined ? Number(digits) : undefined;
}

/** Whether of two replies, in order, the first is that of the upload. */
function isOfUpload(first: Reply, second: Reply): boolean {
  if (isConfirmation(first) || second.code === SIZE_REPLY) return true;
  if (isConfirmation(second) || first.code === SIZE_REPLY) return false;
  // Both are refusals: 500 and its like are for a command that comes at the wrong time, whatever remains for the upload.
  return !(first.code >= 500 && first.code <= 503);
}

function isConfirmation({ code }: Reply): boolean {
  return code >= 200 && code < 300 && code !== SIZE_REPLY;
}
