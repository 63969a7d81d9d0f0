/** The HTTP server over TLS: HTTP/2 for a client that offers it, HTTP/1.1 for every other, told apart by ALPN. */
import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { Server as HttpsServer, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { SilentConnections } from './connections';

/** Requests at a time on one HTTP/2 connection. Each may have 64 KiB of its body waiting unread. */
const MAX_STREAMS = 100;

export class SecureServer extends HttpsServer {
  readonly #silent = new SilentConnections();
  readonly #sessions = new Set<ServerHttp2Session>();

  /** Emits what comes over HTTP/2, too, as `request`, `checkContinue` and `checkExpectation`. */
  constructor(options: ServerOptions & { readonly maxHeaderSize: number }) {
    super({ ...options, ALPNProtocols: ['h2', 'http/1.1'], minVersion: 'TLSv1.2' });
    const http2 = this.#http2Server(options.maxHeaderSize);
    const http1 = this.listeners('secureConnection') as ((socket: TLSSocket) => void)[];
    this.removeAllListeners('secureConnection');
    this.on('secureConnection', (socket: TLSSocket) => {
      if (socket.alpnProtocol === 'h2') http2.emit('connection', socket);
      else for (const listener of http1) listener.call(this, socket);
    });
    this.on('connection', (socket: Socket) => this.#silent.add(socket));
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      this.on(event, ({ socket }: { socket: TLSSocket }) => this.#silent.speaks(socket));
  }

  #http2Server(maxHeaderListSize: number): Http2Server {
    const http2 = createHttp2Server({ settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize } });
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      http2.on(event, (...args: unknown[]) => this.emit(event, ...args));
    http2.on('session', (session) => {
      this.#silent.speaks(session.socket);
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.setTimeout(this.keepAliveTimeout, () => session.close());
    });
    // A peer that breaks the protocol, or leaves: its session ends, and nothing else.
    http2.on('sessionError', () => undefined);
    return http2;
  }

  /** An HTTP/2 connection is told to begin nothing new, and closes when its last request has ended. */
  override closeIdleConnections(): void {
    super.closeIdleConnections();
    this.#silent.destroy();
    for (const session of this.#sessions) session.close();
  }

  override closeAllConnections(): void {
    super.closeAllConnections();
    for (const session of this.#sessions) session.destroy();
  }
}
