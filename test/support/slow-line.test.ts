import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SLOW_LINE_HOST, SlowLine } from './slow-line';

describe('slow line', () => {
  let server: Server;
  let line: SlowLine;
  let client: Socket;

  /** Starts a line before a server that sends back what it gets. */
  async function start(options: { roundTripMs: number; bytesPerSecond?: number }): Promise<void> {
    server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    line = await SlowLine.start({ host: '127.0.0.1', port, passivePorts: [1, 0], ...options });
    client = connect({ host: SLOW_LINE_HOST, port });
    await once(client, 'connect');
  }

  /** Milliseconds until all has come back. */
  async function echo(bytes: Buffer): Promise<number> {
    const start = performance.now();
    client.end(bytes);
    const parts: Buffer[] = [];
    for await (const part of client as AsyncIterable<Buffer>) parts.push(part);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    return performance.now() - start;
  }

  afterEach(async () => {
    client.destroy();
    await line.stop();
    server.close();
  });

  it('adds a round trip, and ends a connection with its last byte', async () => {
    await start({ roundTripMs: 200 });
    expect(await echo(Buffer.from('STOR file\r\nNOOP\r\n'))).toBeGreaterThan(190);
    expect([...line.counts.commands]).toEqual([
      ['STOR', 1],
      ['NOOP', 1],
    ]);
  });

  it('lets no more pass than its bandwidth', async () => {
    await start({ roundTripMs: 0, bytesPerSecond: 10_000_000 });
    expect(await echo(Buffer.alloc(3_000_000, 1))).toBeGreaterThan(290);
    expect(line.counts).toMatchObject({ bytesUp: 3_000_000, bytesDown: 3_000_000 });
  });
});
