/** A slow line in front of an FTP server: adds a round-trip time and a bandwidth to what passes, and counts it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Loopback address at which the server is reached over the line: EPSV sends a client to the address it came by. */
export const SLOW_LINE_HOST = '127.0.0.2';

export interface SlowLineOptions {
  /** Where the server listens. */
  readonly host: string;
  readonly port: number;
  /** First and last passive port. */
  readonly passivePorts: readonly [first: number, last: number];
  /** Milliseconds. All of it is added on the way back. */
  readonly roundTripMs: number;
  /** Bytes a second, each way, of all connections together. @default no limit */
  readonly bytesPerSecond?: number;
  /** Told of what clients send, as it comes. */
  readonly onSent?: (chunk: Buffer) => void;
}

/** What passed since the start. Commands can only be counted where the control connection is not encrypted. */
export interface SlowLineCounts {
  readonly commands: ReadonlyMap<string, number>;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** Bytes that may be under way on one connection and direction: more than any tested bandwidth times round trip. */
const MOST_UNDER_WAY = 8 * 1_048_576;

/**
 * Listens on the server's own port numbers, so that it need not read what it passes on, and TLS passes as it is. What it cannot add is
 * the round trip of connecting, since the kernel answers that; `slow-connect.ts` does it in the client.
 */
export class SlowLine {
  readonly host = SLOW_LINE_HOST;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #commands = new Map<string, number>();
  readonly #up: Direction;
  readonly #down: Direction;

  private constructor(private readonly options: SlowLineOptions) {
    const { roundTripMs, bytesPerSecond = Infinity } = options;
    this.#up = new Direction(0, bytesPerSecond);
    this.#down = new Direction(roundTripMs, bytesPerSecond);
  }

  static async start(options: SlowLineOptions): Promise<SlowLine> {
    const line = new SlowLine(options);
    const [first, last] = options.passivePorts;
    await line.#listen(options.port, true);
    for (let port = first; port <= last; port += 1) await line.#listen(port, false);
    return line;
  }

  get port(): number {
    return this.options.port;
  }

  get counts(): SlowLineCounts {
    return { commands: new Map(this.#commands), bytesUp: this.#up.bytes, bytesDown: this.#down.bytes };
  }

  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => once(server, 'close'));
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  async #listen(port: number, isControl: boolean): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const target = connect({ host: this.options.host, port, allowHalfOpen: true, noDelay: true });
      if (isControl) client.on('data', (chunk: Buffer) => this.#count(chunk));
      if (this.options.onSent) client.on('data', this.options.onSent);
      this.#join(client, target);
    });
    server.listen(port, SLOW_LINE_HOST);
    await once(server, 'listening');
    this.#servers.push(server);
  }

  #join(client: Socket, target: Socket): void {
    this.#up.carry(client, target);
    this.#down.carry(target, client);
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', (hadError) => {
        this.#sockets.delete(socket);
        if (hadError) other.destroy();
      });
    }
  }

  #count(chunk: Buffer): void {
    for (const [, verb = ''] of chunk.toString('latin1').matchAll(/^([A-Z]{3,4})\b[^\r\n]*\r\n/gm))
      this.#commands.set(verb, (this.#commands.get(verb) ?? 0) + 1);
  }
}

/** One way of the line: its bandwidth is shared by all connections, in the order in which bytes come. */
class Direction {
  bytes = 0;
  /** When the line has sent all that it was given. */
  #freeAt = 0;

  constructor(
    private readonly delayMs: number,
    private readonly bytesPerSecond: number,
  ) {}

  carry(from: Socket, to: Socket): void {
    const queue: { readonly at: number; readonly chunk: Buffer | undefined }[] = [];
    let queuedBytes = 0;
    let timer: NodeJS.Timeout | undefined;
    const deliver = (): void => {
      timer = undefined;
      for (let next = queue[0]; next; next = queue[0]) {
        const waitMs = next.at - performance.now();
        if (waitMs > 0.2) {
          timer = setTimeout(deliver, waitMs);
          return;
        }
        queue.shift();
        if (!next.chunk) return void to.end();
        queuedBytes -= next.chunk.length;
        if (from.isPaused() && queuedBytes < MOST_UNDER_WAY / 2) from.resume();
        if (!to.write(next.chunk)) return void to.once('drain', deliver);
      }
    };
    const enqueue = (chunk: Buffer | undefined): void => {
      queue.push({ at: this.#arrival(chunk?.length ?? 0), chunk });
      queuedBytes += chunk?.length ?? 0;
      if (queuedBytes > MOST_UNDER_WAY) from.pause();
      if (queue.length === 1 && timer === undefined && !to.writableNeedDrain) deliver();
    };
    from.on('data', enqueue);
    from.once('end', () => enqueue(undefined));
    to.once('close', () => clearTimeout(timer));
  }

  #arrival(bytes: number): number {
    this.bytes += bytes;
    const now = performance.now();
    this.#freeAt = Math.max(this.#freeAt, now) + (bytes / this.bytesPerSecond) * 1000;
    return this.#freeAt + this.delayMs;
  }
}
