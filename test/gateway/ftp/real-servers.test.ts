import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpRemoteTree, type FtpRemoteTreeOptions } from '../../../gateway/ftp/ftp-remote-tree';
import { RemoteUnavailable } from '../../../gateway/ftp/remote-tree';
import { availableServers, startServer, type FtpServer, type StartOptions } from '../../support/ftp-servers';
import { accountOf } from '../../support/ftp-servers/test-servers';
import { SlowLine } from '../../support/slow-line';

const SIZE = 16 * 1_048_576;

// Where no real server is found, the other suites say so.
const kinds = availableServers();
const suite = kinds.length > 0 ? describe.each(kinds) : describe.skip.each(['no server'] as never[]);

suite('real %s', (kind) => {
  let server: FtpServer;
  let tree: FtpRemoteTree;
  const bytes = randomBytes(SIZE);

  async function start(options: StartOptions = {}, more: Partial<FtpRemoteTreeOptions> = {}): Promise<void> {
    server = await startServer(kind, options);
    tree = new FtpRemoteTree({
      account: accountOf(server),
      timeouts: { silenceMs: 500, confirmationMs: 1_000 },
      retry: { deadlineMs: 20_000, firstPauseMs: 20, longestPauseMs: 200 },
      ...more,
    });
    await tree.makeDir('/files/incoming');
  }

  const onDisk = (path: string) => join(server.root, path);
  const put = (body: () => AsyncIterable<Buffer>, replayable = true) =>
    tree.putFile({
      temporary: '/files/incoming/1',
      target: '/files/target',
      aside: '/files/incoming/aside',
      body,
      replayable,
    });

  /** Yields the bytes, and does something to the server in the middle, the first time. */
  function disturbed(disturb: () => unknown): () => AsyncIterable<Buffer> {
    let done = false;
    return async function* () {
      for (let start = 0; start < SIZE; start += 262_144) {
        if (!done && start >= SIZE / 2) {
          done = true;
          await disturb();
        }
        yield bytes.subarray(start, start + 262_144);
      }
    };
  }

  afterEach(async () => {
    await tree.close(200);
    await server.stop();
  });

  it('exchanges keys in the group that the server wants, without being told so each time', async () => {
    server = await startServer(kind, { tls: true });
    const { host, port, passivePorts } = server;
    let hellos = 0;
    // Records of a handshake whose message is a ClientHello (RFC 8446, sections 4 and 5.1); what comes later is encrypted.
    const onSent = (chunk: Buffer): void => {
      for (let at = 0; at + 5 < chunk.length && chunk[at + 1] === 3; at += 5 + chunk.readUInt16BE(at + 3))
        if (chunk[at] === 22 && chunk[at + 5] === 1) hellos += 1;
    };
    const line = await SlowLine.start({ host, port, passivePorts, roundTripMs: 1, onSent });
    tree = new FtpRemoteTree({
      account: { ...accountOf(server), host: line.host },
      pool: { maxSessions: 1 },
    });
    await tree.makeDir('/files/incoming');
    const before = hellos;
    for (let round = 0; round < 3; round += 1) await put(() => asyncOf([Buffer.from('bytes')]));
    await sleep(200);
    expect(hellos - before).toBe(tree.stats().commands.get('EPSV'));
    await tree.close(200);
    await line.stop();
  });

  describe.each([false, true])('with TLS %s', (tls) => {
    it('has the whole file after a restart in mid upload', async () => {
      await start({ tls });
      await put(disturbed(() => server.restart()));
      expect(readFileSync(onDisk('target')).equals(bytes)).toBe(true);
    });

    it('has the whole file after a freeze in mid upload', async () => {
      await start({ tls });
      const thawLater = () => {
        server.freeze();
        setTimeout(() => server.thaw(), 1_200);
      };
      await put(disturbed(thawLater));
      await sleep(100);
      expect(readFileSync(onDisk('target')).equals(bytes)).toBe(true);
    });

    it('keeps the old file when an upload that cannot be repeated breaks', async () => {
      await start({ tls });
      await put(() => asyncOf([Buffer.from('old')]));
      await expect(
        put(
          disturbed(() => server.restart()),
          false,
        ),
      ).rejects.toThrow(RemoteUnavailable);
      expect(readFileSync(onDisk('target'), 'utf8')).toBe('old');
    });

    it.each(['restart', 'freeze'] as const)('reads on at the same byte after a %s', async (how) => {
      await start({ tls });
      writeFileSync(onDisk('file'), bytes);
      const parts: Buffer[] = [];
      let length = 0;
      let disturbed = false;
      for await (const chunk of tree.read('/files/file')) {
        parts.push(chunk);
        length += chunk.length;
        if (disturbed || length < 1_000_000) continue;
        disturbed = true;
        if (how === 'restart') await server.restart();
        else {
          server.freeze();
          setTimeout(() => server.thaw(), 1_200);
        }
      }
      expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    });
  });

  it('waits for a connection of its own when the server allows fewer', async () => {
    await start({ maxClients: 2 }, { pool: { maxSessions: 6 } });
    writeFileSync(onDisk('file'), 'abc');
    // One session may serve them all before the server has turned the other logins away: ask until it has.
    do {
      const sizes = await Promise.all(Array.from({ length: 30 }, () => tree.size('/files/file')));
      expect(sizes).toEqual(Array.from({ length: 30 }, () => 3));
    } while (tree.stats().connections.limit > 2);
    expect(tree.stats().connections.failedLogins).toBeGreaterThan(0);
  });

  it('lists a large directory whole, or not at all', async () => {
    await start({ maxListed: 500 });
    mkdirSync(onDisk('many'));
    for (let index = 0; index < 600; index += 1) writeFileSync(onDisk(`many/${index}`), '');
    const listing = tree.list('/files/many');
    if (kind === 'pure-ftpd') await expect(listing).rejects.toThrow(RemoteUnavailable);
    else expect(await listing.then((each) => each.outcome === 'listed' && each.entries.length)).toBe(600);
  });

  it('keeps what cannot be replaced', async () => {
    await start({}, { retry: { deadlineMs: 500 } });
    mkdirSync(onDisk('target'));
    chownSync(onDisk('target'), 0, 0);
    await expect(put(() => asyncOf([Buffer.from('new')]))).rejects.toThrow();
    expect(statSync(onDisk('target')).isDirectory()).toBe(true);
  });
});

async function* asyncOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}
