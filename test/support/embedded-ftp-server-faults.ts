/** What the embedded FTP server can be told to do wrong. */

export type FaultAction =
  /** Answers this instead of obeying. */
  | { readonly kind: 'reply'; readonly reply: string }
  /** Waits, then obeys. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Resets the control connection instead of obeying. */
  | { readonly kind: 'drop' }
  /** Never answers. */
  | { readonly kind: 'stall' }
  /** Obeys, but the final reply gets lost: with the connection, or in silence. */
  | { readonly kind: 'lose-reply'; readonly with: 'drop' | 'silence' }
  /** Obeys, and sends the final reply late. */
  | { readonly kind: 'late-reply'; readonly ms: number }
  /** Ends the transfer after so many bytes: a reply such as `426 …`, a reset of both connections, or silence. */
  | {
      readonly kind: 'transfer';
      readonly afterBytes: number;
      readonly end: 'reset' | 'stall' | `${number} ${string}`;
    }
  /** Stores or sends only so many bytes, and answers 226 all the same. */
  | { readonly kind: 'truncate'; readonly toBytes: number };

export interface Fault {
  /** FTP verb, or `CONNECT` for the greeting. */
  readonly on: string;
  /** Only commands whose argument matches. */
  readonly argument?: RegExp;
  /** How many matching commands to leave alone first. @default 0 */
  readonly skip?: number;
  /** How many matching commands to spoil. @default 1 */
  readonly times?: number;
  readonly action: FaultAction;
}

/** Hands out faults to the commands they are meant for, oldest first. */
export class FaultPlan {
  private readonly pending: { fault: Fault; skip: number; times: number }[] = [];

  add(fault: Fault): void {
    this.pending.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 });
  }

  /** Faults that have not happened as often as they should. */
  get unspent(): number {
    return this.pending.filter(({ times }) => times > 0).length;
  }

  /** Whether a fault still waits for such a command. */
  isPending(verb: string): boolean {
    return this.pending.some(({ fault, times }) => times > 0 && fault.on === verb);
  }

  clear(): void {
    this.pending.length = 0;
  }

  take(verb: string, argument: string): FaultAction | undefined {
    const found = this.pending.find(
      ({ fault, times }) => times > 0 && fault.on === verb && (fault.argument?.test(argument) ?? true),
    );
    if (!found) return undefined;
    if (found.skip > 0) {
      found.skip -= 1;
      return undefined;
    }
    found.times -= 1;
    return found.fault.action;
  }
}
