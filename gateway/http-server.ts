/** The node HTTP server under the app: bounded headers, no limit on how long a body may take, and a 100 only for those who may come in. */
import { Server, type IncomingMessage, type RequestListener, type ServerOptions } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Certificate } from './certificate';
import { SilentConnections } from './connections';
import type { GatewayEnv } from './env';
import { errorDocument } from './middleware/error-response';
import { S3Error } from './errors';
import { SecureServer } from './secure-server';

const HEADERS_TIMEOUT_MS = 60_000;
/** Longer than what pooled S3 clients keep a connection for, so that the client is the one to close it. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** How often a server that stops looks for connections that have fallen idle. */
const SWEEP_INTERVAL_MS = 100;
const MAX_HEADER_SIZE = 32 * 1024;
/** Idle connections of a port scan or a stuck peer must not eat all file descriptors. */
const MAX_CONNECTIONS = 1_024;

/** Plain, or over TLS if there is a certificate. */
export function createHttpServer(
  app: Hono<GatewayEnv>,
  certificate?: Certificate,
): PlainServer | SecureServer {
  const listener = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: refuseUnparsable,
  }) as RequestListener;
  const options = { maxHeaderSize: MAX_HEADER_SIZE };
  const server = certificate ? new SecureServer({ ...options, ...certificate }) : new PlainServer(options);
  server.on('request', listener);
  // Nothing is promised to "Expect: 100-continue" before the handler reads the body: a refused client then never sends it.
  server.on('checkContinue', listener);
  // Any other expectation is ignored, as in S3, where Node would answer 417.
  server.on('checkExpectation', listener);
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

class PlainServer extends Server {
  readonly #silent = new SilentConnections();

  constructor(options: ServerOptions) {
    super(options);
    this.on('connection', (socket) => this.#silent.add(socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      this.on(event, ({ socket }: IncomingMessage) => this.#silent.speaks(socket));
  }

  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#silent.destroy();
  }
}

/** What never reached the app: above all a Host header or request target that is no part of any URL. */
function refuseUnparsable(thrown: unknown): Response {
  const error = new S3Error(thrown instanceof RequestError ? 'InvalidURI' : 'InternalError');
  return new Response(errorDocument(error, {}), {
    status: error.status,
    headers: { 'content-type': 'application/xml', connection: 'close' },
  });
}

type Drainable = Pick<Server, 'close' | 'closeIdleConnections' | 'closeAllConnections'>;

/**
 * Stops taking connections and waits for the requests in flight, at most `timeoutMs`; then cuts what is left.
 * Resolves with whether all ended by themselves.
 */
export async function drain(server: Drainable, timeoutMs: number): Promise<boolean> {
  const closed = new Promise<boolean>((resolve) => server.close(() => resolve(true)));
  server.closeIdleConnections();
  // A connection falls idle when its last answer is out; the client would keep it.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_INTERVAL_MS);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const clean = await Promise.race([closed, late]);
  clearTimeout(timer);
  clearInterval(sweep);
  if (!clean) server.closeAllConnections();
  await closed;
  return clean;
}
