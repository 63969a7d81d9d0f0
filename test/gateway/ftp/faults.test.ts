import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FtpRemoteTree, type FtpRemoteTreeOptions } from '../../../gateway/ftp/ftp-remote-tree';
import {
  RemoteFull,
  RemoteRefused,
  RemoteUnavailable,
  type FileToPut,
} from '../../../gateway/ftp/remote-tree';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

const SIZE = 600_000;

describe('remote tree under faults', () => {
  let server: EmbeddedFtpServer;
  let tree: FtpRemoteTree;
  const bytes = randomBytes(SIZE);

  async function start(
    options: EmbeddedFtpServerOptions = {},
    treeOptions: Partial<FtpRemoteTreeOptions> = {},
  ): Promise<void> {
    server = await EmbeddedFtpServer.start(options);
    mkdirSync(join(server.root, 'incoming'));
    tree = new FtpRemoteTree({
      account: accountOf(server),
      timeouts: { silenceMs: 400, confirmationMs: 600 },
      retry: { deadlineMs: 5_000, firstPauseMs: 5, longestPauseMs: 50 },
      ...treeOptions,
    });
  }

  const onDisk = (path: string) => join(server.root, path);
  const file = (more: Partial<FileToPut> = {}): FileToPut => ({
    temporary: '/incoming/1',
    target: '/dir/target',
    aside: '/incoming/aside',
    replayable: true,
    body: () => pieces(bytes),
    ...more,
  });
  const stored = () => readFileSync(onDisk('dir/target')).equals(bytes);
  /** Without what the tree holds open for the next file. */
  const leftovers = () => readdirSync(onDisk('incoming'));

  afterEach(async () => {
    await tree.close(200);
    await server.stop();
  });

  describe('while storing', () => {
    it.each([
      ['421 at the greeting', { on: 'CONNECT', action: { kind: 'reply', reply: '421 Busy.' } }],
      ['421 at login', { on: 'PASS', action: { kind: 'reply', reply: '421 Too many.' } }],
      ['a stalled greeting', { on: 'CONNECT', action: { kind: 'stall' } }],
      ['425 for the data connection', { on: 'STOR', action: { kind: 'reply', reply: '425 No.' } }],
      [
        '426 in mid transfer',
        { on: 'STOR', action: { kind: 'transfer', afterBytes: 200_000, end: '426 No.' } },
      ],
      [
        '451 in mid transfer',
        { on: 'STOR', action: { kind: 'transfer', afterBytes: 200_000, end: '451 No.' } },
      ],
      ['a reset in mid transfer', { on: 'STOR', action: { kind: 'transfer', afterBytes: 9, end: 'reset' } }],
      [
        'a transfer cut short that is confirmed',
        { on: 'STOR', action: { kind: 'truncate', toBytes: SIZE - 1 } },
      ],
      ['a stall before the transfer', { on: 'STOR', action: { kind: 'stall' } }],
      ['a reset instead of the size', { on: 'SIZE', action: { kind: 'drop' } }],
      ['450 for the rename', { on: 'RNTO', action: { kind: 'reply', reply: '450 Busy.' } }],
      ['a reset before the rename', { on: 'RNTO', action: { kind: 'drop' } }],
    ] as const)('gets over %s', async (_name, fault) => {
      await start();
      server.inject(fault);
      await expect(tree.putFile(file())).resolves.toEqual({ size: SIZE, committedBy: 'rename' });
      expect(stored()).toBe(true);
      expect(server.faults.unspent).toBe(0);
      expect(leftovers()).toEqual([]);
    });

    it('gets over several faults in a row', async () => {
      await start();
      server.inject(
        { on: 'STOR', times: 2, action: { kind: 'transfer', afterBytes: 100_000, end: '426 No.' } },
        { on: 'PASS', skip: 1, action: { kind: 'drop' } },
        { on: 'RNFR', action: { kind: 'drop' } },
      );
      await tree.putFile(file());
      expect(stored()).toBe(true);
    });

    it.each(['drop', 'silence'] as const)(
      'settles a lost 226 by size (%s), without sending again',
      async (how) => {
        await start();
        server.inject({ on: 'STOR', action: { kind: 'lose-reply', with: how } });
        await tree.putFile(file({ replayable: false }));
        expect(stored()).toBe(true);
        expect(server.count('STOR')).toBe(1);
      },
    );

    it('waits longer for the 226 than for other replies', async () => {
      await start({}, { timeouts: { silenceMs: 150, confirmationMs: 5_000 } });
      server.inject({ on: 'STOR', action: { kind: 'late-reply', ms: 600 } });
      await tree.putFile(file());
      expect(tree.stats().retries).toBe(0);
    });

    it.each(['drop', 'silence'] as const)(
      'settles a lost reply to the rename by looking (%s)',
      async (how) => {
        await start();
        mkdirSync(onDisk('dir'));
        server.inject({ on: 'RNTO', action: { kind: 'lose-reply', with: how } });
        await tree.putFile(file());
        expect(stored()).toBe(true);
        expect(server.count('RNTO')).toBe(1);
      },
    );

    it('does not take an old file of the same size for the new one when its temporary directory went away', async () => {
      // The pause before the next attempt is the time to rename the directory in.
      await start({}, { retry: { deadlineMs: 5_000, firstPauseMs: 1_000, longestPauseMs: 1_000 } });
      mkdirSync(onDisk('dir'));
      writeFileSync(onDisk('dir/target'), Buffer.alloc(SIZE));
      server.inject({ on: 'RNTO', action: { kind: 'drop' } });
      const storing = tree.putFile(file());
      await until(() => server.count('RNTO') === 1);
      await new FtpRemoteTree({ account: accountOf(server) }).rename('/incoming', '/fenced');
      await expect(storing).rejects.toThrow(RemoteRefused);
      expect(readFileSync(onDisk('dir/target')).equals(Buffer.alloc(SIZE))).toBe(true);
    });

    it('sends a body that cannot be replayed at most once', async () => {
      await start();
      let opened = 0;
      const body = () => {
        opened += 1;
        return pieces(bytes);
      };
      server.inject(
        { on: 'PASS', action: { kind: 'drop' } },
        { on: 'STOR', action: { kind: 'reply', reply: '425 No.' } },
        { on: 'STOR', action: { kind: 'transfer', afterBytes: 100_000, end: 'reset' } },
      );
      await expect(tree.putFile(file({ replayable: false, body }))).rejects.toThrow(RemoteUnavailable);
      expect(opened).toBe(1);
      expect(existsSync(onDisk('dir/target'))).toBe(false);
      await until(() => leftovers().length === 0);
    });

    it('catches a truncated upload of a body that cannot be replayed', async () => {
      await start();
      server.inject({ on: 'STOR', action: { kind: 'truncate', toBytes: 10 } });
      await expect(tree.putFile(file({ replayable: false }))).rejects.toThrow(RemoteUnavailable);
      expect(existsSync(onDisk('dir/target'))).toBe(false);
    });

    it('reports a full account at once', async () => {
      await start({ quotaBytes: 1_000 });
      await expect(tree.putFile(file())).rejects.toThrow(RemoteFull);
      expect(server.count('STOR')).toBe(1);
      await until(() => leftovers().length === 0);
    });

    it('moves the old file aside on a server that does not rename over it', async () => {
      await start({ replacesOnRename: false });
      mkdirSync(onDisk('dir'));
      writeFileSync(onDisk('dir/target'), 'old');
      await expect(tree.putFile(file())).resolves.toEqual({ size: SIZE, committedBy: 'aside' });
      expect(stored()).toBe(true);
      expect(leftovers()).toEqual([]);
      expect(tree.stats().replacesOnRename).toBe(false);
      await tree.putFile(file({ temporary: '/incoming/2' }));
      await expect(tree.putFile(file({ target: '/dir/new' }))).resolves.toMatchObject({
        committedBy: 'rename',
      });
    });

    it('puts the old file back when the new one cannot take its place', async () => {
      await start({ replacesOnRename: false });
      mkdirSync(onDisk('dir'));
      writeFileSync(onDisk('dir/target'), 'old');
      server.inject({ on: 'RNTO', argument: /target/, skip: 1, action: { kind: 'reply', reply: '550 No.' } });
      await expect(tree.putFile(file())).rejects.toThrow(RemoteRefused);
      expect(readFileSync(onDisk('dir/target'), 'utf8')).toBe('old');
    });

    it.each([
      ['drop', false],
      ['silence', false],
      ['drop', true],
      ['silence', true],
    ] as const)('gets over a reply lost around an aside (%s, the old file stays: %s)', async (how, stays) => {
      for (let lost = 1; lost <= 3; lost += 1) {
        await start({ replacesOnRename: stays });
        mkdirSync(onDisk('dir'));
        writeFileSync(onDisk('dir/target'), 'old');
        server.inject({ on: 'RNTO', skip: lost - 1, action: { kind: 'lose-reply', with: how } });
        await tree.putFile(file(stays ? { keepsReplaced: () => true } : {}));
        expect(stored()).toBe(true);
        expect(leftovers()).toEqual(stays ? ['aside'] : []);
        if (stays) expect(readFileSync(onDisk('incoming/aside'), 'utf8')).toBe('old');
        if (lost < 3) {
          await tree.close();
          await server.stop();
        }
      }
    });
  });

  describe('while reading', () => {
    it.each([
      ['421 at login', { on: 'PASS', action: { kind: 'reply', reply: '421 Too many.' } }],
      ['450 for the file', { on: 'RETR', action: { kind: 'reply', reply: '450 Busy.' } }],
      [
        '426 in mid transfer',
        { on: 'RETR', action: { kind: 'transfer', afterBytes: 200_000, end: '426 No.' } },
      ],
      ['a reset in mid transfer', { on: 'RETR', action: { kind: 'transfer', afterBytes: 99, end: 'reset' } }],
      [
        'a stall in mid transfer',
        { on: 'RETR', action: { kind: 'transfer', afterBytes: 77_777, end: 'stall' } },
      ],
      [
        'a transfer cut short that is confirmed',
        { on: 'RETR', action: { kind: 'truncate', toBytes: 1_234 } },
      ],
      ['one cut before the first byte', { on: 'RETR', action: { kind: 'truncate', toBytes: 0 } }],
    ] as const)('continues at the byte where it stopped after %s', async (_name, fault) => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      server.inject(fault, { ...fault, skip: 1 });
      const read = await collect(tree.read('/file', { start: 3, end: SIZE }));
      expect(read.equals(bytes.subarray(3))).toBe(true);
      expect(tree.stats().bytesReceived).toBe(SIZE - 3);
      expect(tree.stats().retries).toBeGreaterThan(0);
    });

    it('does not wait for the end of the transfer once it has all bytes', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      server.inject({ on: 'RETR', action: { kind: 'lose-reply', with: 'silence' } });
      const read = await collect(tree.read('/file', { end: SIZE }));
      expect(read.equals(bytes)).toBe(true);
      expect(tree.stats().retries).toBe(0);
      expect(await tree.size('/file')).toBe(SIZE);
    });

    it('keeps the connection when little is left beyond the range', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      for (let round = 0; round < 5; round += 1) await collect(tree.read('/file', { end: SIZE - 1_000 }));
      await until(() => tree.stats().connections.busy === 0);
      expect(tree.stats().connections).toMatchObject({ broken: 0 });
    });

    it('refuses when the file shrinks meanwhile', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      server.inject({ on: 'RETR', action: { kind: 'transfer', afterBytes: 200_000, end: 'reset' } });
      const reading = tree.read('/file', { end: SIZE });
      let read = 0;
      const result = (async () => {
        for await (const chunk of reading) {
          if (read === 0) writeFileSync(onDisk('file'), 'short');
          read += chunk.length;
        }
      })();
      await expect(result).rejects.toThrow(RemoteRefused);
      expect(read).toBeLessThan(SIZE);
    });
  });

  describe('while looking', () => {
    it('does not believe an empty listing without proof', async () => {
      await start({ listsItself: false });
      mkdirSync(onDisk('empty'));
      expect(await tree.list('/empty')).toMatchObject({ outcome: 'unproved' });
    });

    it('does not take the silence of a server without MLSD for an empty directory', async () => {
      await start({ mlsd: false, listMissing: 'empty' });
      mkdirSync(onDisk('empty'));
      expect(await tree.list('/missing')).toMatchObject({ outcome: 'refused' });
      expect(await tree.list('/empty')).toEqual({ outcome: 'listed', entries: [] });
    });

    it('does not take a listing cut short for a whole one', async () => {
      await start();
      mkdirSync(onDisk('many'));
      for (let index = 0; index < 50; index += 1) writeFileSync(onDisk(`many/${index}`), '');
      server.inject(
        { on: 'MLSD', action: { kind: 'truncate', toBytes: 1_000 } },
        { on: 'MLSD', action: { kind: 'transfer', afterBytes: 1_000, end: '426 No.' } },
        { on: 'MLSD', action: { kind: 'transfer', afterBytes: 1_000, end: 'reset' } },
      );
      const listing = await tree.list('/many');
      expect(listing.outcome === 'listed' && listing.entries.length).toBe(50);
      expect(tree.stats().retries).toBe(3);
    });

    it('says existed, never created, after a lost reply', async () => {
      await start();
      server.inject({ on: 'MKD', action: { kind: 'lose-reply', with: 'drop' } });
      expect(await tree.makeDir('/lease')).toBe('existed');
    });

    it('settles a rename whose reply was lost', async () => {
      await start();
      writeFileSync(onDisk('from'), '');
      server.inject({ on: 'RNTO', action: { kind: 'lose-reply', with: 'drop' } });
      await tree.rename('/from', '/to');
      expect(existsSync(onDisk('to'))).toBe(true);
    });

    it('gives up at its deadline, and knows nothing', async () => {
      await start();
      server.inject({ on: 'SIZE', times: 1_000, action: { kind: 'reply', reply: '450 Busy.' } });
      await expect(tree.size('/any', { deadlineMs: 200 })).rejects.toThrow(RemoteUnavailable);
    });

    it('never reports a refused login as a refused command', async () => {
      await start();
      await tree.home();
      server.dropConnections();
      server.inject({ on: 'PASS', times: 1_000, action: { kind: 'reply', reply: '550 No.' } });
      await expect(tree.size('/any', { deadlineMs: 200 })).rejects.toThrow(RemoteUnavailable);
      await expect(tree.list('/any', { deadlineMs: 200 })).rejects.toThrow(RemoteUnavailable);
    });

    it('ends its waiting for a connection when it is told to', async () => {
      await start({}, { pool: { maxSessions: 1 } });
      server.inject({ on: 'SIZE', action: { kind: 'delay', ms: 200 } });
      const first = tree.size('/any');
      const controller = new AbortController();
      const second = tree.size('/any', { signal: controller.signal });
      const third = tree.size('/any', { deadlineMs: 50 });
      controller.abort(new Error('left'));
      await expect(second).rejects.toThrow('left');
      await expect(third).rejects.toThrow(RemoteUnavailable);
      await expect(first).resolves.toBeUndefined();
    });
  });

  describe('over a server that comes and goes', () => {
    it('waits until it is back', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      await tree.home();
      await server.kill();
      const calls = Promise.all([tree.size('/file'), tree.putFile(file()), collect(tree.read('/file'))]);
      setTimeout(() => void server.listen(), 300);
      const [size, , read] = await calls;
      expect(size).toBe(SIZE);
      expect(read.equals(bytes)).toBe(true);
      expect(stored()).toBe(true);
    });

    it('leaves no connection open after close', async () => {
      await start();
      writeFileSync(onDisk('file'), bytes);
      await Promise.all(Array.from({ length: 8 }, () => tree.size('/file')));
      const reading = tree.read('/file')[Symbol.asyncIterator]();
      await reading.next();
      await tree.close(50);
      await until(() => server.connections === 0);
      await expect(tree.size('/file')).rejects.toThrow(RemoteUnavailable);
    });
  });
});

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 50_000) {
    await Promise.resolve();
    yield bytes.subarray(start, start + 50_000);
  }
}

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Waits for something that happens in the background. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never happened');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
