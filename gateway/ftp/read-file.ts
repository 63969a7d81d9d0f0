/** Reading one file over as many connections as it takes. */
import type { LeasePurpose } from './lease-queue';
import type { Lease } from './pool';
import { FtpConnectionError, isRefusal } from './reply';
import { RemoteRefused, type ReadOptions } from './remote-tree';
import type { SessionRunner } from './session-runner';
import { sizeIfFile } from './directories';

/** Up to so many bytes past the end of a range are received and dropped, since that is cheaper than logging in anew: about 10 round trips. */
const MOST_DRAINED_BYTES = 1_048_576;

export interface FileRange extends ReadOptions {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly purpose: LeasePurpose;
}

/** Told of what goes on, for metrics; `onBytes` may hold the reader back. */
export interface ReadEvents {
  readonly onBytes: (count: number) => Promise<void>;
  /** The read goes on, at the byte where a connection broke. */
  readonly onResume: () => void;
}

/** Yields bytes [start, end) of a file. */
export async function* readFile(
  runner: SessionRunner,
  range: FileRange,
  { onBytes, onResume }: ReadEvents,
): AsyncGenerator<Buffer, void, void> {
  const { path, start, end, signal, purpose } = range;
  const retry = runner.newRetry(range);
  let position = start;
  while (position < end) {
    let lease: Lease | undefined;
    let chunks: AsyncGenerator<Buffer, void, void> | undefined;
    const from = position;
    try {
      lease = await runner.lease(retry, signal, purpose);
      chunks = lease.session.download(path, position);
      for (let next = await chunks.next(); !next.done && position < end; next = await chunks.next()) {
        const chunk = next.value.subarray(0, end - position);
        position += chunk.length;
        await onBytes(chunk.length);
        retry.progressed();
        if (position === end) {
          // The consumer need not wait for the end of the transfer.
          void giveBack(lease, chunks, MOST_DRAINED_BYTES);
          lease = undefined;
          yield chunk;
          return;
        }
        yield chunk;
        retry.progressed();
      }
      throw new ShortTransfer();
    } catch (error) {
      if (lease) await giveBack(lease, chunks, 0);
      lease = undefined;
      await retry.after(await explain(runner, range, position, position > from, error));
      if (position > start) onResume();
    } finally {
      // The consumer stopped early.
      if (lease) void giveBack(lease, chunks, end - position < MOST_DRAINED_BYTES ? MOST_DRAINED_BYTES : 0);
    }
  }
}

/** The server confirmed a transfer that ended before the range did. */
class ShortTransfer extends Error {}

/**
 * What to make of a failure. Unless bytes came before the connection broke, the file may be missing or shorter than asked: its
 * size tells. (For a missing file, proftpd may reset the data connection before its 550 is read.)
 */
async function explain(
  runner: SessionRunner,
  { path, end, signal, deadlineMs }: FileRange,
  position: number,
  gotBytes: boolean,
  error: unknown,
): Promise<unknown> {
  const isShort = error instanceof ShortTransfer;
  const mayBeMissing = error instanceof FtpConnectionError && error.verb === 'RETR' && !gotBytes;
  if (!isShort && !mayBeMissing && !isRefusal(error)) return error;
  const options = { ...(signal ? { signal } : {}), ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  const size = await runner.run((session) => sizeIfFile(session, path), options);
  if (size === undefined) return new RemoteRefused(`${path} is missing, or not a file`);
  if (size < end) return new RemoteRefused(`${path} has ${size} bytes, and ${end} were asked for`);
  return isShort ? new FtpConnectionError('RETR', `the transfer ended at byte ${position}`) : error;
}

/** Lets a transfer end if that takes no more than `mostBytes`, else drops the connection; then returns the session to the pool. */
async function giveBack(
  lease: Lease,
  chunks: AsyncGenerator<Buffer, void, void> | undefined,
  mostBytes: number,
): Promise<void> {
  try {
    let drained = 0;
    while (chunks && drained < mostBytes) {
      const next = await chunks.next();
      if (next.done) break;
      drained += next.value.length;
    }
    await chunks?.return();
  } catch {
    // The session knows that it is broken.
  } finally {
    lease.release();
  }
}
