/**
 * What an FTP failure means for the next step, by reply code alone: texts differ between servers, and lie.
 *
 * Missing, forbidden and of another type share their codes (550 everywhere, 553 on vsftpd and pure-ftpd), so no class says "missing".
 */

/**
 * - `transient`: worth another try, on this connection or a new one.
 * - `refused`: a definite no to this command.
 * - `full`: no space left for the account.
 * - `denied`: the server does not let us in, or not now (430, 530).
 */
export type ReplyClass = 'transient' | 'refused' | 'full' | 'denied';

export function classifyReplyCode(replyCode: number): ReplyClass {
  switch (replyCode) {
    case 452:
    case 552:
      return 'full';
    case 430:
    case 530:
      return 'denied';
    default:
      // RFC 959, section 4.2: 4yz is a transient no, 5yz a permanent one.
      return replyCode >= 400 && replyCode < 500 ? 'transient' : 'refused';
  }
}

/** The server answered a command with a negative reply. Its session stays usable, except after 421. */
export class FtpReplyError extends Error {
  override readonly name = 'FtpReplyError';
  readonly replyClass: ReplyClass;

  constructor(
    /** Verb alone: arguments may be secret. */
    readonly verb: string,
    readonly replyCode: number,
    replyText: string,
  ) {
    super(`${verb}: ${replyText}`);
    this.replyClass = classifyReplyCode(replyCode);
  }
}

/** The connection broke, stayed silent past its timeout, or spoke something that is not FTP. Its session is dead; what the server did is unknown. */
export class FtpConnectionError extends Error {
  override readonly name = 'FtpConnectionError';

  constructor(
    /** Verb of the command under way; `LOGIN` before the session stood. */
    readonly verb: string,
    cause: unknown,
  ) {
    super(`${verb}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** The class of an error; undefined for one that is not about FTP, such as what a body throws. */
export function classifyFailure(error: unknown): ReplyClass | undefined {
  if (error instanceof FtpReplyError) return error.replyClass;
  return error instanceof FtpConnectionError ? 'transient' : undefined;
}

/** Whether the server answered a clear no to a command: not now or never, but not for lack of space. */
export function isRefusal(error: unknown): error is FtpReplyError {
  return error instanceof FtpReplyError && error.replyClass === 'refused';
}
