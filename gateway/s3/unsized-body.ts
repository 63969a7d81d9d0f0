/** Bodies that come without their length: chunked by HTTP itself. A store wants to know it, so they have to fit into memory. */
import { S3Error } from '../errors';
import type { Body } from '../store/object-store';
import type { MemoryBudget } from './memory-budget';
import { MAX_HELD_BODY_SIZE, replay, requestBody, type BodyOptions, type IncomingBody } from './request-body';

/** aws-chunked states the length in a header of its own. */
export function isUnsized({ headers, authentication }: IncomingBody): boolean {
  return (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] !== undefined &&
    authentication.payloadHash.kind !== 'streaming'
  );
}

/** Calls `use` with the body, held in memory. Throws `MissingContentLength` for more than `MAX_HELD_BODY_SIZE` bytes. */
export async function withUnsizedBody<T>(
  request: IncomingBody,
  options: BodyOptions | undefined,
  budget: MemoryBudget,
  signal: AbortSignal,
  use: (body: Body) => Promise<T>,
): Promise<T> {
  const maxSize = Math.min(MAX_HELD_BODY_SIZE, budget.capacity);
  const release = await budget.acquire(maxSize, signal);
  try {
    const pieces = await collect(request.bytes, maxSize);
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    const headers = { ...request.headers, 'content-length': `${size}` };
    const body = requestBody({ ...request, headers, bytes: replay(pieces) }, options);
    return await use(await body.hold());
  } finally {
    release();
  }
}

async function collect(bytes: AsyncIterable<Buffer>, maxSize: number): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bytes) {
    pieces.push(piece);
    size += piece.length;
    if (size > maxSize) throw new S3Error('MissingContentLength');
  }
  return pieces;
}
