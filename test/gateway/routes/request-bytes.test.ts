import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { requestBytes } from '../../../gateway/routes/request-bytes';
import { refusalOf } from '../../contract/refusal';

let server: Server;
let client: Socket;
afterEach(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Reads a body of ten bytes, of which the client sends `sent`, with `pauseMs` after each piece. */
function read(
  sent: string,
  options: { readonly idleTimeoutMs: number; readonly pauseMs?: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    server = createServer((incoming, outgoing) => {
      const consume = async () => {
        let text = '';
        const bytes = requestBytes(
          { incoming, outgoing },
          { bytesIn: 0, bytesOut: 0 },
          options.idleTimeoutMs,
        );
        for await (const piece of bytes) {
          text += piece.toString();
          await new Promise((done) => setTimeout(done, options.pauseMs ?? 0));
        }
        return text;
      };
      consume().then(resolve, reject);
    });
    server.listen(0, '127.0.0.1', () => {
      client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      client.on('error', () => undefined);
      client.write(`PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n${sent}`);
    });
  });
}

describe('the bytes of a request', () => {
  it('are all that the client declared', async () => {
    expect(await read('0123456789', { idleTimeoutMs: 60_000 })).toBe('0123456789');
  });

  it('end with RequestTimeout if the client falls silent', async () => {
    expect(await refusalOf(read('01234', { idleTimeoutMs: 50 }))).toBe('RequestTimeout');
  });

  it('do not mind a reader that takes longer than a client may', async () => {
    expect(await read('0123456789', { idleTimeoutMs: 50, pauseMs: 200 })).toBe('0123456789');
  });

  it('end with IncompleteBody if the client leaves', async () => {
    const reading = refusalOf(read('01234', { idleTimeoutMs: 60_000, pauseMs: 10 }));
    setTimeout(() => client.destroy(), 50);
    expect(await reading).toBe('IncompleteBody');
  });
});
