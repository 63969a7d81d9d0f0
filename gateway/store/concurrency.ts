/** Mutual exclusion by name, first come, first served. */

export class KeyLock {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #tasks = new Map<string, number>();

  /** Whether somebody waits for whoever holds it. */
  isAwaited(name: string): boolean {
    return (this.#tasks.get(name) ?? 0) > 1;
  }

  /** Whether a task of this name is running or waiting. */
  isHeld(name: string): boolean {
    return this.#tasks.has(name);
  }

  /** Runs `task` when all earlier tasks of the same name have ended. */
  async hold<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const run = before.then(task);
    const tail = run.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(name, tail);
    this.#tasks.set(name, (this.#tasks.get(name) ?? 0) + 1);
    try {
      return await run;
    } finally {
      const left = (this.#tasks.get(name) ?? 1) - 1;
      if (left > 0) this.#tasks.set(name, left);
      else this.#tasks.delete(name);
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }
}

/** Runs the task once for all callers that ask for the same name while it runs. */
export class SharedTask<T> {
  readonly #running = new Map<string, Promise<T>>();

  run(name: string, task: () => Promise<T>): Promise<T> {
    const running = this.#running.get(name);
    if (running) return running;
    const started = task().finally(() => this.#running.delete(name));
    this.#running.set(name, started);
    return started;
  }
}

/** Lets a number of tasks run at a time, whoever asks for them. */
export class Limiter {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    /** How many may run now; asked whenever one might start. At least one always may. */
    private readonly capacity: () => number,
  ) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      this.#running -= 1;
      while (this.#waiting.length > 0 && !this.#isFull) {
        this.#running += 1;
        this.#waiting.shift()?.();
      }
    }
  }

  get #isFull(): boolean {
    return this.#running > 0 && this.#running >= this.capacity();
  }
}

/** Runs `task` on every item, at most `limit` at a time. Stops at the first failure and throws it. */
export async function forEachLimited<T>(
  items: Iterable<T>,
  limit: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); !next.done && failures.length === 0; next = iterator.next()) {
      try {
        await task(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: limit }, worker));
  if (failures.length > 0) throw failures[0];
}
