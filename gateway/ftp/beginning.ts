/** Whether uploads may begin before there are bytes to send: ever more seldom on a server that ends them meanwhile. */

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 600_000;

export class Beginning {
  private failures = 0;
  private until = 0;

  get isAllowed(): boolean {
    return performance.now() >= this.until;
  }

  /** One took its bytes. */
  succeeded(): void {
    this.failures = 0;
  }

  /** One ended before its bytes came. */
  failed(): void {
    this.until = performance.now() + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    this.failures += 1;
  }
}
