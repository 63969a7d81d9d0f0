/** A bounded pool of FTP sessions, each leased to one caller at a time. */
import { Circuit } from './circuit';
import { LeaseQueue, type LeasePurpose, type Waiter } from './lease-queue';
import { FtpConnectionError, FtpReplyError } from './reply';
import type { FtpSession } from './session';
import { withResolvers } from './with-resolvers';

export interface SessionPoolOptions {
  /** Connects and logs in. */
  readonly open: () => Promise<FtpSession>;
  /** Sessions at once. FTP accounts commonly allow 3 to 10. @default 4 */
  readonly maxSessions?: number;
  /** Milliseconds after which a free session is closed. @default 300,000 */
  readonly idleTimeoutMs?: number;
  /** Milliseconds after which a free session is kept alive by NOOP; servers drop it after 60 s and more. @default 25,000 */
  readonly keepAliveMs?: number;
  /** Milliseconds for which a free session stays prepared for a transfer that does not come. @default 10,000 */
  readonly preparedMs?: number;
  /** Milliseconds of idleness after which a session must answer NOOP before it is leased. @default 10,000 */
  readonly checkAfterMs?: number;
  /** Milliseconds without a login turned away after which the pool allows itself one session more again. @default 60,000 */
  readonly growAfterMs?: number;
  /** Milliseconds to fail at once after the server denied the first login, so that it does not lock the account. @default 30,000 */
  readonly deniedPauseMs?: number;
  /** Milliseconds since some start, never going back. @default that of the process */
  readonly now?: () => number;
}

export interface SessionPoolStats {
  readonly busy: number;
  readonly idle: number;
  readonly waiting: number;
  readonly limit: number;
  readonly opened: number;
  readonly broken: number;
  readonly failedLogins: number;
}

/** A session could not be opened; `cause` tells why. Worth another try later. */
export class LoginFailedError extends Error {
  override readonly name = 'LoginFailedError';
}

/**
 * The very first login was denied, or the server cannot do what the account asks, or its certificate is not trusted: what is
 * configured is wrong, most likely. A server full of other clients' connections may look the same (530 on proftpd).
 */
export class LoginDeniedError extends Error {
  override readonly name = 'LoginDeniedError';
}

/** All sessions were in use for too long. */
export class LeaseTimeoutError extends Error {
  override readonly name = 'LeaseTimeoutError';
}

/** The pool was closed. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError';
}

/** The right to use a session until it is given back; to be given back exactly once, usable or not. */
export interface Lease {
  readonly session: FtpSession;
  release(): void;
}

interface IdleSession {
  readonly session: FtpSession;
  readonly since: number;
  /** When the server last answered it. */
  readonly heardAt: number;
}

const COMMAND: LeasePurpose = { kind: 'command' };

/** How well a session fits by whether it has a data connection, or even an upload that has begun, or makes one just now; up to 0, nothing has to be waited for. */
const FITS = {
  upload: { begun: -1, prepared: 0, bare: 1, busy: 2 },
  download: { prepared: 0, bare: 1, busy: 2, begun: 3 },
  listing: { prepared: 0, bare: 1, busy: 2, begun: 3 },
  command: { bare: 0, prepared: 1, busy: 2, begun: 3 },
} as const;

/**
 * Grows as callers wait or find no session that is ready, and closes sessions that stay free. Of the last two sessions that it may have, a
 * large transfer leaves one to others.
 *
 * A server that allows fewer connections than configured turns logins away (421, or 530 on proftpd). While other
 * sessions are open, that makes the pool smaller instead of failing the caller, who waits on; with time it grows again.
 */
export class SessionPool {
  private readonly open: () => Promise<FtpSession>;
  private readonly maxSessions: number;
  private readonly idleTimeoutMs: number;
  private readonly keepAliveMs: number;
  private readonly preparedMs: number;
  private readonly checkAfterMs: number;
  private readonly growAfterMs: number;
  private readonly deniedPauseMs: number;
  private readonly now: () => number;

  private readonly idle: IdleSession[] = [];
  private readonly leased = new Map<FtpSession, LeasePurpose>();
  private readonly waiting = new LeaseQueue();
  private readonly circuit: Circuit;
  private opening = 0;
  private limit: number;
  private limitChangedAt: number;
  private everLoggedIn = false;
  private denied: { readonly error: LoginDeniedError; readonly until: number } | undefined;
  private closed = false;
  private drained: (() => void) | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private opened = 0;
  private broken = 0;
  private failedLogins = 0;

  constructor(options: SessionPoolOptions) {
    this.open = options.open;
    this.maxSessions = options.maxSessions ?? 4;
    this.idleTimeoutMs = options.idleTimeoutMs ?? 300_000;
    this.keepAliveMs = options.keepAliveMs ?? 25_000;
    this.preparedMs = options.preparedMs ?? 10_000;
    this.checkAfterMs = options.checkAfterMs ?? 10_000;
    this.growAfterMs = options.growAfterMs ?? 60_000;
    this.deniedPauseMs = options.deniedPauseMs ?? 30_000;
    this.now = options.now ?? (() => performance.now());
    this.circuit = new Circuit(this.now);
    this.limit = this.maxSessions;
    this.limitChangedAt = this.now();
  }

  /**
   * Waits for a session, for at most `timeoutMs`. Throws the signal's reason, `LeaseTimeoutError`, `LoginDeniedError`,
   * `PoolClosedError`, or what a failed login threw.
   */
  async lease(timeoutMs: number, signal?: AbortSignal, purpose = COMMAND): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.closed) throw new PoolClosedError('the pool is closed');
    const { promise, resolve, reject } = withResolvers<Lease>();
    const waiter: Waiter = { purpose, resolve, reject };
    const giveUp = (reason: unknown) => {
      this.waiting.remove(waiter);
      reject(reason);
    };
    const onAbort = () => giveUp(signal?.reason);
    const timer = setTimeout(
      () => giveUp(new LeaseTimeoutError(`no connection within ${timeoutMs} ms`)),
      timeoutMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    this.waiting.push(waiter);
    this.serve();
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** A session for a command, if one is free right now that nothing else would be better for. */
  leaseIfFree(): Lease | undefined {
    if (this.closed || this.waiting.length > 0) return undefined;
    const free = this.idle.find(
      (each) => each.session.usable && ['bare', 'prepared'].includes(readiness(each)) && this.isFresh(each),
    );
    if (!free) {
      this.openSpare(0);
      return undefined;
    }
    this.removeIdle(free);
    return this.leaseOf(free.session, COMMAND);
  }

  stats(): SessionPoolStats {
    return {
      busy: this.leased.size,
      idle: this.idle.length,
      waiting: this.waiting.length,
      limit: this.limit,
      opened: this.opened,
      broken: this.broken,
      failedLogins: this.failedLogins,
    };
  }

  /** Turns waiters away, lets leases come back for up to `graceMs`, then drops every connection. */
  async close(graceMs = 5_000): Promise<void> {
    this.closed = true;
    for (const waiter of this.waiting.drain()) waiter.reject(new PoolClosedError('the pool is closed'));
    clearTimeout(this.idleTimer);
    for (const { session } of this.idle.splice(0)) session.close();
    if (this.leased.size + this.opening > 0) await this.untilDrained(graceMs);
    for (const session of this.leased.keys()) session.close();
  }

  private async untilDrained(graceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.drained = resolve;
      timer = setTimeout(resolve, graceMs);
    });
    clearTimeout(timer);
  }

  /** Gives waiters what there is, and opens what is allowed for the rest. */
  private serve(): void {
    this.growAgain();
    for (let next = this.nextWaiter(); next; next = this.nextWaiter()) {
      const free = this.takeIdle(next.purpose);
      if (!free) break;
      if (this.isFresh(free)) this.handOver(free.session);
      else if (this.waiting.length > this.opening) this.check(free);
      else {
        this.idle.push(free);
        break;
      }
    }
    while (this.waiting.length > this.opening && this.total() < this.limit) void this.openAnother();
  }

  private isFresh({ heardAt }: IdleSession): boolean {
    return this.now() - heardAt < this.checkAfterMs;
  }

  private nextWaiter(): Waiter | undefined {
    let large = 0;
    for (const { isLarge = false } of this.leased.values()) if (isLarge) large += 1;
    const mayBeLarge = large < Math.max(1, this.limit - 1);
    return this.waiting.peek(({ isLarge = false }) => mayBeLarge || !isLarge);
  }

  private total(): number {
    return this.idle.length + this.leased.size + this.opening;
  }

  /**
   * The free session that fits best, and of those the freshest, so that surplus ones grow old and are closed. If it does not fit well, there will
   * be one more.
   */
  private takeIdle({ kind, isLarge = false }: LeasePurpose): IdleSession | undefined {
    const fits = FITS[kind === 'upload' && isLarge ? 'download' : kind];
    let best: IdleSession | undefined;
    for (const free of [...this.idle]) {
      if (!free.session.usable) {
        this.removeIdle(free);
        this.broken += 1;
      } else if (!best || fits[readiness(free)] <= fits[readiness(best)]) best = free;
    }
    if (!best) return undefined;
    this.removeIdle(best);
    const state = readiness(best);
    if (fits[state] > 0 && (kind !== 'command' || state === 'begun')) this.openSpare(1);
    return best;
  }

  private removeIdle(free: IdleSession): void {
    this.idle.splice(this.idle.indexOf(free), 1);
  }

  /** @param taken sessions that are neither free nor leased at the moment */
  private openSpare(taken: number): void {
    if (this.opening === 0 && this.total() + taken < this.limit && !this.circuit.isDoubtful)
      void this.openAnother();
  }

  /** Leases a session if it still answers; meanwhile it counts as one being opened. */
  private check(free: IdleSession): void {
    void this.tend(free, (session) => session.noop());
  }

  /** Does something with a free session, which meanwhile counts as one being opened. */
  private async tend(
    { session, since }: IdleSession,
    work: (session: FtpSession) => Promise<void>,
  ): Promise<void> {
    this.opening += 1;
    try {
      await work(session);
      this.opening -= 1;
      this.handOver(session, since);
    } catch {
      this.opening -= 1;
      this.broken += 1;
      session.close();
      this.settleClose();
      this.serve();
    }
  }

  private handOver(session: FtpSession, since?: number): void {
    const waiter = this.closed ? undefined : this.nextWaiter();
    if (!waiter) return this.putAway(session, since);
    this.waiting.take(waiter);
    waiter.resolve(this.leaseOf(session, waiter.purpose));
  }

  private leaseOf(session: FtpSession, purpose: LeasePurpose): Lease {
    const { kind } = purpose;
    this.leased.set(session, purpose);
    let returned = false;
    return {
      session,
      release: () => {
        if (returned) return;
        returned = true;
        this.leased.delete(session);
        if (!session.usable) this.broken += 1;
        this.putAway(session);
        if (kind !== 'command') session.prepare(kind === 'upload' && this.mayBegin);
        this.serve();
      },
    };
  }

  /** Whether an upload may begin on a session that is free: one is left for commands, which would have to end that first. */
  private get mayBegin(): boolean {
    const begun = this.idle.filter(({ session }) => session.hasBegun).length;
    return this.leased.size + begun + 1 < this.limit;
  }

  private putAway(session: FtpSession, since = this.now()): void {
    if (this.closed || !session.usable || this.total() >= this.limit) session.close();
    else {
      this.idle.push({ session, since, heardAt: this.now() });
      this.idleTimer ??= this.tendLater();
    }
    this.settleClose();
  }

  /** Closes free sessions that have grown old, keeps the others alive, and does not let the server wait for a transfer for long. */
  private tendLater(): NodeJS.Timeout {
    const everyMs = Math.min(this.idleTimeoutMs, this.keepAliveMs, this.preparedMs) / 2;
    return setTimeout(() => {
      this.idleTimer = undefined;
      for (const free of [...this.idle]) {
        const { session, since, heardAt } = free;
        const isOld = this.now() - since >= this.idleTimeoutMs;
        const isStale = this.now() - since >= this.preparedMs && session.isPrepared !== false;
        const isSilent = this.now() - heardAt >= this.keepAliveMs;
        if (!isOld && !isStale && !isSilent) continue;
        this.removeIdle(free);
        if (isOld) session.close();
        else void this.tend(free, () => (isStale ? session.unprepare() : session.noop()));
      }
      if (this.idle.length > 0 || this.opening > 0) this.idleTimer ??= this.tendLater();
    }, everyMs).unref();
  }

  private settleClose(): void {
    if (this.leased.size + this.opening === 0) this.drained?.();
  }

  private async openAnother(): Promise<void> {
    const refusal = this.refusal();
    if (refusal) {
      for (const waiter of this.waiting.drain()) waiter.reject(refusal);
      return;
    }
    this.opening += 1;
    try {
      const session = await this.open();
      this.opening -= 1;
      this.opened += 1;
      this.everLoggedIn = true;
      this.denied = undefined;
      this.circuit.succeeded();
      this.handOver(session);
      if (!this.leased.has(session)) session.prepare();
    } catch (error) {
      this.opening -= 1;
      this.failedLogins += 1;
      this.onLoginFailed(error);
    }
  }

  /** Why no login may be tried now. */
  private refusal(): Error | undefined {
    if (this.denied && this.now() < this.denied.until) return this.denied.error;
    const { pauseMs } = this.circuit;
    if (pauseMs === 0) return undefined;
    return new LoginFailedError(`the last logins failed; the next is tried in ${Math.ceil(pauseMs)} ms`);
  }

  private onLoginFailed(error: unknown): void {
    const others = this.leased.size + this.idle.length;
    if (isTurnedAway(error) && this.everLoggedIn && others > 0) {
      // Whoever gives one of them back serves the waiters. Logins still under way may be let in.
      this.limit = others + this.opening;
      this.limitChangedAt = this.now();
      return this.serve();
    }
    this.circuit.failed();
    // All of them, for each comes again after a pause of its own; serving the next at once would hammer the server.
    const reason = this.noteDenial(error) ?? new LoginFailedError(messageOf(error), { cause: error });
    for (const waiter of this.waiting.drain()) waiter.reject(reason);
    this.settleClose();
  }

  /** The error for the waiters, if the account as configured never worked. */
  private noteDenial(error: unknown): LoginDeniedError | undefined {
    if (this.everLoggedIn || !isFinal(error)) return undefined;
    this.denied = {
      error: new LoginDeniedError(messageOf(error), { cause: error }),
      until: this.now() + this.deniedPauseMs,
    };
    return this.denied.error;
  }

  private growAgain(): void {
    if (this.limit >= this.maxSessions || this.now() - this.limitChangedAt < this.growAfterMs) return;
    this.limit += 1;
    this.limitChangedAt = this.now();
  }
}

function readiness({ session }: IdleSession): 'begun' | 'prepared' | 'bare' | 'busy' {
  if (session.isPrepared === undefined) return 'busy';
  if (session.hasBegun) return 'begun';
  return session.isPrepared ? 'prepared' : 'bare';
}

/** Whether a login failed for the number of connections, or may have: servers use 421 and 530 for it. */
function isTurnedAway(error: unknown): boolean {
  return error instanceof FtpReplyError && (error.replyCode === 421 || error.replyClass === 'denied');
}

/** Whether a login failed for what it was, rather than for the moment. */
function isFinal(error: unknown): boolean {
  if (error instanceof FtpReplyError) return error.replyClass === 'denied' || error.replyClass === 'refused';
  return error instanceof FtpConnectionError && isCertificateError(error.cause);
}

function isCertificateError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|LEAF_SIGNATURE/.test(code);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
