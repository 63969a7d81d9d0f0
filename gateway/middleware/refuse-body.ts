/** Answers a request whose body nobody wants, without taking in gigabytes. */
import type { IncomingMessage } from 'node:http';
import type { Http2Stream, ServerHttp2Stream } from 'node:http2';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { GatewayContext } from '../env';

/** How much of an unwanted body is still taken in, so that the client gets to read the answer before the connection ends. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2_000;
/** Clients that this is done for at a time: for a flood of them it would be reading after all. Beyond, a connection ends right after its answer. */
const MAX_LINGERING = 64;

let lingering = 0;

/** Sends the whole answer; if part of the request's body is still to come, closes the connection a little later. */
export async function refuseBody(
  { env: { incoming, outgoing }, req, var: { traffic } }: GatewayContext,
  status: number,
  headers: Readonly<Record<string, string>>,
  document: string,
): Promise<Response> {
  const pending = hasPendingBody(incoming);
  const body = Buffer.from(document);
  if (pending && incoming.httpVersionMajor === 1) outgoing.setHeader('connection', 'close');
  outgoing.writeHead(status, { ...headers, 'content-length': body.length });
  if (req.method !== 'HEAD') {
    outgoing.write(body);
    traffic.bytesOut += body.length;
  }
  if (pending && lingering < MAX_LINGERING) await linger(incoming);
  outgoing.end();
  // HTTP/2 keeps the connection: only this request's stream ends, with nothing wrong.
  if (pending && 'stream' in outgoing) (outgoing.stream as Http2Stream).close();
  return RESPONSE_ALREADY_SENT;
}

type Http2Message = IncomingMessage & { readonly stream: ServerHttp2Stream };

export function isHttp2(incoming: IncomingMessage): incoming is Http2Message {
  return incoming.httpVersionMajor === 2;
}

/** Whether the request declares a body that has not arrived in full. */
export function hasPendingBody(incoming: IncomingMessage): boolean {
  if (isHttp2(incoming)) return !incoming.complete && !incoming.stream.endAfterHeaders;
  const { 'content-length': length = '0', 'transfer-encoding': coding } = incoming.headers;
  return !incoming.complete && (coding !== undefined || length !== '0');
}

/** Reads and forgets until the body ends, the client leaves, or a bound is reached. */
function linger(incoming: IncomingMessage): Promise<void> {
  lingering += 1;
  return new Promise((resolve) => {
    let left = LINGER_BYTES;
    const timer = setTimeout(done, LINGER_MS);
    function onData(chunk: Buffer) {
      left -= chunk.length;
      if (left < 0) done();
    }
    function done() {
      lingering -= 1;
      clearTimeout(timer);
      incoming.off('data', onData).off('end', done).off('close', done);
      resolve();
    }
    incoming.on('data', onData).once('end', done).once('close', done);
  });
}
