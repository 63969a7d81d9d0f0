/** What the sessions of one account said and were answered, counted for metrics. */
import type { ReplyClass } from './reply';

/** How an operation on a session ended: with a positive reply, with a negative one by its class, or without any. */
export type Outcome = ReplyClass | 'positive' | 'connection-failed';

export class FtpTally {
  /** Commands sent, by verb. */
  readonly commands = new Map<string, number>();
  readonly outcomes: Record<Outcome, number> = {
    positive: 0,
    transient: 0,
    refused: 0,
    full: 0,
    denied: 0,
    'connection-failed': 0,
  };
  /** Downloads continued in the middle of a file. */
  resumes = 0;
  /** When the server last answered anything, in milliseconds since the epoch. */
  lastReplyAt: number | undefined;
  /** End of the validity of the server's certificate as it was last shown, in milliseconds since the epoch. */
  certificateExpiresAt: number | undefined;

  said(verb: string): void {
    this.commands.set(verb, (this.commands.get(verb) ?? 0) + 1);
  }

  ended(outcome: Outcome): void {
    this.outcomes[outcome] += 1;
    if (outcome !== 'connection-failed') this.lastReplyAt = Date.now();
  }
}
