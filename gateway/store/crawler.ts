/**
 * Goes through all directories in the background: proves what nobody asked for yet, and from time to time looks again at what is proved, for what was
 * changed behind the gateway. Takes what connections are left over, and nearly nothing while somebody waits for one.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { RemoteTree } from '../ftp/remote-tree';
import type { Catalog } from './catalog';
import { CatalogDamagedError, messageOf } from './catalog-error';
import { Limiter } from './concurrency';
import type { Directories } from './directories';
import type { Directory } from './directory';

export interface CrawlerOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly directories: Directories;
  /** Resolves while the FTP root may be used; throws while not. */
  readonly open: () => Promise<void>;
  readonly log: Logger;
  /** Told that the catalog holds what was never written. */
  readonly onDamage: (error: CatalogDamagedError) => void;
  /** Milliseconds, never going back. */
  readonly monotonicMs: () => number;
  /** Milliseconds from the end of a look at everything to the start of the next. @default 24 hours */
  readonly intervalMs?: number;
  /** Milliseconds between looks for something to do, and after a failure. @default 5,000 */
  readonly pauseMs?: number;
}

export interface CrawlProgress {
  /** `proving`: directories that nobody has looked at yet in this epoch; `checking`: all of them, again. */
  readonly state: 'idle' | 'proving' | 'checking';
  /** Directories done in this pass. */
  readonly done: number;
  /** Directories to do in this pass, as far as they are known: while much is unknown, it grows. */
  readonly total: number;
  /** Milliseconds to the end of the pass at the rate so far; absent while that cannot be told. */
  readonly remainingMs?: number;
  /** Directories that failed in the last pass, and are tried again. */
  readonly failed: number;
  /** Passes over everything that ended, with or without a failure. */
  readonly checks: number;
  /** Milliseconds since the last of those ended; absent if there was none. */
  readonly checkedMsAgo?: number;
}

const DAY_MS = 24 * 3600 * 1000;
/** Directories that are looked at in turn; what they ask of the server is bounded by the share. */
const WORKERS = 32;
/** Milliseconds after which a pass lets others have their turn: going by what is proved already asks nothing of the server, and never waits. */
const TURN_MS = 5;

export class Crawler {
  readonly #limiter: Limiter;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #state: CrawlProgress['state'] = 'idle';
  #startedAt = 0;
  #done = 0;
  #failed = 0;
  #checks = 0;
  #checkedAt: number;
  #checkedGeneration: number | undefined;
  #isCheckWanted = false;
  #wake: () => void = () => undefined;

  constructor(private readonly options: CrawlerOptions) {
    this.#limiter = new Limiter(() => this.#share());
    this.#checkedAt = options.monotonicMs();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when nothing of it is on its way any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#running;
  }

  /** Looks at everything again as soon as the pass at hand is over. */
  checkSoon(): void {
    this.#isCheckWanted = true;
    this.#wake();
  }

  /** Looks for something to do now. */
  wake(): void {
    this.#wake();
  }

  get progress(): CrawlProgress {
    const { directories, proved } = this.options.catalog.counts;
    const left = this.#state === 'proving' ? directories - proved : directories - this.#done;
    const elapsedMs = this.options.monotonicMs() - this.#startedAt;
    const isTold = this.#state !== 'idle' && this.#done > 0;
    return {
      state: this.#state,
      done: this.#done,
      total: this.#state === 'idle' ? this.#done : this.#done + Math.max(left, 0),
      ...(isTold && { remainingMs: Math.round((elapsedMs / this.#done) * Math.max(left, 0)) }),
      failed: this.#failed,
      checks: this.#checks,
      ...(this.#checks > 0 && { checkedMsAgo: Math.round(this.options.monotonicMs() - this.#checkedAt) }),
    };
  }

  /** One connection is left for whoever comes; while somebody waits for one, the crawl keeps no more than one itself. */
  #share(): number {
    const { limit, waiting } = this.options.tree.stats().connections;
    return waiting > 0 ? 1 : Math.max(1, limit - 1);
  }

  async #run(): Promise<void> {
    const { open, catalog, log, monotonicMs, onDamage, intervalMs = DAY_MS } = this.options;
    while (!this.#stop.signal.aborted) {
      try {
        await open();
        const isDue = this.#isCheckWanted || monotonicMs() - this.#checkedAt >= intervalMs;
        let isGoingOn = false;
        if (!catalog.isProvedWhole) isGoingOn = await this.#pass('proving');
        else if (isDue) isGoingOn = await this.#pass('checking');
        if (!isGoingOn) await this.#pause();
      } catch (error) {
        if (error instanceof CatalogDamagedError) onDamage(error);
        log.debug({ reason: String(error) }, 'the crawl waits');
        await this.#pause();
      }
    }
  }

  /** False if the next one had better wait: directories failed, or there was none to do, since one that is new is on its way to the catalog still. */
  async #pass(state: 'proving' | 'checking'): Promise<boolean> {
    const { catalog, monotonicMs, log } = this.options;
    const { generation } = catalog;
    const isWanted = this.#isCheckWanted;
    if (state === 'checking') this.#isCheckWanted = false;
    this.#state = state;
    this.#startedAt = monotonicMs();
    [this.#done, this.#failed] = [0, 0];
    try {
      await this.#visitAll(generation);
      const isGoingOn = this.#done > 0 && this.#failed === 0;
      if (this.#stop.signal.aborted) return false;
      if (generation !== catalog.generation) {
        this.#isCheckWanted ||= isWanted;
        return isGoingOn;
      }
      const seconds = Math.round((monotonicMs() - this.#startedAt) / 1000);
      log.info(
        { directories: this.#done, failed: this.#failed, seconds },
        `${state} every directory is done`,
      );
      // Only what was new since the last pass was proved, unless it is the first of this generation.
      const isCheck =
        state === 'checking' || (generation !== this.#checkedGeneration && !this.#isCheckWanted);
      if (!isCheck) return isGoingOn;
      this.#checkedAt = monotonicMs();
      this.#checkedGeneration = generation;
      this.#checks += 1;
      return isGoingOn;
    } finally {
      this.#state = 'idle';
    }
  }

  /** From the buckets down, several directories at a time; each before what lies in it. Ends early when all proofs become void. */
  async #visitAll(generation: number): Promise<void> {
    const { catalog, monotonicMs } = this.options;
    const stack = catalog.buckets().flatMap(({ name }) => catalog.root(name) ?? []);
    let [visiting, wake] = [0, (): void => undefined];
    let turnStartedAt = monotonicMs();
    const isTurnOver = (): boolean => monotonicMs() - turnStartedAt >= TURN_MS;
    const giveTurn = async (): Promise<void> => {
      await nextTurn();
      turnStartedAt = monotonicMs();
    };
    const isOver = (): boolean => this.#stop.signal.aborted || generation !== catalog.generation;
    const worker = async (): Promise<void> => {
      while (!isOver()) {
        const directory = stack.pop();
        if (!directory) {
          if (visiting === 0) break;
          await new Promise<void>((resolve) => {
            const before = wake;
            wake = () => (before(), resolve());
          });
          continue;
        }
        visiting += 1;
        if (await this.#visit(directory)) {
          for (const child of catalog.children(directory)) {
            if (child.kind === 'directory') stack.push(child.directory);
            if (isTurnOver()) await giveTurn();
          }
        }
        if (isTurnOver()) await giveTurn();
        visiting -= 1;
        wake();
        wake = () => undefined;
      }
      wake();
    };
    await Promise.all(Array.from({ length: WORKERS }, worker));
  }

  /** False if it could not be proved. Throws `CatalogDamagedError`. */
  async #visit(directory: Directory): Promise<boolean> {
    const { catalog, directories, log } = this.options;
    const isProved = catalog.isProved(directory);
    if (isProved && this.#state === 'proving') return true;
    try {
      if (isProved) await directories.check(directory, this.#limiter);
      else await directories.prove(directory, this.#limiter);
      this.#done += 1;
      return catalog.isProved(directory);
    } catch (error) {
      if (error instanceof CatalogDamagedError) throw error;
      this.#failed += 1;
      const reason = messageOf(error instanceof S3Error ? (error.cause ?? error) : error);
      log.warn(
        { bucket: directory.bucket, directory: directory.segments.join('/'), reason },
        'a directory cannot be looked at now',
      );
      return false;
    }
  }

  async #pause(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.options.pauseMs ?? 5_000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
