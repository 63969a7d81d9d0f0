/** Hands a request's body to those who want it: checked, and within the memory that there is. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { GatewayContext } from '../env';
import { S3Error } from '../errors';
import type { MemoryBudget } from '../s3/memory-budget';
import { requestBody, withBody, type ArrivingBody, type BodyOptions } from '../s3/request-body';
import { isUnsized, withUnsizedBody } from '../s3/unsized-body';
import type { Body } from '../store/object-store';
import { requestBytes } from './request-bytes';

/** 4 MiB: room for 1,000 keys or 10,000 parts, all escaped. */
const MAX_DOCUMENT_SIZE = 4 * 1024 ** 2;

/** Calls `use` with the body of the request. The body is gone when `use` ends. */
export type Receive = <T>(
  c: GatewayContext,
  use: (body: Body) => Promise<T>,
  options?: BodyOptions,
) => Promise<T>;

/** The body as text: for documents. Throws `MaxMessageLengthExceeded`, `MalformedXML` for what is not UTF-8. */
export type ReceiveText = (c: GatewayContext, options?: BodyOptions) => Promise<string>;

/** Calls `use` with `body`, first taken into memory if it is small. */
export type Hold = <T>(c: GatewayContext, body: ArrivingBody, use: (body: Body) => Promise<T>) => Promise<T>;

export interface Receivers {
  readonly receive: Receive;
  readonly receiveText: ReceiveText;
  readonly hold: Hold;
}

export function receivers(budget: MemoryBudget): Receivers {
  const hold: Hold = async (c, body, use) => {
    const gone = goneSignal(c);
    try {
      return await withBody(body, budget, gone.signal, async (held) => {
        if (held !== body) await checkPresent(c, gone.signal);
        return use(held);
      });
    } finally {
      gone.forget();
    }
  };
  const receive: Receive = async (c, use, options) => {
    const { headers, authentication, traffic } = c.var;
    const request = { headers, authentication, bytes: requestBytes(c.env, traffic) };
    if (!isUnsized(request)) return hold(c, requestBody(request, options), use);
    const gone = goneSignal(c);
    try {
      return await withUnsizedBody(request, options, budget, gone.signal, async (body) => {
        await checkPresent(c, gone.signal);
        return use(body);
      });
    } finally {
      gone.forget();
    }
  };
  const receiveText: ReceiveText = (c, options) => {
    const bounds = { maxSize: MAX_DOCUMENT_SIZE, tooLarge: 'MaxMessageLengthExceeded' } as const;
    return receive(c, textOf, { ...options, ...bounds });
  };
  return { receive, receiveText, hold };
}

/** Aborted when the client goes away while it waits for its turn. */
function goneSignal({ env: { outgoing } }: GatewayContext): { readonly signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const onClose = () => controller.abort(new S3Error('IncompleteBody'));
  outgoing.once('close', onClose);
  return { signal: controller.signal, forget: () => outgoing.off('close', onClose) };
}

/**
 * Throws `IncompleteBody` if the client has gone away after its last byte. What it sends next, on another connection, may be there before a body that is
 * longer: a write that it has given up must not begin after the one that it sent instead, and take its place.
 */
async function checkPresent({ env: { incoming } }: GatewayContext, gone: AbortSignal): Promise<void> {
  // The end of the connection is heard in the turn after that of the last byte.
  await nextTurn();
  await nextTurn();
  gone.throwIfAborted();
  const { socket } = incoming;
  if (socket.destroyed || socket.readableEnded) throw new S3Error('IncompleteBody');
}

async function textOf(body: Body): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of body.open()) pieces.push(piece);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces));
  } catch (cause) {
    throw new S3Error('MalformedXML', { cause });
  }
}
