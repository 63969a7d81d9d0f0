/** Passes FTP connections through to a port, and cuts them all on demand, or at a chosen command or reply. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Which piece that passes: counted over all connections, 1 is the next. */
export interface Moment {
  readonly of: 'commands' | 'replies';
  readonly count: number;
  /** Only this command, or what ends the answer to it, counts. @default any */
  readonly verb?: string;
}

export class ConnectionRelay {
  private readonly sockets = new Set<Socket>();
  private awaited: (Moment & { happen: () => void }) | undefined;
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
  at(moment: Moment, happen: () => void): void {
    this.awaited = { ...moment, happen };
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
    const exchange = new Exchange();
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.sockets.add(socket);
      const of = socket === client ? 'commands' : 'replies';
      socket.on('data', (piece) => this.count(of, exchange.verbs(of, piece)));
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
  }

  private count(of: Moment['of'], verbs: readonly string[]): void {
    const { awaited } = this;
    if (awaited?.of !== of || (awaited.verb !== undefined && !verbs.includes(awaited.verb))) return;
    this.awaited = awaited.count > 1 ? { ...awaited, count: awaited.count - 1 } : undefined;
    if (awaited.count <= 1) awaited.happen();
  }
}

/** What is said on one connection: replies end the commands in their order. */
class Exchange {
  private readonly unanswered: string[] = [];
  private readonly begun = { commands: '', replies: '' };

  /** The commands in a piece that passes, or those that it ends the answers to. */
  verbs(of: Moment['of'], piece: Buffer): string[] {
    const lines = (this.begun[of] + piece.toString('latin1')).split('\r\n');
    this.begun[of] = lines.pop() ?? '';
    if (of === 'replies')
      return lines.filter((line) => /^[2-5]\d\d /.test(line)).flatMap(() => this.unanswered.shift() ?? []);
    const verbs = lines.map((line) => line.split(' ', 1)[0] ?? '');
    this.unanswered.push(...verbs);
    return verbs;
  }
}
