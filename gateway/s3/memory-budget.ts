/** Shares out the memory that request bodies may take: whoever comes first is served first. */

/** 64 MiB. */
const DEFAULT_MEMORY_BUDGET = 64 * 1024 * 1024;

/** Gives back what was taken; a second call does nothing. */
export type Release = () => void;

interface Waiter {
  readonly bytes: number;
  readonly grant: () => void;
}

/** A semaphore over bytes. A large request is not overtaken by small ones, so that it does get its turn. */
export class MemoryBudget {
  readonly #waiters: Waiter[] = [];
  #available: number;

  /** @param capacity Bytes in all. */
  constructor(readonly capacity: number = DEFAULT_MEMORY_BUDGET) {
    this.#available = capacity;
  }

  /** Bytes that nobody has taken. */
  get available(): number {
    return this.#available;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiters.length;
  }

  /**
   * Waits until `bytes` can be had. Rejects with the signal's reason if it is aborted while waiting.
   * Throws `RangeError` for more than the whole budget: that would wait forever.
   */
  async acquire(bytes: number, signal?: AbortSignal): Promise<Release> {
    if (!(bytes >= 0 && bytes <= this.capacity)) {
      throw new RangeError(`cannot take ${bytes} bytes of a budget of ${this.capacity}`);
    }
    signal?.throwIfAborted();
    if (this.#waiters.length > 0 || bytes > this.#available) await this.#wait(bytes, signal);
    else this.#available -= bytes;
    return this.#releaseOnce(bytes);
  }

  #wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        this.#grantWaiting();
        reject(signal?.reason as Error);
      };
      const grant = () => {
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const waiter: Waiter = { bytes, grant };
      this.#waiters.push(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #releaseOnce(bytes: number): Release {
    let taken = bytes;
    return () => {
      this.#available += taken;
      taken = 0;
      this.#grantWaiting();
    };
  }

  #grantWaiting(): void {
    for (let next = this.#waiters[0]; next && next.bytes <= this.#available; next = this.#waiters[0]) {
      this.#waiters.shift();
      this.#available -= next.bytes;
      next.grant();
    }
  }
}
