/** Slows down those who may not come in once there are many of them, so that turning them away leaves time for the others. */
import { setTimeout as sleep } from 'node:timers/promises';

/** As many refusals a second are answered at once: a client with a wrong clock or secret gets its answer as fast as any. */
const FREE_PER_SECOND = 50;
/** Clients held up at a time; each has a connection. Beyond, they are answered at once. */
const MAX_HELD_UP = 256;
const DELAY_MS = 100;

export interface RefusalPaceOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicMs: () => number;
  /** @default 100 */
  readonly delayMs?: number;
}

export class RefusalPace {
  readonly #monotonicMs: () => number;
  readonly #delayMs: number;
  #free = FREE_PER_SECOND;
  #refilledAt: number;
  #heldUp = 0;

  constructor({ monotonicMs, delayMs = DELAY_MS }: RefusalPaceOptions) {
    this.#monotonicMs = monotonicMs;
    this.#delayMs = delayMs;
    this.#refilledAt = monotonicMs();
  }

  /** Resolves when a refusal may be answered. */
  async wait(): Promise<void> {
    const now = this.#monotonicMs();
    this.#free = Math.min(FREE_PER_SECOND, this.#free + ((now - this.#refilledAt) / 1000) * FREE_PER_SECOND);
    this.#refilledAt = now;
    if (this.#free >= 1) {
      this.#free -= 1;
      return;
    }
    if (this.#heldUp >= MAX_HELD_UP) return;
    this.#heldUp += 1;
    await sleep(this.#delayMs);
    this.#heldUp -= 1;
  }
}
