/** Runs operations on sessions of a pool, again and again where that helps. */
import type { LeasePurpose } from './lease-queue';
import type { Lease, SessionPool } from './pool';
import type { CallOptions } from './remote-tree';
import { DEFAULT_RETRY_POLICY, Retry, type RetryPolicy } from './retry';
import type { FtpSession } from './session';

export class SessionRunner {
  private readonly policy: RetryPolicy;
  private retried = 0;

  constructor(
    private readonly pool: SessionPool,
    policy: Partial<RetryPolicy> = {},
  ) {
    this.policy = { ...DEFAULT_RETRY_POLICY, ...policy };
  }

  /** Attempts made again. */
  get retries(): number {
    return this.retried;
  }

  newRetry({ signal, deadlineMs }: CallOptions): Retry {
    const policy = deadlineMs === undefined ? this.policy : { ...this.policy, deadlineMs };
    return new Retry(policy, signal, () => {
      this.retried += 1;
    });
  }

  /** Repeats `operation` while it fails for passing reasons. It sees each failure only as another call, so it must pick up where it stands. */
  async run<T>(
    operation: (session: FtpSession) => Promise<T>,
    options: CallOptions = {},
    purpose?: LeasePurpose,
  ): Promise<T> {
    const retry = this.newRetry(options);
    for (;;) {
      try {
        return await this.once(operation, retry, options.signal, purpose);
      } catch (error) {
        await retry.after(error);
      }
    }
  }

  /** A session to be released by the caller; an abort closes it meanwhile. */
  async lease(retry: Retry, signal: AbortSignal | undefined, purpose?: LeasePurpose): Promise<Lease> {
    const lease = await this.pool.lease(retry.remainingMs, signal, purpose);
    if (!signal) return lease;
    const abort = () => lease.session.close();
    signal.addEventListener('abort', abort, { once: true });
    return {
      session: lease.session,
      release: () => {
        signal.removeEventListener('abort', abort);
        lease.release();
      },
    };
  }

  private async once<T>(
    operation: (session: FtpSession) => Promise<T>,
    retry: Retry,
    signal: AbortSignal | undefined,
    purpose: LeasePurpose | undefined,
  ): Promise<T> {
    const lease = await this.lease(retry, signal, purpose);
    try {
      return await operation(lease.session);
    } finally {
      lease.release();
    }
  }
}
