/** SIZE sent right behind the last byte of an upload, without waiting for the upload to be confirmed, and again while its answer comes too early. */
import type { FTPError, FTPResponse } from 'basic-ftp';

/**
 * pure-ftpd reads up to 99 bytes of what comes during a transfer, and answers 500 to it. With a longer command the rest would be read as
 * one of its own.
 */
const LONGEST_COMMAND = 90;

const SIZE_REPLY = 213;
/** For one upload: a server may take long to confirm one, and answer many meanwhile. */
const MOST_ASKED = 12;

type Reply = FTPResponse | FTPError;

/**
 * The replies of the upload and of its SIZE, in whichever order they come: vsftpd answers SIZE after the upload, proftpd may answer it
 * before with the bytes so far, and pure-ftpd may refuse it before. Only the reply codes tell which is which.
 */
export class EarlySize {
  private first: Reply | undefined;
  private answer: Reply | undefined;
  private asked = 1;

  /**
   * @param bytes that were sent
   * @param ask sends SIZE; has been called once
   */
  constructor(
    private readonly bytes: number,
    private readonly ask: () => void,
  ) {}

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

  /** How it went: asked at the right time, at least once too early, or in vain. */
  get outcome(): 'right' | 'early' | 'vain' {
    if (this.size !== this.bytes) return 'vain';
    return this.asked === 1 ? 'right' : 'early';
  }

  /** Takes a final reply; returns that of the upload once both are there. */
  take(reply: Reply): Reply | undefined {
    if (!this.first) {
      const size = parseSize(reply);
      const isTooEarly = size !== undefined && size !== this.bytes && this.asked < MOST_ASKED;
      if (isTooEarly) this.askAgain();
      else this.first = reply;
      return undefined;
    }
    const [upload, size] = isOfUpload(this.first, reply) ? [this.first, reply] : [reply, this.first];
    this.answer = size;
    return upload;
  }

  private askAgain(): void {
    this.asked += 1;
    this.ask();
  }
}

/** Milliseconds between the last byte and its SIZE, at most. */
const LONGEST_DELAY_MS = 500;

/**
 * How long after the last byte has left the process SIZE is sent. The byte travels on a connection of its own, and may still stand in queues that SIZE passes
 * by: where a server answers during an upload, an answer may come too early. It is asked for again then, so that the last one comes at most a round
 * trip after the confirmation; where it is refused, and where it was not asked for before the confirmation came, that takes a round trip more. Each
 * upload tells which it was.
 */
export class EarlySizing {
  private off = false;
  private delay = 0;
  /** Too early costs little here: better that than too late. */
  private canAskAgain = false;

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

  /** @param outcome of one upload; `late` if the server confirmed it first */
  learn(outcome: EarlySize['outcome'] | 'late'): void {
    if (outcome === 'early') this.canAskAgain = true;
    this.delay = Math.min(this.learnt(outcome), LONGEST_DELAY_MS);
  }

  private learnt(outcome: EarlySize['outcome'] | 'late'): number {
    switch (outcome) {
      case 'right':
        return this.delay * 0.995;
      case 'early':
        return this.delay * 1.02 + 0.25;
      case 'vain':
        return this.delay * 1.06 + 2;
      case 'late':
        return this.delay * (this.canAskAgain ? 0.85 : 0.94);
    }
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
