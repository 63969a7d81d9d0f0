/** Trying again after a passing trouble, with growing pauses, until a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LeaseTimeoutError, LoginDeniedError, LoginFailedError, PoolClosedError } from './pool';
import { classifyFailure, FtpReplyError } from './reply';
import { RemoteError, RemoteFull, RemoteLoginDenied, RemoteRefused, RemoteUnavailable } from './remote-tree';

export interface RetryPolicy {
  /** Milliseconds. @default 300,000 */
  readonly deadlineMs: number;
  /** Milliseconds before the second attempt; doubles with each further one. @default 200 */
  readonly firstPauseMs: number;
  /** Milliseconds. @default 15,000 */
  readonly longestPauseMs: number;
  /** In [0, 1); spreads the pauses of many callers. */
  readonly random: () => number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  deadlineMs: 300_000,
  firstPauseMs: 200,
  longestPauseMs: 15_000,
  random: Math.random,
};

/** The attempts of one call. */
export class Retry {
  private deadline: number;
  private failures = 0;

  constructor(
    private readonly policy: RetryPolicy,
    private readonly signal: AbortSignal | undefined,
    private readonly onRetry: () => void,
  ) {
    this.deadline = performance.now() + policy.deadlineMs;
  }

  /** Milliseconds until the deadline. */
  get remainingMs(): number {
    return Math.max(0, this.deadline - performance.now());
  }

  /** The call got further: its deadline and pauses start anew. */
  progressed(): void {
    this.failures = 0;
    this.deadline = performance.now() + this.policy.deadlineMs;
  }

  /** Returns after a pause if the attempt that failed with `error` is worth repeating; otherwise throws what the caller of the tree shall see. */
  async after(error: unknown): Promise<void> {
    this.signal?.throwIfAborted();
    if (!isPassing(error)) throw toRemoteError(error);
    const pauseMs = this.pauseMs();
    if (pauseMs >= this.remainingMs) {
      const tries = this.failures + 1;
      throw new RemoteUnavailable(`gave up after ${tries} attempts: ${describe(error)}`, { cause: error });
    }
    this.failures += 1;
    await sleep(pauseMs, undefined, this.signal ? { signal: this.signal } : {}).catch(() => {
      this.signal?.throwIfAborted();
    });
    this.onRetry();
  }

  private pauseMs(): number {
    const { firstPauseMs, longestPauseMs, random } = this.policy;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** this.failures) * (0.5 + random() / 2);
  }
}

/** Whether an error says nothing but that an attempt failed. What is not of FTP, such as an error of a body, is not for us to repeat. */
function isPassing(error: unknown): boolean {
  if (error instanceof LeaseTimeoutError || error instanceof LoginFailedError) return true;
  const failureClass = classifyFailure(error);
  return failureClass === 'transient' || failureClass === 'denied';
}

function toRemoteError(error: unknown): unknown {
  if (error instanceof RemoteError) return error;
  if (error instanceof LoginDeniedError) return new RemoteLoginDenied(error.message, { cause: error });
  if (error instanceof PoolClosedError) return new RemoteUnavailable(error.message, { cause: error });
  if (!(error instanceof FtpReplyError)) return error;
  return error.replyClass === 'full'
    ? new RemoteFull(error.message, { cause: error })
    : new RemoteRefused(error.message, error.replyCode, { cause: error });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
