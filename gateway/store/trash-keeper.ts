/** Looks after the trash in the background: learns what lies there once in each epoch, and then deletes what has rested long enough. One connection at a time. */

import type { Logger } from 'pino';
import type { Catalog } from './catalog';
import { KeyLock } from './concurrency';
import type { Trash } from './trash';

export interface TrashKeeperOptions {
  readonly trash: Trash;
  readonly catalog: Catalog;
  /** Whether the FTP root may be used now. */
  readonly isOpen: () => boolean;
  readonly log: Logger;
}

const INTERVAL_MS = 60_000;
const FIRST_INTERVAL_MS = 1_000;

export class TrashKeeper {
  readonly #stop = new AbortController();
  /** Of those that delete the oldest: a file is counted once. */
  readonly #turns = new KeyLock();
  #running: Promise<void> | undefined;
  #reconciling: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reconciledEpoch = 0;

  constructor(private readonly options: TrashKeeperOptions) {}

  /** Whether all that lies on the FTP server is known in this epoch. */
  get knowsAll(): boolean {
    return this.#reconciledEpoch === this.options.catalog.epoch;
  }

  /** Looks at intervals, and at short ones until it knows what there is. */
  start(): void {
    if (this.#stop.signal.aborted) return;
    const intervalMs = this.knowsAll ? INTERVAL_MS : FIRST_INTERVAL_MS;
    this.#timer = setTimeout(() => void this.look().then(() => this.start()), intervalMs).unref();
  }

  /** Resolves once all that lies on the FTP server is known in this epoch. */
  async learn(): Promise<void> {
    const { trash, catalog } = this.options;
    const { epoch } = catalog;
    if (this.knowsAll) return;
    this.#reconciling ??= trash
      .reconcile(this.#stop.signal)
      .then(() => void (this.#reconciledEpoch = epoch))
      .finally(() => (this.#reconciling = undefined));
    await this.#reconciling;
  }

  /** One look; joins one that is under way. */
  look(): Promise<void> {
    this.#running ??= this.#look().finally(() => (this.#running = undefined));
    return this.#running;
  }

  /** As `Trash.makeRoom`, once it is known what lies there. */
  async makeRoom(bytes: number): Promise<number> {
    await this.learn();
    return this.#turns.hold('', () => this.options.trash.makeRoom(bytes, this.#stop.signal));
  }

  /** Resolves when nothing of it is on its way any more. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    await this.#running;
    await this.#turns.hold('', () => Promise.resolve());
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { trash, isOpen, log } = this.options;
    const { signal } = this.#stop;
    if (signal.aborted || !isOpen()) return;
    try {
      await this.learn();
      await this.#turns.hold('', () => trash.expire(signal));
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: String(error) }, 'the trash is looked after later');
    }
  }
}
