/** Says how far a long transfer is and when it will end: every second on a terminal, now and then elsewhere. */
import { formatBytes, formatDuration } from '../../lib/cli/output';
import { Progress, type Terminal } from '../../lib/cli/terminal';

const REDRAW_MS = 1_000;
const LINE_MS = 30_000;
/** The estimate follows what happened within this time. */
const WINDOW_MS = 60_000;

interface Sample {
  readonly at: number;
  readonly done: number;
  readonly bytes: number;
}

export class TransferProgress {
  readonly #progress: Progress;
  readonly #samples: Sample[] = [];
  #subject = '';
  #shownAt: number;

  constructor(
    private readonly terminal: Terminal,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#progress = new Progress(terminal);
    this.#shownAt = now();
  }

  /**
   * @param subject what is worked on; with another, the estimate starts anew
   * @param total absent: nobody knows
   */
  update(subject: string, done: number, total: number | undefined, bytes: number): void {
    const at = this.now();
    if (subject !== this.#subject) {
      this.#subject = subject;
      this.#samples.length = 0;
    }
    const last = this.#samples.at(-1);
    if (!last || at - last.at >= REDRAW_MS) this.#samples.push({ at, done, bytes });
    while (at - (this.#samples[0]?.at ?? at) > WINDOW_MS) this.#samples.shift();
    if (at - this.#shownAt < (this.terminal.redraws ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = at;
    this.#progress.update(
      `${subject}: ${done}${total === undefined ? ' objects' : ` of ${total} blocks`}${this.#pace(at, done, total, bytes)}`,
    );
  }

  /** Takes the redrawn line away. */
  done(): void {
    this.#progress.done();
  }

  #pace(at: number, done: number, total: number | undefined, bytes: number): string {
    const first = this.#samples[0];
    const elapsedMs = first ? at - first.at : 0;
    if (!first || elapsedMs < REDRAW_MS) return '';
    const rate = `, ${formatBytes(((bytes - first.bytes) * 1000) / elapsedMs)}/s`;
    if (total === undefined || done === first.done) return rate;
    return `${rate}, about ${formatDuration(((total - done) * elapsedMs) / (done - first.done))} left`;
  }
}
