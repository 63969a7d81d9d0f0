/** Holds several readers together below a number of bytes a second. */

import { setTimeout as sleep } from 'node:timers/promises';

export class RateLimit {
  #freeAt = 0;

  constructor(
    private readonly bytesPerSecond: number,
    private readonly now: () => number = () => performance.now(),
    private readonly wait: (ms: number) => Promise<unknown> = sleep,
  ) {}

  /** Resolves when that many bytes more are within the limit. */
  async take(bytes: number): Promise<void> {
    const start = Math.max(this.now(), this.#freeAt);
    this.#freeAt = start + (bytes / this.bytesPerSecond) * 1000;
    const waitMs = start - this.now();
    if (waitMs > 0) await this.wait(waitMs);
  }
}
