/**
 * The right to write below one FTP root: at most one gateway has it.
 *
 * It is an empty directory whose name says who holds it: `lease-<epoch>-<renewals>-<holder>`. Renaming is the only operation on it, and of two renames
 * of one source only one succeeds. The holder renews it by renaming; a standby takes it over by renaming when it has seen it stand still for
 * `staleMs` on its own clock, so that no two clocks are ever compared. A holder that could not renew for `graceMs` stops, before anybody can take over.
 */

import type { Logger } from 'pino';
import { RemoteRefused, RemoteUnavailable, type RemoteTree } from '../ftp/remote-tree';

const NAME = /^lease-(\d{1,15})-(\d{1,15})-([0-9a-f]{16}|free)$/;
const FREE = 'free';

/** A renewal that failed is tried again sooner than the next one is due. */
const RETRIES_PER_RENEWAL = 10;

export interface LeaseTiming {
  /** Milliseconds between renewals, and between the looks of a standby. @default 5,000 */
  readonly renewMs: number;
  /** Milliseconds without a renewal after which the holder stops. @default 20,000 */
  readonly graceMs: number;
  /** Milliseconds of standstill after which a standby takes over; more than `graceMs`. @default 30,000 */
  readonly staleMs: number;
}

export const LEASE_TIMING: LeaseTiming = { renewMs: 5_000, graceMs: 20_000, staleMs: 30_000 };

export interface LeaseOptions {
  readonly tree: RemoteTree;
  /** Directory on the FTP server that the lease lies in; must exist. */
  readonly directory: string;
  /** 16 hex digits. One that the lease names already was a former process of the same gateway, surely dead. */
  readonly holder: string;
  readonly timing: LeaseTiming;
  readonly log: Logger;
  /** Milliseconds, never going back. */
  readonly monotonicMs: () => number;
  /** Ends every wait. */
  readonly signal: AbortSignal;
  /** Told that the lease is about to be renewed for the n-th time. */
  readonly onRenewal?: (renewals: number) => void;
  /** Told that it was renewed: it is held again if it had not been for longer than `graceMs`. */
  readonly onRenewed?: () => void;
}

interface LeaseName {
  readonly epoch: number;
  readonly renewals: number;
  readonly holder: string;
}

export interface Acquired {
  /** Rises with every change of holder. */
  readonly epoch: number;
  /** How the former holder left it: given back in order, or standing still. */
  readonly former: { readonly epoch: number; readonly renewals: number; readonly released: boolean };
}

export class Lease {
  #held: LeaseName | undefined;
  #renewedAt = 0;
  /** Who holds it, when a standby last looked. */
  #other: string | undefined;

  constructor(private readonly options: LeaseOptions) {}

  /** Whether this process may write now. */
  get isHeld(): boolean {
    const { monotonicMs, timing } = this.options;
    return this.#held !== undefined && monotonicMs() - this.#renewedAt < timing.graceMs;
  }

  /** Whether another gateway holds it, when this one last looked. */
  get isHeldByOther(): boolean {
    return this.#held === undefined && this.#other !== undefined;
  }

  /** For people: why it is not held. */
  get reason(): string {
    if (this.#held) return 'the lease on the FTP root could not be renewed';
    return this.#other === undefined
      ? 'the lease on the FTP root is not taken yet'
      : `another gateway (${this.#other}) holds the lease on the FTP root`;
  }

  /** Resolves when it is held; waits for another holder to release it or to stand still. Throws the signal's reason, and what the tree throws. */
  async acquire(): Promise<Acquired> {
    const { holder, timing, monotonicMs, log } = this.options;
    let seen: { name: string; since: number } | undefined;
    for (;;) {
      const current = await this.#look();
      const name = format(current);
      if (seen?.name !== name) seen = { name, since: monotonicMs() };
      const isFree = current.holder === FREE;
      const standsStill = monotonicMs() - seen.since >= timing.staleMs;
      if (isFree || current.holder === holder || standsStill) {
        const startedAt = monotonicMs();
        const next = { epoch: current.epoch + 1, renewals: 0, holder };
        if (await this.#rename(current, next)) {
          this.#held = next;
          this.#other = undefined;
          this.#renewedAt = startedAt;
          if (!isFree)
            log.warn(
              { from: current.holder, epoch: next.epoch },
              'took the lease over from a gateway that went away',
            );
          const { epoch, renewals } = current;
          return { epoch: next.epoch, former: { epoch, renewals, released: isFree } };
        }
        continue;
      }
      if (this.#other === undefined)
        log.info({ holder: current.holder }, 'standing by: another gateway holds the lease');
      this.#other = current.holder;
      await this.pause(timing.renewMs);
    }
  }

  /** Resolves when it is lost to another gateway; renews it until then. Throws the signal's reason. */
  async keep(): Promise<void> {
    const { timing, monotonicMs, log, onRenewal, onRenewed } = this.options;
    /** When a renewal was first asked for that nobody knows the outcome of. */
    let doubtfulSince: number | undefined;
    while (this.#held) {
      const isWell = doubtfulSince === undefined && this.isHeld;
      await this.pause(isWell ? timing.renewMs : timing.renewMs / RETRIES_PER_RENEWAL);
      const startedAt = monotonicMs();
      const next = { ...this.#held, renewals: this.#held.renewals + 1 };
      try {
        onRenewal?.(next.renewals);
        const isRenamed = await this.#rename(this.#held, next);
        if (isRenamed || (doubtfulSince !== undefined && (await this.#isNamed(next)))) {
          this.#held = next;
          this.#renewedAt = isRenamed ? startedAt : (doubtfulSince ?? startedAt);
          doubtfulSince = undefined;
          onRenewed?.();
        } else {
          this.#held = undefined;
        }
      } catch (error) {
        if (!(error instanceof RemoteUnavailable)) throw error;
        doubtfulSince ??= startedAt;
        log.warn({ reason: error.message, held: this.isHeld }, 'the lease could not be renewed');
      }
    }
    log.error('the lease was lost to another gateway');
  }

  /** Gives it back, so that the next holder need not wait. Nothing must be written after this. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held) await this.#rename(held, { ...held, renewals: held.renewals + 1, holder: FREE });
  }

  async pause(ms: number): Promise<void> {
    const { signal } = this.options;
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        if (signal.aborted) reject(signal.reason as Error);
        else resolve();
      }
    });
  }

  /** Whether an earlier attempt, whose outcome is not known, did rename it. */
  async #isNamed(name: LeaseName): Promise<boolean> {
    return format(await this.#look()) === format(name);
  }

  /** The lease as it is named now; made if there is none. */
  async #look(): Promise<LeaseName> {
    const { tree, directory } = this.options;
    for (;;) {
      const listing = await tree.list(directory);
      if (listing.outcome !== 'listed')
        throw new RemoteUnavailable(`the server does not show what ${directory} holds`);
      const leases = listing.entries.flatMap(({ name }) => parse(name) ?? []);
      const newest = leases.sort((a, b) => b.epoch - a.epoch || b.renewals - a.renewals)[0];
      if (newest) return newest;
      // All that find none make the same one, and then compete for it as for any other.
      await tree.makeDir(this.#path({ epoch: 0, renewals: 0, holder: FREE }));
    }
  }

  /** False if somebody else renamed it first. */
  async #rename(from: LeaseName, to: LeaseName): Promise<boolean> {
    const { tree, timing } = this.options;
    try {
      await tree.rename(this.#path(from), this.#path(to), { deadlineMs: timing.graceMs / 2 });
      return true;
    } catch (error) {
      if (error instanceof RemoteRefused) return false;
      throw error;
    }
  }

  #path(name: LeaseName): string {
    return `${this.options.directory}/${format(name)}`;
  }
}

function format({ epoch, renewals, holder }: LeaseName): string {
  return `lease-${epoch}-${renewals}-${holder}`;
}

function parse(name: string): LeaseName | undefined {
  const match = NAME.exec(name);
  return match
    ? { epoch: Number(match[1]), renewals: Number(match[2]), holder: match[3] ?? FREE }
    : undefined;
}
