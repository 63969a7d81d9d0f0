/**
 * A second FTP server that holds what the first one holds. The first decides what is answered; changes are carried over in the background, in their order, from a
 * queue that no crash loses, and both are compared when that may not be enough. Reads go on from the mirror where the first cannot give the bytes.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { parseKey } from '../backupstore/layout';
import { RemoteFull, RemoteUnavailable } from '../ftp/remote-tree';
import { messageOf } from './catalog-error';
import { forEachLimited, SharedTask } from './concurrency';
import { giveWay } from './courtesy';
import type { FtpRoot } from './ftp-root';
import { MirrorComparison, type ComparisonProgress } from './mirror-comparison';
import { DamagedSourceError } from './copy-file';
import { isPassing, MirrorCopier, type MirrorCopierOptions } from './mirror-copier';
import type { MirrorQueue, PendingChange } from './mirror-queue';
import { ForeignMirrorError, MirrorRoot } from './mirror-root';
import { MirrorState } from './mirror-state';
import type { ObjectRecord } from './object-record';
import type { ObjectRef } from './object-store';

/** Pauses after a pass that left something undone, in milliseconds; each is twice the one before. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
/** Between looks for something to do, in milliseconds, where nobody tells. */
const IDLE_MS = 5_000;
/** How long a new holder of the lease waits for the mirror before it serves without, in milliseconds. */
const BEGIN_MS = 5_000;
const LAG_LOOK_MS = 15_000;
const DAY_MS = 24 * 3600 * 1000;
const PAGE = 256;

export interface MirrorOptions extends Omit<MirrorCopierOptions, 'temporaryPath'> {
  readonly queue: MirrorQueue;
  readonly root: FtpRoot;
  /** Changes carried over at a time. */
  readonly concurrency: number;
  /** Age of a change that is still to be carried over above which somebody is told, in milliseconds. */
  readonly maxLagMs: number;
  /** Milliseconds from one comparison of everything to the next. @default 24 hours */
  readonly intervalMs?: number;
  /** Told that the first location's file is not what was stored. */
  readonly onDamage: (ref: ObjectRef, error: DamagedSourceError) => Promise<void>;
  readonly log: Logger;
  readonly now: () => number;
  /** Pause after the first failure, in milliseconds. @default 1,000 */
  readonly firstPauseMs?: number;
  /** Between looks for something to do, in milliseconds. @default 5,000 */
  readonly idleMs?: number;
}

export interface MirrorStats {
  /** `current`: nothing is to be carried over. `refused`: it is not ours, and nothing is written there. */
  readonly state: 'current' | 'catching-up' | 'unreachable' | 'refused';
  /** For people: why it is not reached, or refused. */
  readonly reason?: string;
  /** Everything was compared since the queue may have lost something. */
  readonly complete: boolean;
  /** Changes to carry over. */
  readonly pending: number;
  /** Stored bytes of them, about. */
  readonly pendingBytes: number;
  /** Age of the oldest of them, in milliseconds. */
  readonly lagMs: number;
  readonly maxLagMs: number;
  /** Since the start. */
  readonly copied: number;
  readonly copiedBytes: number;
  readonly deleted: number;
  readonly failed: number;
  /** Files on the mirror that the first location does not have. */
  readonly extras: number;
  readonly comparison: ComparisonProgress & {
    readonly running: boolean;
    /** When the last one ended, in milliseconds since the epoch. */
    readonly endedAt?: number;
  };
}

type Task = 'carry' | 'compare';
/** `undone`: it had better wait before it goes on. */
type Outcome = 'idle' | 'more' | 'undone';

export class Mirror {
  readonly #stop = new AbortController();
  readonly #opening = new SharedTask<void>();
  readonly #root: MirrorRoot;
  readonly #copier: MirrorCopier;
  readonly #comparison: MirrorComparison;
  readonly #state: MirrorState;
  #running: Promise<unknown> | undefined;
  #lagTimer: NodeJS.Timeout | undefined;
  #taken: { readonly epoch: number; readonly id: string } | undefined;
  readonly #troubles = new Map<Task, unknown>();
  #failed = 0;
  #isLate = false;
  #isComparing = false;
  #isComparisonWanted = false;
  #areMarksDue = false;
  readonly #wakes = new Map<Task, () => void>();

  constructor(private readonly options: MirrorOptions) {
    const { catalog, queue } = options;
    this.#root = new MirrorRoot(options);
    this.#copier = new MirrorCopier({ ...options, temporaryPath: () => this.#root.temporaryPath() });
    const removeUpload = (upload: string): Promise<void> => this.#copier.removeUpload(upload);
    this.#comparison = new MirrorComparison({ ...options, removeUpload });
    this.#state = new MirrorState(catalog);
    queue.onChange = () => this.#wakes.get('carry')?.();
  }

  get stats(): MirrorStats {
    const { queue, maxLagMs } = this.options;
    const { comparedAt } = this.#state;
    const [trouble] = this.#troubles.values();
    return {
      state: this.#stateNow(),
      ...(trouble !== undefined && { reason: messageOf(trouble) }),
      complete: comparedAt !== undefined,
      pending: queue.count,
      pendingBytes: queue.bytes,
      lagMs: this.#lagMs,
      maxLagMs,
      ...this.#copier.stats,
      failed: this.#failed,
      extras: this.#comparison.extras,
      comparison: {
        ...this.#comparison.progress,
        running: this.#isComparing,
        ...(comparedAt !== undefined && { endedAt: comparedAt }),
      },
    };
  }

  /** Why files on the mirror may still need a key that none on the first location does. */
  get objection(): string | undefined {
    const isSame = this.#stateNow() === 'current' && this.#comparison.extras === 0;
    return isSame
      ? undefined
      : 'the mirror is not the same as the first server: see `longhaul mirror status`';
  }

  /** What every holder of the lease does first: whoever held it before can change nothing on the mirror from now on, if that answers. */
  async begin(epoch: number, id: string): Promise<void> {
    this.options.queue.recount();
    this.#root.doubt();
    this.#taken = { epoch, id };
    await this.#state.begin(epoch);
    const { signal } = this.#stop;
    const opened = this.#open().catch((error: unknown) => this.#tell('carry', error));
    await Promise.race([opened, sleep(BEGIN_MS, undefined, { signal, ref: false }).catch(() => undefined)]);
  }

  start(): void {
    this.#lagTimer ??= setInterval(() => this.#watchLag(), LAG_LOOK_MS).unref();
    this.#running ??= Promise.all([
      this.#repeat('carry', () => this.#carryAll()),
      this.#repeat('compare', () => this.#compareIfDue()),
    ]);
  }

  /** Resolves when nothing of it is on its way any more: soon once the mirror's tree is closed. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    clearInterval(this.#lagTimer);
    for (const wake of this.#wakes.values()) wake();
    await this.#running;
  }

  /** Compares everything now. */
  compareSoon(): void {
    this.#isComparisonWanted = true;
    this.#wakes.get('compare')?.();
  }

  /** Whether the mirror has this very version of an object, whole as far as its size tells, and may be read from. */
  async has(ref: ObjectRef, record: ObjectRecord): Promise<boolean> {
    if (!this.#root.isOpen) return false;
    // A plain file of the right size may be of an older version.
    if (!record.header && (this.#state.comparedAt === undefined || this.options.queue.isPending(ref)))
      return false;
    return this.#copier.has(ref, record);
  }

  /** Whether no other gateway has taken the mirror since this one did: then none has taken the first location either, unless it could not reach the mirror. */
  isOurs(): Promise<boolean> {
    return this.#root.isOurs();
  }

  #stateNow(): MirrorStats['state'] {
    const troubles = [...this.#troubles.values()];
    if (troubles.some((trouble) => trouble instanceof ForeignMirrorError)) return 'refused';
    if (!this.#root.isOpen || troubles.length > 0) return 'unreachable';
    const isCurrent = this.#state.comparedAt !== undefined && this.options.queue.count === 0;
    return isCurrent ? 'current' : 'catching-up';
  }

  get #lagMs(): number {
    const { queue, now } = this.options;
    const since = queue.oldestSince;
    return since === undefined ? 0 : Math.max(0, now() - since);
  }

  /** Again and again until it is closed; with growing pauses while it leaves something undone. */
  async #repeat(name: Task, task: () => Promise<Outcome>): Promise<void> {
    const { root, firstPauseMs = FIRST_PAUSE_MS } = this.options;
    let pauseMs = firstPauseMs;
    while (!this.#stop.signal.aborted) {
      let outcome: Outcome = 'undone';
      try {
        await root.open();
        await this.#open();
        outcome = await task();
        this.#troubles.delete(name);
      } catch (error) {
        if (root.isOpen && !this.#stop.signal.aborted) this.#tell(name, error);
      }
      if (outcome === 'idle') await this.#idle(name);
      else if (outcome === 'undone') await this.#pause(pauseMs);
      pauseMs = outcome === 'undone' ? Math.min(2 * pauseMs, LONGEST_PAUSE_MS) : firstPauseMs;
    }
  }

  #open(): Promise<void> {
    const { epoch, id } = this.#taken ?? { epoch: 0, id: '' };
    return this.#opening.run('', () => this.#root.open(epoch, id, () => this.#state.forget()));
  }

  #tell(task: Task, error: unknown): void {
    const isNew = messageOf(error) !== messageOf(this.#troubles.get(task));
    this.#troubles.set(task, error);
    const level = !isNew ? 'debug' : error instanceof ForeignMirrorError ? 'error' : 'warn';
    this.options.log[level]({ reason: messageOf(error) }, 'the mirror is not brought up to date now');
  }

  async #carryAll(): Promise<Outcome> {
    const { queue, concurrency } = this.options;
    const { last } = queue;
    let undone = 0;
    for (let page = queue.page(PAGE, last); page.length > 0; page = queue.page(PAGE, last)) {
      await forEachLimited(together(page), concurrency, async (change) => {
        if (!(await this.#carry(change))) undone += 1;
      });
    }
    if (this.#areMarksDue && this.objection === undefined) {
      await this.#root.removeKeyMarks();
      this.#areMarksDue = false;
    }
    if (undone > 0) return 'undone';
    return queue.count > 0 ? 'more' : 'idle';
  }

  /** Throws what concerns the mirror as a whole; what concerns one object has that one put last. */
  async #carry(change: PendingChange): Promise<boolean> {
    const { queue, first, root, onDamage, log } = this.options;
    const { signal } = this.#stop;
    signal.throwIfAborted();
    if (!root.isOpen) throw new RemoteUnavailable(root.reason);
    await giveWay(first.tree, signal);
    try {
      await this.#copier.carry(change);
      await queue.done(change);
      return true;
    } catch (error) {
      if (error instanceof RemoteUnavailable || error instanceof RemoteFull) throw error;
      if (error instanceof DamagedSourceError) await onDamage(change, error);
      else if (!isPassing(error)) {
        this.#failed += 1;
        log.warn({ object: `${change.bucket}/${change.key}`, reason: messageOf(error) }, 'not mirrored yet');
        // The mirror may have been replaced.
        this.#root.doubt();
      }
      await queue.postpone(change);
      return false;
    }
  }

  async #compareIfDue(): Promise<Outcome> {
    const { now, intervalMs = DAY_MS, log } = this.options;
    const { comparedAt } = this.#state;
    const isDeep = comparedAt === undefined;
    const isDue = isDeep || this.#isComparisonWanted || now() - comparedAt >= intervalMs;
    if (!isDue) return 'idle';
    this.#isComparisonWanted = false;
    this.#isComparing = true;
    try {
      const mark = this.#state.mark();
      await this.#comparison.run(isDeep, this.#stop.signal);
      await this.#state.compared(mark, now());
      this.#areMarksDue = true;
      const { extras } = this.#comparison;
      log.info({ extras, pending: this.options.queue.count }, 'both locations are compared');
      if (extras > 0)
        log.warn({ extras }, 'the mirror holds files that the first location does not have; they stay there');
    } catch (error) {
      this.#isComparisonWanted ||= !isDeep;
      throw error;
    } finally {
      this.#isComparing = false;
    }
    return 'idle';
  }

  #watchLag(): void {
    const { maxLagMs, log, queue } = this.options;
    const isLate = this.#lagMs > maxLagMs;
    if (isLate && !this.#isLate)
      log.warn(
        { lagSeconds: Math.round(this.#lagMs / 1000), pending: queue.count },
        'the mirror lags behind',
      );
    if (!isLate && this.#isLate) log.info('the mirror has caught up');
    this.#isLate = isLate;
  }

  /** Until there is something to carry over, or for a while. */
  async #idle(task: Task): Promise<void> {
    if (this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.options.idleMs ?? IDLE_MS);
      this.#wakes.set(task, () => (clearTimeout(timer), resolve()));
    });
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }
}

/**
 * The first changes that may be carried over at a time: documents of backups go alone, since what they name has to be there before them, and what they named
 * goes only after them.
 */
function together(page: readonly PendingChange[]): readonly PendingChange[] {
  const end = page.findIndex(({ key }) => isDocument(key));
  return page.slice(0, end === -1 ? page.length : Math.max(end, 1));
}

function isDocument(key: string): boolean {
  const kind = parseKey(key)?.kind;
  return kind === 'backup-config' || kind === 'volume-config' || kind === 'system-backup';
}
