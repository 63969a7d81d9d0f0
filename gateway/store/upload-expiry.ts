/** Removes multipart uploads that were begun and never ended: S3 clients that die leave them, and nobody sees what they take. */
import type { Logger } from 'pino';
import type { FtpStore } from './ftp-store';

const INTERVAL_MS = 3_600_000;

export interface UploadExpiryOptions {
  readonly store: Pick<FtpStore, 'expireUploads'>;
  /** How long after its last part an upload counts as abandoned. */
  readonly afterMs: number;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** @default an hour */
  readonly intervalMs?: number;
}

/** Looks once an interval. Returns what ends it. */
export function expireAbandonedUploads(options: UploadExpiryOptions): () => void {
  const { store, afterMs, log, now, intervalMs = INTERVAL_MS } = options;
  const sweep = (): void => {
    store.expireUploads(now() - afterMs).catch((error: unknown) => {
      log.warn(
        { reason: String(error) },
        'abandoned multipart uploads could not be removed; the next look is in an hour',
      );
    });
  };
  const timer = setInterval(sweep, intervalMs).unref();
  return () => clearInterval(timer);
}
