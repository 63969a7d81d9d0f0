import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FtpConnectionError, FtpReplyError } from '../../../gateway/ftp/reply';
import { FtpSession, type FtpAccount } from '../../../gateway/ftp/session';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

const QUICK = { silenceMs: 300, confirmationMs: 300 };

describe('session', () => {
  let server: EmbeddedFtpServer | undefined;
  let session: FtpSession | undefined;

  async function start(options: EmbeddedFtpServerOptions = {}): Promise<EmbeddedFtpServer> {
    server = await EmbeddedFtpServer.start(options);
    return server;
  }

  afterEach(async () => {
    session?.close();
    await server?.stop();
    session = server = undefined;
  });

  it('works over implicit TLS', async () => {
    const account: FtpAccount = { ...accountOf(await start({ tls: 'implicit' })), security: 'implicit' };
    session = await FtpSession.open(account);
    await session.upload('/file', () => asyncOf(['abc', 'def']));
    expect(await session.size('/file')).toBe(6);
    expect(await text(session.download('/file', 2))).toBe('cdef');
  });

  it('logs in with few round trips', async () => {
    const running = await start({ tls: 'explicit' });
    session = await FtpSession.open(accountOf(running));
    expect([...running.commands.keys()]).toEqual([
      'CONNECT',
      'AUTH',
      'USER',
      'PASS',
      'FEAT',
      'TYPE',
      'PBSZ',
      'PROT',
    ]);
  });

  it('does not send the password before TLS is on, nor without it', async () => {
    const running = await start();
    const account: FtpAccount = { ...accountOf(running), security: 'explicit' };
    await expect(FtpSession.open(account)).rejects.toThrow(FtpReplyError);
    expect(running.count('USER')).toBe(0);
    expect(running.count('PASS')).toBe(0);
  });

  it('refuses to send files in the clear when the server does not protect them', async () => {
    const running = await start({ tls: 'explicit' });
    running.inject({ on: 'PROT', action: { kind: 'reply', reply: '536 No.' } });
    await expect(FtpSession.open(accountOf(running))).rejects.toMatchObject({ verb: 'PROT', replyCode: 536 });
  });

  it('keeps the password out of its errors', async () => {
    const running = await start();
    const password = 'not the password';
    const error = await FtpSession.open({ ...accountOf(running), password }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ verb: 'PASS', replyCode: 530 });
    expect(String(error)).not.toContain(password);
    const injected = await FtpSession.open({
      ...accountOf(running),
      password: `${password}\r\nDELE /x`,
    }).catch((caught: unknown) => caught);
    expect(String(injected)).not.toContain(password);
    expect(running.count('DELE')).toBe(0);
  });

  it('stays usable after a refusal, but not after a broken transfer', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running), QUICK);
    await expect(session.size('/none')).rejects.toThrow(FtpReplyError);
    await expect(text(session.download('/none'))).rejects.toMatchObject({ replyCode: 550 });
    expect(session.usable).toBe(true);
    running.inject({ on: 'STOR', action: { kind: 'transfer', afterBytes: 1, end: '426 No.' } });
    const upload = session.upload('/file', () => asyncOf(['abc']));
    await expect(upload).rejects.toMatchObject({ replyCode: 426 });
    expect(session.usable).toBe(false);
  });

  it('is given up after 421, whatever the command', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running));
    running.inject({ on: 'NOOP', action: { kind: 'reply', reply: '421 Shutting down.' } });
    await expect(session.noop()).rejects.toMatchObject({ replyCode: 421 });
    expect(session.usable).toBe(false);
  });

  it('hears why a transfer was cut off', async () => {
    const running = await start({ quotaBytes: 100_000 });
    session = await FtpSession.open(accountOf(running));
    const upload = session.upload('/file', () => endless());
    await expect(upload).rejects.toMatchObject({ replyCode: 552, replyClass: 'full' });
  });

  it('waits for a slow body and for a slow reader', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running), { silenceMs: 100, confirmationMs: 1_000 });
    await session.upload('/file', async function* () {
      yield Buffer.alloc(1_000_000);
      await pause(300);
      yield Buffer.alloc(1_000_000);
    });
    let length = 0;
    for await (const chunk of session.download('/file')) {
      if (length === 0) await pause(300);
      length += chunk.length;
    }
    expect(length).toBe(2_000_000);
  });

  it('does not read a body faster than the server takes it', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running), QUICK);
    running.inject({ on: 'STOR', action: { kind: 'transfer', afterBytes: 1, end: 'stall' } });
    let yielded = 0;
    async function* body() {
      for (;;) {
        await Promise.resolve();
        yielded += 65_536;
        yield Buffer.alloc(65_536);
      }
    }
    await expect(session.upload('/file', body)).rejects.toThrow(FtpConnectionError);
    // What the kernel buffers on both ends of a loopback connection is a few MiB at most.
    expect(yielded).toBeLessThan(32 * 1_048_576);
  });

  it('closes the body when the transfer fails', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running), QUICK);
    running.inject({ on: 'STOR', action: { kind: 'transfer', afterBytes: 1, end: 'reset' } });
    let closed = false;
    async function* body() {
      try {
        yield* endless();
      } finally {
        closed = true;
      }
    }
    await expect(session.upload('/file', body)).rejects.toThrow(FtpConnectionError);
    await pause(20);
    expect(closed).toBe(true);
  });

  it('does not open a body that the server never asked for', async () => {
    const running = await start();
    session = await FtpSession.open(accountOf(running));
    let opened = false;
    const upload = session.upload('/no/such/directory', () => {
      opened = true;
      return asyncOf(['x']);
    });
    await expect(upload).rejects.toMatchObject({ replyCode: 553 });
    expect(opened).toBe(false);
  });
});

describe('session with a server that hangs', () => {
  let server: Server;
  const sockets = new Set<Socket>();

  async function listen(greeting: string, answer: (line: string) => string): Promise<FtpAccount> {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.write(greeting);
      socket.on('data', (data) => socket.write(answer(data.toString())));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    return { host: '127.0.0.1', port, user: 'u', password: 'p' };
  }

  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it.each([
    ['before its greeting', '', () => ''],
    [
      'in the TLS handshake',
      '220 Hello\r\n',
      (line: string) => (line.startsWith('AUTH') ? '234 Go\r\n' : ''),
    ],
  ])('gives up %s', async (_name, greeting, answer) => {
    const account = await listen(greeting, answer);
    await expect(FtpSession.open(account, QUICK)).rejects.toThrow(FtpConnectionError);
  });

  it('bounds what it reads of an endless reply', async () => {
    const account = await listen(`220-${'x'.repeat(200_000)}`, () => '');
    await expect(FtpSession.open(account, QUICK)).rejects.toThrow(FtpConnectionError);
  });
});

async function* asyncOf(texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const each of texts) {
    await Promise.resolve();
    yield Buffer.from(each);
  }
}

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) {
    await Promise.resolve();
    yield Buffer.alloc(65_536);
  }
}

async function text(source: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
