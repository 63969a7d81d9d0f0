/**
 * Waiting by looking again. No watch is held open, so none can end unnoticed, and a cluster that is away for a moment (its API server
 * restarts, a node reboots) only makes the wait longer.
 */
import { ClusterError } from './cluster-error';
import { TimedOutError } from './output';

/** The clock that waits are measured by; tests bring their own. */
export interface Clock {
  now(): Date;
  sleep(durationMs: number): Promise<void>;
}

export interface WaitOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** @default 1000 */
  readonly intervalMs?: number;
  /** Called with what is being waited for, each time we look. */
  readonly report: (waitingFor: string) => void;
}

export type Look<T> = { readonly done: T } | { readonly waitingFor: string };

/**
 * Looks until there is a result.
 * @throws TimedOutError with what was waited for last
 * @throws ClusterError for anything that waiting does not mend
 */
export async function waitFor<T>(options: WaitOptions, look: () => Promise<Look<T>>): Promise<T> {
  const { clock, timeoutMs, intervalMs = 1000, report } = options;
  const deadline = clock.now().getTime() + timeoutMs;
  for (;;) {
    const seen = await look().catch((error: unknown): Look<T> => {
      if (error instanceof ClusterError && error.passing) return { waitingFor: error.message };
      throw error;
    });
    if ('done' in seen) return seen.done;
    report(seen.waitingFor);
    if (clock.now().getTime() >= deadline) {
      throw new TimedOutError(`Timed out after ${Math.round(timeoutMs / 1000)} s. ${seen.waitingFor}`);
    }
    await clock.sleep(intervalMs);
  }
}
