/** Passes connections through to a port, and cuts them all on demand, or at a chosen command or reply. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Which piece that passes: counted over all connections, 1 is the next. */
export interface Moment {
  readonly of: 'commands' | 'replies';
  readonly count: number;
}

export class ConnectionRelay {
  private readonly sockets = new Set<Socket>();
  private awaited: { of: Moment['of']; count: number; happen: () => void } | undefined;
  private refusesUntil = 0;

  private constructor(private readonly server: Server) {}

  static async start(host: string, port: number): Promise<ConnectionRelay> {
    const server = createServer({ noDelay: true });
    const relay = new ConnectionRelay(server);
    server.on('connection', (client) => {
      if (performance.now() < relay.refusesUntil) client.resetAndDestroy();
      else relay.join(client, connect({ host, port, noDelay: true }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** @param outageMs for so long nobody gets through again */
  cut(outageMs = 0): void {
    this.refusesUntil = performance.now() + outageMs;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Has something happen just before a command or a reply passes; in place of what was to happen before. */
  at({ of, count }: Moment, happen: () => void): void {
    this.awaited = { of, count, happen };
  }

  /** Nothing happens any more, and who was refused gets through. */
  calm(): void {
    this.awaited = undefined;
    this.refusesUntil = 0;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }

  private join(client: Socket, target: Socket): void {
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.sockets.add(socket);
      socket.on('data', () => this.count(socket === client ? 'commands' : 'replies'));
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }
  private count(of: Moment['of']): void {
    const { awaited } = this;
    if (awaited?.of !== of || --awaited.count > 0) return;
    this.awaited = undefined;
    awaited.happen();
  }
}
