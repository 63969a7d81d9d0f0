import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  RemoteFull,
  RemoteRefused,
  RemoteUnavailable,
  type DirectoryOutcome,
  type FileToPut,
} from '../../../gateway/ftp/remote-tree';
import { all, pieces, PutRig, SIZE, until } from './put-rig';

describe('what is prepared ahead and sent together', () => {
  const rig = new PutRig();
  afterEach(() => rig.stop());

  it.each(['off', 'explicit'] as const)(
    'stores over a data connection that was made ahead, TLS %s',
    async (tls) => {
      await rig.start({ tls });
      await rig.putAndPrepare();
      for (let round = 0; round < 3; round += 1) await rig.put();
      expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
      expect(rig.server.count('SIZE')).toBe(4);
    },
  );

  it('sends a file that can be sent again before the server consents, and no other', async () => {
    for (const replayable of [true, false]) {
      await rig.start({}, { pool: { maxSessions: 1 } });
      await rig.putAndPrepare();
      rig.server.inject({ on: 'STOR', action: { kind: 'delay', ms: 300 } });
      let opened = false;
      const body = (): AsyncIterable<Buffer> => {
        opened = true;
        return pieces(rig.bytes);
      };
      const stored = rig.put('/dir/target', { replayable, body });
      await until(() => rig.server.count('STOR') === 2);
      await sleep(100);
      expect(opened).toBe(replayable);
      await stored;
      if (replayable) await rig.stop();
    }
  });

  it.each([
    ['552 Quota exceeded.', RemoteFull],
    ['553 Could not create file.', RemoteRefused],
  ])('tells what the server refuses that it was sent at once: %s', async (reply, error) => {
    await rig.start();
    await rig.putAndPrepare();
    rig.server.inject({ on: 'STOR', action: { kind: 'reply', reply } });
    await expect(rig.put()).rejects.toThrow(error);
    await rig.put();
    expect(rig.tree.stats().retries).toBe(0);
  });

  it('reads over a data connection that was made ahead', async () => {
    await rig.start();
    writeFileSync(rig.onDisk('file'), rig.bytes);
    for (let round = 1; round <= 3; round += 1) {
      expect((await all(rig.tree.read('/file', { end: SIZE }))).equals(rig.bytes)).toBe(true);
      await until(() => rig.server.count('EPSV') > round);
    }
    expect(rig.tree.stats().retries).toBe(0);
  });

  it('lists over a data connection that was made ahead', async () => {
    await rig.start();
    for (let round = 1; round <= 3; round += 1) {
      expect(await rig.tree.list('/')).toMatchObject({ outcome: 'listed' });
      await until(() => rig.server.count('EPSV') > round);
    }
    expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { opened: 1 } });
  });

  describe('reading from the middle', () => {
    const middle = async () => all(rig.tree.read('/file', { start: 100_000, end: 200_000 }));
    const expected = rig.bytes.subarray(100_000, 200_000);

    it.each([
      ['refused', { kind: 'reply', reply: '502 Not implemented.' }],
      ['lost', { kind: 'lose-reply', with: 'silence' }],
    ] as const)(
      'asks for the file along with the byte to begin at, and apart where that was %s',
      async (_name, action) => {
        await rig.start();
        writeFileSync(rig.onDisk('file'), rig.bytes);
        rig.server.inject({ on: 'REST', action });
        for (let round = 0; round < 3; round += 1) expect((await middle()).equals(expected)).toBe(true);
        expect(rig.tree.stats().retries).toBe(1);
        expect(rig.server.count('REST')).toBe(4);
        expect(rig.server.count('RETR')).toBe(4);
      },
    );

    it('takes a missing file for what it is', async () => {
      await rig.start();
      await expect(middle()).rejects.toThrow(RemoteRefused);
      writeFileSync(rig.onDisk('file'), rig.bytes);
      expect((await middle()).equals(expected)).toBe(true);
      expect(rig.tree.stats().retries).toBe(0);
    });

    it('gives up where the server cannot begin there', async () => {
      await rig.start();
      writeFileSync(rig.onDisk('file'), rig.bytes);
      rig.server.inject({
        on: 'REST',
        times: Infinity,
        action: { kind: 'reply', reply: '502 Not implemented.' },
      });
      await expect(middle()).rejects.toThrow(RemoteRefused);
    });
  });

  it('runs a command where a data connection was made ahead', async () => {
    await rig.start({}, { pool: { maxSessions: 1, preparedMs: 60_000 } });
    writeFileSync(rig.onDisk('file'), rig.bytes);
    await rig.putAndPrepare();
    expect(await rig.tree.size('/file')).toBe(SIZE);
    expect((await all(rig.tree.read('/file', { end: SIZE }))).equals(rig.bytes)).toBe(true);
    await rig.put();
    expect(rig.tree.stats().connections.opened).toBe(1);
    expect(readdirSync(rig.onDisk('incoming'))).toEqual([]);
  });

  it('drops a data connection for which no transfer comes', async () => {
    await rig.start({}, { pool: { preparedMs: 100 } });
    await rig.putAndPrepare();
    await sleep(300);
    const before = rig.server.count('EPSV');
    await rig.put();
    expect(rig.server.count('EPSV')).toBeGreaterThan(before);
  });

  it('forgets what the server dropped', async () => {
    await rig.start();
    await rig.putAndPrepare();
    rig.server.dropConnections();
    await rig.put();
    await rig.put();
  });

  it.each([
    ['is late', { kind: 'delay', ms: 300 }],
    ['is refused', { kind: 'reply', reply: '421 Going down.' }],
    ['names a port that nobody listens on', { kind: 'reply', reply: '229 Ready (|||1|)' }],
    ['is nonsense', { kind: 'reply', reply: '229 Ready' }],
    ['never comes', { kind: 'stall' }],
  ] as const)('stores the next file though the reply to EPSV %s', async (_name, action) => {
    await rig.start();
    rig.server.inject({ on: 'EPSV', skip: 1, action });
    await rig.put();
    await rig.put();
    await rig.put();
    expect(rig.server.faults.unspent).toBe(0);
  });

  it('asks for the port of the next data connection along with the rename', async () => {
    await rig.start({ latencyMs: 50 }, { pool: { maxSessions: 1 } });
    for (let round = 1; round <= 3; round += 1) {
      await rig.put();
      expect(rig.server.count('EPSV')).toBe(round + 1);
      await sleep(100);
    }
    expect(rig.server.count('EPSV')).toBe(4);
    expect(rig.tree.stats().retries).toBe(0);
  });

  it('stores the file though the data connection made ahead led to somebody else', async () => {
    await rig.start();
    const stranger = createServer((socket) => socket.on('error', () => undefined).resume());
    stranger.listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const reply = `229 Ready (|||${(stranger.address() as AddressInfo).port}|)`;
    rig.server.inject({ on: 'EPSV', skip: 1, action: { kind: 'reply', reply } });
    await rig.put();
    await rig.put();
    stranger.close();
  });

  it('asks for the rename only when the size is known to be right', async () => {
    await rig.start();
    rig.server.inject({ on: 'SIZE', action: { kind: 'delay', ms: 300 } });
    const stored = rig.put();
    await until(() => rig.server.count('SIZE') === 1);
    await sleep(150);
    expect(rig.server.count('RNTO')).toBe(0);
    await stored;
    expect(rig.server.count('RNTO')).toBe(1);
  });

  it.each(['213 1', '550 No such file.'])(
    'never renames a file whose size is answered with %s',
    async (reply) => {
      await rig.start({}, { retry: { deadlineMs: 300, firstPauseMs: 5, longestPauseMs: 50 } });
      writeFileSync(rig.onDisk('dir/target'), 'old');
      rig.server.inject({ on: 'SIZE', times: Infinity, action: { kind: 'reply', reply } });
      await expect(rig.put()).rejects.toThrow();
      expect(readFileSync(rig.onDisk('dir/target'), 'utf8')).toBe('old');
      expect(rig.server.count('RNTO')).toBe(0);
    },
  );

  it.each(['waits', 'size', 'refused'] as const)(
    'keeps the replies apart where a command during an upload: %s',
    async (duringUpload) => {
      await rig.start({ duringUpload });
      // Late, so that SIZE comes before.
      rig.server.inject({ on: 'STOR', times: Infinity, action: { kind: 'late-reply', ms: 50 } });
      for (let round = 0; round < 5; round += 1) await rig.put();
      expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
    },
  );

  it.each(['size', 'refused'] as const)(
    'hears of a full account where a command during an upload: %s',
    async (duringUpload) => {
      await rig.start({ duringUpload });
      rig.server.inject({
        on: 'STOR',
        action: { kind: 'transfer', afterBytes: SIZE, end: '552 Quota exceeded.' },
      });
      await expect(rig.put()).rejects.toThrow('552');
    },
  );

  it('asks for no size of an upload that is over, though the next on the same connection is not', async () => {
    await rig.start({}, { pool: { maxSessions: 1 } });
    // Teaches a long delay: the server answers SIZE before it has all.
    rig.server.settings = { ...rig.server.settings, duringUpload: 'size' };
    const late = { on: 'STOR', times: 12, action: { kind: 'late-reply', ms: 40 } } as const;
    rig.server.inject({ on: 'SIZE', times: 12, action: { kind: 'reply', reply: '213 1' } }, late);
    for (let round = 0; round < 4; round += 1) await rig.put().catch(() => undefined);
    await until(() => rig.tree.stats().connections.busy === 0);
    const before = rig.server.count('SIZE');
    for (let round = 0; round < 20; round += 1) await rig.put();
    expect(rig.server.count('SIZE') - before).toBeLessThanOrEqual(40);
    expect(rig.tree.stats().connections.busy).toBe(0);
  });

  it('stops sending SIZE early to a server that does not hear it', async () => {
    await rig.start({ duringUpload: 'lost' });
    rig.server.inject({ on: 'STOR', times: Infinity, action: { kind: 'late-reply', ms: 30 } });
    await rig.put();
    const { retries } = rig.tree.stats();
    expect(retries).toBeGreaterThan(0);
    await rig.put();
    await rig.put();
    expect(rig.tree.stats().retries).toBe(retries);
  });

  it('takes the refusal of RNFR for what it is, though RNTO was sent already', async () => {
    await rig.start();
    writeFileSync(rig.onDisk('dir/target'), 'old');
    rig.server.inject({ on: 'RNFR', action: { kind: 'reply', reply: '550 Not there.' } });
    await expect(rig.put()).rejects.toThrow(RemoteRefused);
    expect(rig.server.count('RNTO')).toBe(1);
    expect(readFileSync(rig.onDisk('dir/target'), 'utf8')).toBe('old');
    await rig.put();
    expect(rig.tree.stats().connections.broken).toBe(0);
  });

  it('gives a session up whose replies are out of step, and settles by looking', async () => {
    await rig.start();
    rig.server.inject(
      { on: 'RNFR', action: { kind: 'reply', reply: '550 Not there.' } },
      { on: 'RNTO', action: { kind: 'reply', reply: '250 Renamed.' } },
    );
    await rig.put();
    expect(rig.tree.stats().connections.broken).toBeGreaterThan(0);
  });

  it.each(['drop', 'silence'] as const)('settles a rename whose replies are both lost (%s)', async (how) => {
    await rig.start();
    rig.server.inject({ on: 'RNFR', action: { kind: 'lose-reply', with: how } });
    await rig.put();
  });

  it('does one thing at a time on a server that does not answer commands one by one', async () => {
    await rig.start();
    rig.server.inject({ on: 'NOOP', skip: 1, action: { kind: 'reply', reply: '503 Bad sequence.' } });
    await rig.put();
    await rig.put();
    await sleep(50);
    expect(rig.server.count('EPSV')).toBe(2);
    expect(rig.server.count('STOR')).toBe(2);
  });

  it('makes directories in one go, and says which it made', async () => {
    await rig.start();
    expect(await rig.tree.makeDirs(['/dir', '/dir/a', '/dir/a/b'])).toEqual([
      'existed',
      'created',
      'created',
    ]);
    await expect(rig.tree.makeDirs(['/none/a'])).rejects.toThrow(RemoteRefused);
    rig.server.inject({ on: 'MKD', skip: 1, action: { kind: 'lose-reply', with: 'drop' } });
    expect(await rig.tree.makeDirs(['/dir/c', '/dir/c/d'])).toEqual(['existed', 'existed']);
    rig.server.inject({ on: 'MKD', times: Infinity, action: { kind: 'reply', reply: '450 Busy.' } });
    await expect(rig.tree.makeDirs(['/dir/e'], { deadlineMs: 100 })).rejects.toThrow(RemoteUnavailable);
  });

  it('lets no file come to its place before it may, and none at all where it may not', async () => {
    await rig.start();
    let allow = (): void => undefined;
    const allowed = new Promise<void>((resolve) => (allow = resolve));
    const putting = rig.put('/dir/target', { mayCommit: () => allowed });
    await until(() => rig.server.count('STOR') === 1);
    await sleep(100);
    expect(rig.server.count('RNTO')).toBe(0);
    allow();
    await putting;
    const forbidden = new Error('no');
    await expect(rig.put('/dir/other', { mayCommit: () => Promise.reject(forbidden) })).rejects.toBe(
      forbidden,
    );
    await until(() => readdirSync(rig.onDisk('incoming')).length === 0);
    expect(readdirSync(rig.onDisk('dir'))).toEqual(['target']);
  });

  describe('with directories that lead to a file', () => {
    let outcomes: (readonly DirectoryOutcome[])[];
    const into = (...paths: string[]): Partial<FileToPut> => ({
      newDirectories: {
        paths,
        made: async (made) => {
          expect(rig.server.count('RNTO')).toBe(0);
          outcomes.push(made);
          await Promise.resolve();
        },
      },
    });
    beforeEach(() => {
      outcomes = [];
    });

    it.each(['off', 'explicit'] as const)('makes them along with it, TLS %s', async (tls) => {
      await rig.start({ tls });
      await rig.put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
      expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
      expect(rig.server.count('MKD')).toBe(2);
    });

    it('tells of them while the file is still on its way, and waits for whoever wants to know', async () => {
      await rig.start();
      let isTold = false;
      await rig.put('/dir/a/file', {
        newDirectories: {
          paths: ['/dir/a'],
          made: async () => {
            isTold = true;
            await sleep(100);
            expect(rig.server.count('RNTO')).toBe(0);
          },
        },
        async *body() {
          for await (const piece of pieces(rig.bytes)) yield piece;
          while (!isTold) await sleep(5);
        },
      });
      expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
    });

    it('tells of them anew where the first to be told could not be heard', async () => {
      await rig.start();
      rig.server.inject({ on: 'MKD', action: { kind: 'reply', reply: '550 It is there.' } });
      rig.server.inject({ on: 'CWD', action: { kind: 'lose-reply', with: 'drop' } });
      mkdirSync(rig.onDisk('dir/a'));
      await rig.put('/dir/a/file', into('/dir/a'));
      expect(outcomes).toEqual([['existed']]);
    });

    it('says which were there', async () => {
      await rig.start();
      mkdirSync(rig.onDisk('dir/a'));
      await rig.put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['existed', 'created']]);
    });

    it('does so one by one on a server that does not answer commands one by one', async () => {
      await rig.start();
      rig.server.inject({ on: 'NOOP', skip: 1, action: { kind: 'reply', reply: '503 Bad sequence.' } });
      await rig.put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
    });

    it.each([
      ['is lost', { kind: 'lose-reply', with: 'drop' }],
      ['never comes', { kind: 'stall' }],
    ] as const)('takes one for found whose answer %s', async (_name, action) => {
      await rig.start();
      rig.server.inject({ on: 'MKD', skip: 1, action });
      await rig.put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0]?.[0]).toBe('existed');
    });

    it('knows what it made although the confirmation of the upload is lost', async () => {
      await rig.start();
      rig.server.inject({ on: 'STOR', action: { kind: 'lose-reply', with: 'drop' } });
      await rig.put('/dir/a/b/file', into('/dir/a', '/dir/a/b'));
      expect(outcomes).toEqual([['created', 'created']]);
    });

    it('refuses the file where one can neither be made nor is there', async () => {
      await rig.start();
      await expect(rig.put('/none/a/file', into('/none/a'))).rejects.toThrow(RemoteRefused);
      expect(outcomes).toEqual([]);
    });

    it('leaves everything as it was when their maker wants no file in them', async () => {
      await rig.start();
      const unwanted = new Error('taken');
      const newDirectories = { paths: ['/dir/a'], made: () => Promise.reject(unwanted) };
      await expect(rig.put('/dir/a/file', { newDirectories })).rejects.toBe(unwanted);
      await until(() => readdirSync(rig.onDisk('incoming')).length === 0);
      expect(readdirSync(rig.onDisk('dir/a'))).toEqual([]);
    });
  });
});
