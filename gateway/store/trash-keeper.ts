/** Looks after the trash in the background: learns what lies there once in each epoch, and then deletes what has rested long enough. One connection at a time. */

import type { Logger } from 'pino';
import type { Catalog } from './catalog';
import type { Trash } from './trash';

export interface TrashKeeperOptions {
  readonly trash: Trash;
  readonly catalog: Catalog;
  /** Whether the FTP root may be used now. */
  readonly isOpen: () => boolean;
  readonly log: Logger;
  /** Milliseconds from one look to the next. @default 60,000 */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 60_000;

export class TrashKeeper {
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reconciledEpoch = 0;

  constructor(private readonly options: TrashKeeperOptions) {}

  start(): void {
    const { intervalMs = INTERVAL_MS } = this.options;
    this.#timer = setInterval(() => void this.look(), intervalMs).unref();
  }

  /** One look; joins one that is under way. */
  look(): Promise<void> {
    this.#running ??= this.#look().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** Resolves when nothing of it is on its way any more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort(new Error('the gateway stops'));
    await this.#running;
  }

  async #look(): Promise<void> {
    const { trash, catalog, isOpen, log } = this.options;
    const { signal } = this.#stop;
    const { epoch } = catalog;
    if (signal.aborted || !isOpen()) return;
    try {
      if (this.#reconciledEpoch !== epoch) await trash.reconcile(signal);
      this.#reconciledEpoch = epoch;
      await trash.expire(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: String(error) }, 'the trash is looked after later');
    }
  }
}
