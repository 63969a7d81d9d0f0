import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FtpRemoteTreeOptions } from '../../../gateway/ftp/ftp-remote-tree';
import {
  RemoteFull,
  RemoteRefused,
  type DirectoryOutcome,
  type FileToPut,
} from '../../../gateway/ftp/remote-tree';
import { all, pieces, PutRig, SIZE, until } from './put-rig';

describe('an upload that begins before its bytes are there', () => {
  const rig = new PutRig();
  afterEach(() => rig.stop());

  const start = (pool: FtpRemoteTreeOptions['pool'] = {}) => rig.start({ tls: 'explicit' }, { pool });
  const incoming = () => readdirSync(rig.onDisk('incoming'));

  /** Stores a file, and waits until the server waits for the bytes of the next. */
  async function begin(): Promise<void> {
    const before = rig.server.count('STOR');
    await rig.put('/dir/first');
    await until(() => rig.server.count('STOR') > before && incoming().length === 1);
    await sleep(50);
  }

  it('takes the next file without asking the server again', async () => {
    await start();
    await begin();
    rig.server.inject({ on: 'STOR', times: Infinity, action: { kind: 'reply', reply: '553 No more.' } });
    await rig.put();
    expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
    expect(incoming()).toEqual([]);
  });

  it('is only for TLS, where bytes cannot go out along with STOR', async () => {
    await rig.start();
    for (let round = 0; round < 3; round += 1) await rig.put().then(() => sleep(50));
    expect(rig.server.count('STOR')).toBe(3);
  });

  it('gives every file its own, however many are stored at once', async () => {
    await start();
    const store = async (index: number) => {
      const bytes = randomBytes(SIZE + index);
      await rig.tree.putFile({
        temporary: `/incoming/many-${index}`,
        target: `/dir/many-${index}`,
        aside: '/incoming/aside',
        replayable: true,
        body: () => pieces(bytes),
      });
      expect(readFileSync(rig.onDisk(`dir/many-${index}`)).equals(bytes)).toBe(true);
    };
    let next = 0;
    const worker = async () => {
      while (next < 60) await store(next++);
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
  });

  it('ends, and leaves no file, when none comes', async () => {
    await start({ preparedMs: 200 });
    await begin();
    await until(() => incoming().length === 0);
    await rig.put();
    expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
  });

  it('makes way for anything else', async () => {
    await start({ maxSessions: 2, preparedMs: 60_000 });
    writeFileSync(rig.onDisk('file'), rig.bytes);
    await begin();
    expect(await rig.tree.size('/file')).toBe(SIZE);
    expect(incoming()).toEqual([]);
    await begin();
    expect((await all(rig.tree.read('/file', { end: SIZE }))).equals(rig.bytes)).toBe(true);
    await begin();
    await rig.put('/dir/target', { replayable: false });
    expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
  });

  it('leaves a connection to others', async () => {
    await start({ maxSessions: 2, preparedMs: 60_000 });
    await Promise.all([rig.put('/dir/a'), rig.put('/dir/b')]);
    await sleep(200);
    expect(incoming()).toHaveLength(1);
    rig.server.inject({ on: 'DELE', action: { kind: 'stall' } });
    await rig.tree.size('/dir/a');
    expect(incoming()).toHaveLength(1);
  });

  it('is nothing for a server that allows one connection', async () => {
    await start({ maxSessions: 1 });
    for (let round = 0; round < 3; round += 1) await rig.put().then(() => sleep(50));
    expect(rig.server.count('STOR')).toBe(3);
  });

  it('is for files whose temporary names are in its directory only', async () => {
    await start();
    mkdirSync(rig.onDisk('elsewhere'));
    await begin();
    rig.server.inject({ on: 'RNFR', argument: /incoming/, action: { kind: 'reply', reply: '550 Gone.' } });
    await rig.put('/dir/target', { temporary: '/elsewhere/1' });
    expect(rig.server.faults.unspent).toBe(1);
  });

  it.each([
    ['is refused', { kind: 'reply', reply: '553 Could not create file.' }],
    ['is told to wait', { kind: 'reply', reply: '450 Busy.' }],
    ['drops the connection', { kind: 'drop' }],
    ['never gets an answer', { kind: 'stall' }],
  ] as const)('costs nothing but the try, and is not tried again soon, where it %s', async (_how, action) => {
    await start();
    rig.server.inject({ on: 'STOR', skip: 1, action });
    await rig.put('/dir/first');
    await until(() => rig.server.faults.unspent === 0);
    await sleep(500);
    await rig.put();
    await rig.put();
    await sleep(100);
    expect(rig.server.count('STOR')).toBe(4);
    expect(rig.tree.stats().retries).toBe(0);
  });

  it('is repeated where the server has dropped it unnoticed', async () => {
    await start();
    await begin();
    const stored = rig.put();
    rig.server.dropConnections();
    await stored;
    await rig.put();
  });

  it.each(['426 Idle.', 'reset', 'stall'] as const)(
    'is repeated where its bytes meet with: %s',
    async (end) => {
      await start();
      rig.server.inject({ on: 'STOR', skip: 1, action: { kind: 'transfer', afterBytes: 0, end } });
      await begin();
      await rig.put();
      expect(rig.server.faults.unspent).toBe(0);
      expect(rig.tree.stats().retries).toBe(1);
    },
  );

  it('tells of a full account', async () => {
    await start();
    const end = '552 Quota exceeded.';
    rig.server.inject({ on: 'STOR', skip: 1, action: { kind: 'transfer', afterBytes: 1_000, end } });
    await begin();
    await expect(rig.put()).rejects.toThrow(RemoteFull);
    await until(() => incoming().every((name) => name.includes('.next')));
  });

  it('passes on what a body throws, and leaves nothing of it', async () => {
    await start({ preparedMs: 300 });
    await begin();
    const failure = new Error('broken off');
    const body = async function* () {
      yield* pieces(rig.bytes);
      await Promise.reject(failure);
    };
    await expect(rig.put('/dir/target', { body })).rejects.toBe(failure);
    await until(() => incoming().length === 0);
    expect(readdirSync(rig.onDisk('dir'))).toEqual(['first']);
  });

  describe('with directories that lead to a file', () => {
    let outcomes: (readonly DirectoryOutcome[])[];
    const into = (...paths: string[]): Partial<FileToPut> => ({
      newDirectories: {
        paths,
        made: async (made) => {
          expect(rig.server.count('RNTO')).toBe(1);
          outcomes.push(made);
          await sleep(50);
          expect(rig.server.count('RNTO')).toBe(1);
        },
      },
    });
    /** Opens a second connection, which is free. */
    const openAnother = async () => {
      await Promise.all([rig.tree.size('/dir'), rig.tree.size('/dir')]);
      expect(rig.tree.stats().connections.idle).toBe(2);
    };
    beforeEach(() => {
      outcomes = [];
    });

    it.each([true, false])(
      'has them made elsewhere, or when it is over: another connection %s',
      async (free) => {
        await start();
        if (free) await openAnother();
        await begin();
        rig.server.inject({ on: 'STOR', times: Infinity, action: { kind: 'reply', reply: '553 No more.' } });
        let madeBefore: number | undefined;
        await rig.put('/dir/a/b/file', {
          ...into('/dir/a', '/dir/a/b'),
          async *body() {
            yield* pieces(rig.bytes);
            await sleep(200);
            madeBefore = rig.server.count('MKD');
          },
        });
        expect(madeBefore).toBe(free ? 2 : 0);
        expect(outcomes).toEqual([['created', 'created']]);
        expect(rig.tree.stats()).toMatchObject({ retries: 0, connections: { broken: 0 } });
      },
    );

    it('is not given up while somebody is still being told of them', async () => {
      await start();
      await openAnother();
      await begin();
      let isTold = false;
      const newDirectories = {
        paths: ['/dir/a'],
        made: async () => {
          await sleep(200);
          isTold = true;
        },
      };
      const failure = new Error('broken off');
      const body = async function* () {
        yield* pieces(rig.bytes);
        await sleep(50);
        await Promise.reject(failure);
      };
      await expect(rig.put('/dir/a/file', { newDirectories, body })).rejects.toBe(failure);
      expect(isTold).toBe(true);
    });

    it('takes them for found where the connection that makes them is lost', async () => {
      await start();
      await openAnother();
      await begin();
      rig.server.inject({ on: 'MKD', action: { kind: 'lose-reply', with: 'drop' } });
      await rig.put('/dir/a/file', into('/dir/a'));
      expect(outcomes).toEqual([['existed']]);
    });

    it('refuses the file where one can neither be made nor is there', async () => {
      await start();
      await openAnother();
      await begin();
      await expect(rig.put('/none/a/file', into('/none/a'))).rejects.toThrow(RemoteRefused);
      expect(outcomes).toEqual([]);
    });

    it('leaves everything as it was when their maker wants no file in them', async () => {
      await start();
      await openAnother();
      await begin();
      const unwanted = new Error('taken');
      const newDirectories = { paths: ['/dir/a'], made: () => Promise.reject(unwanted) };
      await expect(rig.put('/dir/a/file', { newDirectories })).rejects.toBe(unwanted);
      await until(() => incoming().every((name) => name.includes('.next')));
      expect(readdirSync(rig.onDisk('dir/a'))).toEqual([]);
    });
  });
});
