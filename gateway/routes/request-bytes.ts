/** The bytes of a request body as they arrive. */
import type { HttpBindings } from '@hono/node-server';
import { S3Error } from '../errors';
import type { Traffic } from '../env';

/** A client that sends nothing for this long, though it is being read from, is given up. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Lets a waiting client go on (`100 Continue`) as soon as it is first read from, and not before.
 * Throws `IncompleteBody` if the client goes away, `RequestTimeout` if it falls silent. Ending it early leaves the connection open for an answer.
 */
export async function* requestBytes(
  { incoming, outgoing }: HttpBindings,
  traffic: Traffic,
  idleTimeoutMs = IDLE_TIMEOUT_MS,
): AsyncGenerator<Buffer> {
  if (/^100-continue$/i.test(incoming.headers.expect ?? '') && !outgoing.headersSent)
    outgoing.writeContinue();
  const silence = new S3Error('RequestTimeout');
  // A store that takes its time does not count against the client: only waiting for the client does.
  let waiting = false;
  const timer = setTimeout(() => {
    if (waiting) incoming.destroy(silence);
  }, idleTimeoutMs);
  const chunks = incoming.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      waiting = true;
      timer.refresh();
      const next = (await chunks.next()) as IteratorResult<Buffer, undefined>;
      waiting = false;
      if (next.done === true) return;
      traffic.bytesIn += next.value.length;
      yield next.value;
    }
  } catch (error) {
    throw error === silence ? silence : new S3Error('IncompleteBody', { cause: error });
  } finally {
    clearTimeout(timer);
    await chunks.return?.(undefined);
  }
}
