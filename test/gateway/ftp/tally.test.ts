import { FtpRemoteTree } from '../../../gateway/ftp/ftp-remote-tree';
import { RemoteFull } from '../../../gateway/ftp/remote-tree';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

describe('what an FTP account is counted for', () => {
  let server: EmbeddedFtpServer;
  let tree: FtpRemoteTree;

  async function start(options: EmbeddedFtpServerOptions): Promise<void> {
    server = await EmbeddedFtpServer.start(options);
    tree = new FtpRemoteTree({ account: accountOf(server), retry: { deadlineMs: 2_000, firstPauseMs: 10 } });
    await tree.makeDir('/incoming');
  }

  afterEach(async () => {
    await tree.close(200);
    await server.stop();
  });

  const put = (bytes: number) =>
    tree.putFile({
      ...{ temporary: '/incoming/1', target: '/file', aside: '/incoming/aside', replayable: true },
      body: async function* () {
        await Promise.resolve();
        yield Buffer.alloc(bytes);
      },
    });

  async function readAll(): Promise<void> {
    let bytes = 0;
    for await (const chunk of tree.read('/file', { end: 500_000 })) bytes += chunk.length;
    expect(bytes).toBe(500_000);
  }

  it('is the commands that the server saw', async () => {
    await start({ tls: 'explicit' });
    await put(1_000);
    await tree.size('/file');
    // What it prepares for the next transfer is under way otherwise.
    await new Promise((resolve) => setTimeout(resolve, 50));
    // It counts the connection as a command.
    const seen = [...server.commands].filter(([verb]) => verb !== 'CONNECT');
    expect(Object.fromEntries(tree.stats().commands)).toEqual(Object.fromEntries(seen));
  });

  it('is the classes of its replies', async () => {
    await start({ quotaBytes: 100 });
    await expect(put(1_000)).rejects.toThrow(RemoteFull);
    expect(await tree.size('/missing')).toBeUndefined();
    server.inject({ on: 'SIZE', action: { kind: 'reply', reply: '450 Busy.' } });
    await tree.size('/missing');
    server.inject({ on: 'SIZE', action: { kind: 'drop' } });
    await tree.size('/missing');
    const { outcomes } = tree.stats();
    expect(outcomes).toMatchObject({ full: 1, transient: 1, denied: 0, 'connection-failed': 1 });
    expect(outcomes.refused).toBeGreaterThanOrEqual(3);
  });

  it('is the downloads that went on where they broke, and no others', async () => {
    await start({});
    await put(500_000);
    server.inject({ on: 'RETR', action: { kind: 'reply', reply: '425 No.' } });
    await readAll();
    expect(tree.stats()).toMatchObject({ retries: 1, resumes: 0 });
    server.inject({ on: 'RETR', action: { kind: 'truncate', toBytes: 1_234 } });
    await readAll();
    expect(tree.stats()).toMatchObject({ retries: 2, resumes: 1 });
  });

  it('is when the server last answered, which a lost connection is not', async () => {
    await start({});
    const before = tree.stats().lastReplyAt;
    expect(before).toBeGreaterThan(Date.now() - 60_000);
    await server.kill();
    await expect(tree.size('/file')).rejects.toThrow();
    expect(tree.stats().lastReplyAt).toBe(before);
  });

  it('is the end of its certificate, with TLS', async () => {
    await start({ tls: 'explicit' });
    expect(tree.stats().certificateExpiresAt).toBeGreaterThan(Date.now());
  });

  it('is no certificate without TLS', async () => {
    await start({});
    expect(tree.stats().certificateExpiresAt).toBeUndefined();
  });

  it('is the space left, where FEAT offers AVBL', async () => {
    await start({ quotaBytes: 5_000 });
    await put(1_000);
    expect(await tree.availableBytes('/')).toBe(4_000);
  });

  it('is unknown space where FEAT does not', async () => {
    await start({});
    expect(await tree.availableBytes('/')).toBeUndefined();
    expect(server.count('AVBL')).toBe(0);
  });
});
