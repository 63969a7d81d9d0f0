/** Keeps a server that is down from being asked for a login again and again. */

/** Failed logins in a row before the first pause. */
const FAILURES_BEFORE_PAUSE = 3;
const FIRST_PAUSE_MS = 500;
/** Short enough that a server that comes back is not kept waiting. */
const LONGEST_PAUSE_MS = 10_000;

export class Circuit {
  private failures = 0;
  private until = 0;

  constructor(private readonly now: () => number) {}

  /** Milliseconds until the next login may be tried; 0 for now. */
  get pauseMs(): number {
    return Math.max(0, this.until - this.now());
  }

  /** Several logins in a row failed: one at a time is enough to find out whether that is over. */
  get isDoubtful(): boolean {
    return this.failures >= FAILURES_BEFORE_PAUSE;
  }

  succeeded(): void {
    this.failures = 0;
    this.until = 0;
  }

  failed(): void {
    this.failures += 1;
    if (!this.isDoubtful) return;
    const pause = FIRST_PAUSE_MS * 2 ** Math.min(10, this.failures - FAILURES_BEFORE_PAUSE);
    this.until = this.now() + Math.min(LONGEST_PAUSE_MS, pause);
  }
}
