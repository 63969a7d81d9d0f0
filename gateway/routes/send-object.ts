/** Streams an object's bytes to the client, at the client's pace. */
import { pipeline } from 'node:stream/promises';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { GatewayContext } from '../env';

/**
 * Waits for the first bytes before it says 200: until then an error still gets its own answer.
 * A later one destroys the connection, so that a short body never looks whole. If the client leaves, the source is told to stop.
 */
export async function sendObject(
  c: GatewayContext,
  status: 200 | 206,
  headers: Readonly<Record<string, string>>,
  source: AsyncIterable<Buffer>,
): Promise<Response> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    const first = await chunks.next();
    c.env.outgoing.writeHead(status, { ...headers });
    await pump(c, first, chunks);
    return RESPONSE_ALREADY_SENT;
  } finally {
    await chunks.return?.();
  }
}

/** Throws what the source throws. What comes of the connection is no error: the client has left, and there is nobody to tell. */
async function pump(
  { env: { outgoing }, var: { traffic } }: GatewayContext,
  first: IteratorResult<Buffer, unknown>,
  chunks: AsyncIterator<Buffer>,
): Promise<void> {
  let failed = false;
  async function* counted(): AsyncGenerator<Buffer> {
    try {
      for (let next = first; next.done !== true; next = await chunks.next()) {
        traffic.bytesOut += next.value.length;
        yield next.value;
      }
    } catch (error) {
      failed = true;
      throw error;
    }
  }
  await pipeline(counted(), outgoing).catch((error: unknown) => {
    if (failed || !outgoing.destroyed) throw error;
  });
}
