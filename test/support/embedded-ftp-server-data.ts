/** Passive data connections of the embedded FTP server. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';

/** Listens on a port of its own for the one connection of the next transfer. */
export class PassiveListener {
  private readonly server: Server;
  private readonly accepted: Promise<Socket>;
  private socket: Socket | undefined;

  private constructor(server: Server) {
    this.server = server;
    this.accepted = new Promise((resolve) => {
      server.once('connection', (socket) => {
        socket.setNoDelay(true);
        socket.on('error', () => socket.destroy());
        this.socket = socket;
        server.close();
        resolve(socket);
      });
    });
  }

  static async open(host: string): Promise<PassiveListener> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, host);
    await once(server, 'listening');
    return new PassiveListener(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The data connection, once the client has made it, and its TLS handshake if there is a context. */
  async connection(secureContext: SecureContext | undefined): Promise<Socket> {
    const socket = await this.accepted;
    if (!secureContext) return socket;
    const secure = new TLSSocket(socket, { isServer: true, secureContext });
    secure.on('error', () => socket.destroy());
    this.socket = secure;
    return secure;
  }

  close(): void {
    this.server.close();
    this.socket?.destroy();
  }
}

/** Writes with backpressure; rejects when the peer is gone. */
export async function writeAll(socket: Socket, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return;
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** Ends our side, and waits until that is on its way or the peer is gone. */
export async function endConnection(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
    socket.end(() => resolve());
  });
  socket.destroySoon();
}
