/** A bounded pool of FTP sessions, each leased to one caller at a time. */
import { FtpConnectionError, FtpReplyError } from './reply';
import type { FtpSession } from './session';

export interface SessionPoolOptions {
  /** Connects and logs in. */
  readonly open: () => Promise<FtpSession>;
  /** Sessions at once. FTP accounts commonly allow 3 to 10. @default 4 */
  readonly maxSessions?: number;
  /** Milliseconds after which a free session is closed; servers drop them after 60 s and more. @default 50,000 */
  readonly idleTimeoutMs?: number;
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

interface Waiter {
  resolve(lease: Lease): void;
  reject(error: unknown): void;
}

interface IdleSession {
  readonly session: FtpSession;
  readonly since: number;
}

/**
 * Grows as callers wait, serves them in order, and closes sessions that stay free.
 *
 * A server that allows fewer connections than configured turns logins away (421, or 530 on proftpd). While other
 * sessions are open, that makes the pool smaller instead of failing the caller, who waits on; with time it grows again.
 */
export class SessionPool {
  private readonly open: () => Promise<FtpSession>;
  private readonly maxSessions: number;
  private readonly idleTimeoutMs: number;
  private readonly checkAfterMs: number;
  private readonly growAfterMs: number;
  private readonly deniedPauseMs: number;
  private readonly now: () => number;

  private readonly idle: IdleSession[] = [];
  private readonly leased = new Set<FtpSession>();
  private readonly waiting: Waiter[] = [];
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
    this.idleTimeoutMs = options.idleTimeoutMs ?? 50_000;
    this.checkAfterMs = options.checkAfterMs ?? 10_000;
    this.growAfterMs = options.growAfterMs ?? 60_000;
    this.deniedPauseMs = options.deniedPauseMs ?? 30_000;
    this.now = options.now ?? (() => performance.now());
    this.limit = this.maxSessions;
    this.limitChangedAt = this.now();
  }

  /**
   * Waits for a session, for at most `timeoutMs`. Throws the signal's reason, `LeaseTimeoutError`, `LoginDeniedError`,
   * `PoolClosedError`, or what a failed login threw.
   */
  async lease(timeoutMs: number, signal?: AbortSignal): Promise<Lease> {
    signal?.throwIfAborted();
    if (this.closed) throw new PoolClosedError('the pool is closed');
    const { promise, resolve, reject } = withResolvers<Lease>();
    const waiter: Waiter = { resolve, reject };
    const giveUp = (reason: unknown) => {
      const index = this.waiting.indexOf(waiter);
      if (index >= 0) this.waiting.splice(index, 1);
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
    for (const waiter of this.waiting.splice(0)) waiter.reject(new PoolClosedError('the pool is closed'));
    clearTimeout(this.idleTimer);
    for (const { session } of this.idle.splice(0)) session.close();
    if (this.leased.size + this.opening > 0) await this.untilDrained(graceMs);
    for (const session of this.leased) session.close();
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
    while (this.waiting.length > 0) {
      const free = this.takeIdle();
      if (!free) break;
      const fresh = this.now() - free.since < this.checkAfterMs;
      if (fresh) this.handOver(free.session);
      else if (this.waiting.length > this.opening) this.check(free.session);
      else {
        this.idle.push(free);
        break;
      }
    }
    while (this.waiting.length > this.opening && this.total() < this.limit) void this.openAnother();
  }

  private total(): number {
    return this.idle.length + this.leased.size + this.opening;
  }

  /** The freshest free session that still works, so that surplus ones grow old and are closed. */
  private takeIdle(): IdleSession | undefined {
    for (let free = this.idle.pop(); free; free = this.idle.pop()) {
      if (free.session.usable) return free;
      this.broken += 1;
    }
    return undefined;
  }

  /** Leases a session if it still answers; meanwhile it counts as one being opened. */
  private check(session: FtpSession): void {
    this.opening += 1;
    void session.noop().then(
      () => {
        this.opening -= 1;
        this.handOver(session);
      },
      () => {
        this.opening -= 1;
        this.broken += 1;
        session.close();
        this.serve();
      },
    );
  }

  private handOver(session: FtpSession): void {
    const waiter = this.closed ? undefined : this.waiting.shift();
    if (!waiter) return this.putAway(session);
    this.leased.add(session);
    let returned = false;
    waiter.resolve({
      session,
      release: () => {
        if (returned) return;
        returned = true;
        this.leased.delete(session);
        if (!session.usable) this.broken += 1;
        this.putAway(session);
        this.serve();
      },
    });
  }

  private putAway(session: FtpSession): void {
    if (this.closed || !session.usable || this.total() >= this.limit) session.close();
    else {
      this.idle.push({ session, since: this.now() });
      this.idleTimer ??= this.expireLater();
    }
    this.settleClose();
  }

  private expireLater(): NodeJS.Timeout {
    return setTimeout(() => {
      this.idleTimer = undefined;
      // The oldest come first.
      while (this.idle[0] && this.now() - this.idle[0].since >= this.idleTimeoutMs) {
        this.idle.shift()?.session.close();
      }
      if (this.idle.length > 0) this.idleTimer = this.expireLater();
    }, this.idleTimeoutMs / 2).unref();
  }

  private settleClose(): void {
    if (this.leased.size + this.opening === 0) this.drained?.();
  }

  private async openAnother(): Promise<void> {
    if (this.denied && this.now() < this.denied.until) {
      this.waiting.shift()?.reject(this.denied.error);
      return;
    }
    this.opening += 1;
    try {
      const session = await this.open();
      this.opening -= 1;
      this.opened += 1;
      this.everLoggedIn = true;
      this.denied = undefined;
      this.handOver(session);
    } catch (error) {
      this.opening -= 1;
      this.failedLogins += 1;
      this.onLoginFailed(error);
    }
  }

  private onLoginFailed(error: unknown): void {
    const others = this.leased.size + this.idle.length;
    if (isTurnedAway(error) && this.everLoggedIn && others > 0) {
      // Whoever gives one of them back serves the waiters. Logins still under way may be let in.
      this.limit = others + this.opening;
      this.limitChangedAt = this.now();
      return this.serve();
    }
    // All of them, for each comes again after a pause of its own; serving the next at once would hammer the server.
    const reason = this.noteDenial(error) ?? new LoginFailedError(messageOf(error), { cause: error });
    for (const waiter of this.waiting.splice(0)) waiter.reject(reason);
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

/** `Promise.withResolvers`, which Node.js 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
