import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpRemoteTree, type FtpRemoteTreeOptions } from '../../../gateway/ftp/ftp-remote-tree';
import {
  RemoteFull,
  RemoteRefused,
  RemoteUnavailable,
  type DirectoryOutcome,
  type FileToPut,
} from '../../../gateway/ftp/remote-tree';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

const SIZE = 300_000;

describe('what is prepared ahead and sent together', () => {
  let server: EmbeddedFtpServer;
  let tree: FtpRemoteTree;
  const bytes = randomBytes(SIZE);
  let files = 0;

  async function start(
    options: EmbeddedFtpServerOptions = {},
    treeOptions: Partial<FtpRemoteTreeOptions> = {},
  ): Promise<void> {
    server = await EmbeddedFtpServer.start(options);
    mkdirSync(join(server.root, 'incoming'));
    mkdirSync(join(server.root, 'dir'));
    tree = new FtpRemoteTree({
      account: accountOf(server),
      timeouts: { silenceMs: 400, confirmationMs: 600 },
      retry: { deadlineMs: 5_000, firstPauseMs: 5, longestPauseMs: 50 },
      ...treeOptions,
    });
  }

  const onDisk = (path: string) => join(server.root, path);

  async function put(target = '/dir/target', changes: Partial<FileToPut> = {}): Promise<void> {
    files += 1;
    await tree.putFile({
      temporary: `/incoming/${files}`,
      target,
      aside: '/incoming/aside',
      replayable: true,
      body: () => pieces(bytes),
      ...changes,
    });
    expect(readFileSync(onDisk(target)).equals(bytes)).toBe(true);
  }

  /** Stores one file, and waits for the data connection of the next. */
  async function putAndPrepare(): Promise<void> {
    const before = server.count('EPSV');
    await put('/dir/first');
    await until(() => server.count('EPSV') > before + 1);
    await sleep(50);
  }

  afterEach(async () => {
    await tree.close(500);
    await server.stop();
  });

  it.each(['off', 'explicit'] as const)(
    'stores over a data connection that was made ahead, TLS %s',
    async (tls) => {
      await start({ tls });
      await putAndPrepare();
      for (let round = 0; round < 3; round += 1) await put();
      expect(tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
      expect(server.count('SIZE')).toBe(4);
    },
  );

  it('sends a file that can be sent again before the server consents, and no other', async () => {
    for (const replayable of [true, false]) {
      await start({}, { pool: { maxSessions: 1 } });
      await putAndPrepare();
      server.inject({ on: 'STOR', action: { kind: 'delay', ms: 300 } });
      let opened = false;
      const body = (): AsyncIterable<Buffer> => {
        opened = true;
        return pieces(bytes);
      };
      const stored = put('/dir/target', { replayable, body });
      await until(() => server.count('STOR') === 2);
      await sleep(100);
      expect(opened).toBe(replayable);
      await stored;
      if (replayable) await tree.close(500).then(() => server.stop());
    }
  });

  it.each([
    ['552 Quota exceeded.', RemoteFull],
    ['553 Could not create file.', RemoteRefused],
  ])('tells what the server refuses that it was sent at once: %s', async (reply, error) => {
    await start();
    await putAndPrepare();
    server.inject({ on: 'STOR', action: { kind: 'reply', reply } });
    await expect(put()).rejects.toThrow(error);
    await put();
    expect(tree.stats().retries).toBe(0);
  });

  it('reads over a data connection that was made ahead', async () => {
    await start();
    writeFileSync(onDisk('file'), bytes);
    for (let round = 1; round <= 3; round += 1) {
      expect((await all(tree.read('/file', { end: SIZE }))).equals(bytes)).toBe(true);
      await until(() => server.count('EPSV') > round);
    }
    expect(tree.stats().retries).toBe(0);
  });

  it('lists over a data connection that was made ahead', async () => {
    await start();
    for (let round = 1; round <= 3; round += 1) {
      expect(await tree.list('/')).toMatchObject({ outcome: 'listed' });
      await until(() => server.count('EPSV') > round);
    }
    expect(tree.stats()).toMatchObject({ retries: 0, connections: { opened: 1 } });
  });

  describe('reading from the middle', () => {
    const middle = async () => all(tree.read('/file', { start: 100_000, end: 200_000 }));
    const expected = bytes.subarray(100_000, 200_000);

    it.each([
      ['refused', { kind: 'reply', reply: '502 Not implemented.' }],
      ['lost', { kind: 'lose-reply', with: 'silence' }],
    ] as const)(
      'asks for the file along with the byte to begin at, and apart where that was %s',
      async (_name, action) => {
        await start();
        writeFileSync(onDisk('file'), bytes);
        server.inject({ on: 'REST', action });
        for (let round = 0; round < 3; round += 1) expect((await middle()).equals(expected)).toBe(true);
        expect(tree.stats().retries).toBe(1);
        expect(server.count('REST')).toBe(4);
        expect(server.count('RETR')).toBe(4);
      },
    );

    it('takes a missing file for what it is', async () => {
      await start();
      await expect(middle()).rejects.toThrow(RemoteRefused);
      writeFileSync(onDisk('file'), bytes);
      expect((await middle()).equals(expected)).toBe(true);
      expect(tree.stats().retries).toBe(0);
    });

    it('gives up where the server cannot begin there', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      server.inject({
        on: 'REST',
        times: Infinity,
        action: { kind: 'reply', reply: '502 Not implemented.' },
      });
      await expect(middle()).rejects.toThrow(RemoteRefused);
    });
  });

  it('runs a command where a data connection was made ahead', async () => {
    await start({}, { pool: { maxSessions: 1, preparedMs: 60_000 } });
    writeFileSync(onDisk('file'), bytes);
    await putAndPrepare();
    expect(await tree.size('/file')).toBe(SIZE);
    expect((await all(tree.read('/file', { end: SIZE }))).equals(bytes)).toBe(true);
    await put();
    expect(tree.stats().connections.opened).toBe(1);
    expect(readdirSync(onDisk('incoming'))).toEqual([]);
  });

  it('drops a data connection for which no transfer comes', async () => {
    await start({}, { pool: { preparedMs: 100 } });
    await putAndPrepare();
    await sleep(300);
    const before = server.count('EPSV');
    await put();
    expect(server.count('EPSV')).toBeGreaterThan(before);
  });

  it('forgets what the server dropped', async () => {
    await start();
    await putAndPrepare();
    server.dropConnections();
    await put();
    await put();
  });

  it.each([
    ['is late', { kind: 'delay', ms: 300 }],
    ['is refused', { kind: 'reply', reply: '421 Going down.' }],
    ['names a port that nobody listens on', { kind: 'reply', reply: '229 Ready (|||1|)' }],
    ['is nonsense', { kind: 'reply', reply: '229 Ready' }],
    ['never comes', { kind: 'stall' }],
  ] as const)('stores the next file though the reply to EPSV %s', async (_name, action) => {
    await start();
    server.inject({ on: 'EPSV', skip: 1, action });
    await put();
    await put();
    await put();
    expect(server.faults.unspent).toBe(0);
  });

  it('stores the file though the data connection made ahead led to somebody else', async () => {
    await start();
    const stranger = createServer((socket) => socket.on('error', () => undefined).resume());
    stranger.listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const reply = `229 Ready (|||${(stranger.address() as AddressInfo).port}|)`;
    server.inject({ on: 'EPSV', skip: 1, action: { kind: 'reply', reply } });
    await put();
    await put();
    stranger.close();
  });

  it('asks for the rename only when the size is known to be right', async () => {
    await start();
    server.inject({ on: 'SIZE', action: { kind: 'delay', ms: 300 } });
    const stored = put();
    await until(() => server.count('SIZE') === 1);
    await sleep(150);
    expect(server.count('RNTO')).toBe(0);
    await stored;
    expect(server.count('RNTO')).toBe(1);
  });

  it.each(['213 1', '550 No such file.'])(
    'never renames a file whose size is answered with %s',
    async (reply) => {
      await start({}, { retry: { deadlineMs: 300, firstPauseMs: 5, longestPauseMs: 50 } });
      writeFileSync(onDisk('dir/target'), 'old');
      server.inject({ on: 'SIZE', times: Infinity, action: { kind: 'reply', reply } });
      await expect(put()).rejects.toThrow();
      expect(readFileSync(onDisk('dir/target'), 'utf8')).toBe('old');
      expect(server.count('RNTO')).toBe(0);
    },
  );

  it.each(['waits', 'size', 'refused'] as const)(
    'keeps the replies apart where a command during an upload: %s',
    async (duringUpload) => {
      await start({ duringUpload });
      // Late, so that SIZE comes before.
      server.inject({ on: 'STOR', times: Infinity, action: { kind: 'late-reply', ms: 50 } });
      for (let round = 0; round < 5; round += 1) await put();
      expect(tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
    },
  );

  it.each(['size', 'refused'] as const)(
    'hears of a full account where a command during an upload: %s',
    async (duringUpload) => {
      await start({ duringUpload });
      server.inject({
        on: 'STOR',
        action: { kind: 'transfer', afterBytes: SIZE, end: '552 Quota exceeded.' },
      });
      await expect(put()).rejects.toThrow('552');
    },
  );

  it('asks for no size of an upload that is over, though the next on the same connection is not', async () => {
    await start({}, { pool: { maxSessions: 1 } });
    // Teaches a long delay: the server answers SIZE before it has all.
    server.settings = { ...server.settings, duringUpload: 'size' };
    const late = { on: 'STOR', times: 12, action: { kind: 'late-reply', ms: 40 } } as const;
    server.inject({ on: 'SIZE', times: 12, action: { kind: 'reply', reply: '213 1' } }, late);
    for (let round = 0; round < 4; round += 1) await put().catch(() => undefined);
    await until(() => tree.stats().connections.busy === 0);
    const before = server.count('SIZE');
    for (let round = 0; round < 20; round += 1) await put();
    expect(server.count('SIZE') - before).toBeLessThanOrEqual(40);
    expect(tree.stats().connections.busy).toBe(0);
  });

  it('stops sending SIZE early to a server that does not hear it', async () => {
    await start({ duringUpload: 'lost' });
    server.inject({ on: 'STOR', times: Infinity, action: { kind: 'late-reply', ms: 30 } });
    await put();
    const { retries } = tree.stats();
    expect(retries).toBeGreaterThan(0);
    await put();
    await put();
    expect(tree.stats().retries).toBe(retries);
  });

  it('takes the refusal of RNFR for what it is, though RNTO was sent already', async () => {
    await start();
    writeFileSync(onDisk('dir/target'), 'old');
    server.inject({ on: 'RNFR', action: { kind: 'reply', reply: '550 Not there.' } });
    await expect(put()).rejects.toThrow(RemoteRefused);
    expect(server.count('RNTO')).toBe(1);
    expect(readFileSync(onDisk('dir/target'), 'utf8')).toBe('old');
    await put();
    expect(tree.stats().connections.broken).toBe(0);
  });

  it('gives a session up whose replies are out of step, and settles by looking', async () => {
    await start();
    server.inject(
      { on: 'RNFR', action: { kind: 'reply', reply: '550 Not there.' } },
      { on: 'RNTO', action: { kind: 'reply', reply: '250 Renamed.' } },
    );
    await put();
    expect(tree.stats().connections.broken).toBeGreaterThan(0);
  });

  it.each(['drop', 'silence'] as const)('settles a rename whose replies are both lost (%s)', async (how) => {
    await start();
    server.inject({ on: 'RNFR', action: { kind: 'lose-reply', with: how } });
    await put();
  });

  it('does one thing at a time on a server that does not answer commands one by one', async () => {
    await start();
    server.inject({ on: 'NOOP', skip: 1, action: { kind: 'reply', reply: '503 Bad sequence.' } });
    await put();
    await put();
    await sleep(50);
    expect(server.count('EPSV')).toBe(2);
    expect(server.count('STOR')).toBe(2);
  });

  it('makes directories in one go, and says which it made', async () => {
    await start();
    expect(await tree.makeDirs(['/dir', '/dir/a', '/dir/a/b'])).toEqual(['existed', 'created', 'created']);
    await expect(tree.makeDirs(['/none/a'])).rejects.toThrow(RemoteRefused);
    server.inject({ on: 'MKD', skip: 1, action: { kind: 'lose-reply', with: 'drop' } });
    expect(await tree.makeDirs(['/dir/c', '/dir/c/d'])).toEqual(['existed', 'existed']);
    server.inject({ on: 'MKD', times: Infinity, action: { kind: 'reply', reply: '450 Busy.' } });
    await expect(tree.makeDirs(['/dir/e'], { deadlineMs: 100 })).rejects.toThrow(RemoteUnavailable);
  });

  it('lets no file come to its place before it may, and none at all where it may not', async () => {
    await start();
    let allow = (): void => undefined;
    const allowed = new Promise<void>((resolve) => (allow = resolve));
    const putting = put('/dir/target', { mayCommit: () => allowed });
    await until(() => server.count('STOR') === 1);
    await sleep(100);
    expect(server.count('RNTO')).toBe(0);
    allow();
    await putting;
    const forbidden = new Error('no');
    await expect(put('/dir/other', { mayCommit: () => Promise.reject(forbidden) })).rejects.toBe(forbidden);
    await until(() => readdirSync(onDisk('incoming')).length === 0);
    expect(readdirSync(onDisk('dir'))).toEqual(['target']);
  });

  describe('with directories that lead to a file', () => {
    let outcomes: (readonly DirectoryOutcome[])[];
    const into = (...paths: string[]): Partial<FileToPut> => ({
      newDirectories: {
        paths,
        made: async (made) => {
          expect(server.count('RNTO')).toBe(0);
          outcomes.push(made);
          await Promise.resolve();
        },
      },
    });
    beforeEach(() => {
      outcomes = [];
    });

    it.each(['off', 'explicit'] as const)('makes them along with it, TLS %s', async (tls) => {
      await start({ tls });
      await put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
      expect(tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
      expect(server.count('MKD')).toBe(2);
    });

    it('tells of them while the file is still on its way, and waits for whoever wants to know', async () => {
      await start();
      let isTold = false;
      await put('/dir/a/file', {
        newDirectories: {
          paths: ['/dir/a'],
          made: async () => {
            isTold = true;
            await sleep(100);
            expect(server.count('RNTO')).toBe(0);
          },
        },
        async *body() {
          for await (const piece of pieces(bytes)) yield piece;
          while (!isTold) await sleep(5);
        },
      });
      expect(tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
    });

    it('tells of them anew where the first to be told could not be heard', async () => {
      await start();
      server.inject({ on: 'MKD', action: { kind: 'reply', reply: '550 It is there.' } });
      server.inject({ on: 'CWD', action: { kind: 'lose-reply', with: 'drop' } });
      mkdirSync(onDisk('dir/a'));
      await put('/dir/a/file', into('/dir/a'));
      expect(outcomes).toEqual([['existed']]);
    });

    it('says which were there', async () => {
      await start();
      mkdirSync(onDisk('dir/a'));
      await put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['existed', 'created']]);
    });

    it('does so one by one on a server that does not answer commands one by one', async () => {
      await start();
      server.inject({ on: 'NOOP', skip: 1, action: { kind: 'reply', reply: '503 Bad sequence.' } });
      await put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
    });

    it.each([
      ['is lost', { kind: 'lose-reply', with: 'drop' }],
      ['never comes', { kind: 'stall' }],
    ] as const)('takes one for found whose answer %s', async (_name, action) => {
      await start();
      server.inject({ on: 'MKD', skip: 1, action });
      await put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0]?.[0]).toBe('existed');
    });

    it('knows what it made although the confirmation of the upload is lost', async () => {
      await start();
      server.inject({ on: 'STOR', action: { kind: 'lose-reply', with: 'drop' } });
      await put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
    });

    it('refuses the file where one can neither be made nor is there', async () => {
      await start();
      await expect(put('/none/a/file', into('/none/a'))).rejects.toThrow(RemoteRefused);
      expect(outcomes).toEqual([]);
    });

    it('leaves everything as it was when their maker wants no file in them', async () => {
      await start();
      const unwanted = new Error('taken');
      const newDirectories = { paths: ['/dir/a'], made: () => Promise.reject(unwanted) };
      await expect(put('/dir/a/file', { newDirectories })).rejects.toBe(unwanted);
      await until(() => readdirSync(onDisk('incoming')).length === 0);
      expect(readdirSync(onDisk('dir/a'))).toEqual([]);
    });
  });
});

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 65_536) {
    await Promise.resolve();
    yield bytes.subarray(start, start + 65_536);
  }
}

async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never happened');
    await sleep(10);
  }
}
