import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, posix } from 'node:path';
import { FtpRemoteTree } from '../../../gateway/ftp/ftp-remote-tree';
import {
  RemoteLoginDenied,
  RemoteError,
  RemoteRefused,
  type FileToPut,
} from '../../../gateway/ftp/remote-tree';
import { accountOf, testServers, type RunningServer } from '../../support/ftp-servers/test-servers';

const MEBIBYTE = 1_048_576;

describe.each(testServers())('remote tree on $name', ({ name, ...testServer }) => {
  let server: RunningServer;
  let tree: FtpRemoteTree;
  let fileNumber = 0;

  const at = (path: string) => posix.join(server.path, path);
  const onDisk = (path: string) => join(server.root, path);
  /** Without what the tree holds open for the next file. */
  const leftovers = () => readdirSync(onDisk('incoming')).filter((name) => !name.includes('.next'));

  /** A file of these chunks on its way to `target`. */
  const fileOf = (target: string, chunks: readonly Buffer[], more: Partial<FileToPut> = {}): FileToPut => ({
    temporary: at(`incoming/${(fileNumber += 1)}`),
    target: at(target),
    aside: at(`${target}.aside`),
    replayable: true,
    body: () => asyncOf(chunks),
    ...more,
  });

  beforeAll(async () => {
    server = await testServer.start();
    tree = new FtpRemoteTree({ account: accountOf(server), retry: { deadlineMs: 10_000 } });
    await tree.makeDir(at('incoming'));
  });
  afterAll(async () => {
    await tree.close();
    await server.stop();
  });

  it('stores a file under its name and leaves nothing else', async () => {
    const bytes = randomBytes(3 * MEBIBYTE + 17);
    const stored = await tree.putFile(fileOf('whole', chunksOf(bytes, 100_000)));
    expect(stored).toEqual({ size: bytes.length, committedBy: 'rename' });
    expect(readFileSync(onDisk('whole')).equals(bytes)).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  it('replaces a file', async () => {
    await tree.putFile(fileOf('replaced', [Buffer.from('old and longer')]));
    await tree.putFile(fileOf('replaced', [Buffer.from('new')]));
    expect(readFileSync(onDisk('replaced'), 'utf8')).toBe('new');
    expect(existsSync(onDisk('replaced.aside'))).toBe(false);
  });

  it('keeps a replaced file aside where that is asked for, once all bytes are there', async () => {
    const keepsReplaced = jest.fn(() => true);
    expect(await tree.putFile(fileOf('kept-aside', [Buffer.from('old')], { keepsReplaced }))).toMatchObject({
      committedBy: 'rename',
    });
    const body = jest.fn(() => {
      expect(keepsReplaced).toHaveBeenCalledTimes(1);
      return asyncOf([Buffer.from('new')]);
    });
    expect(await tree.putFile(fileOf('kept-aside', [], { body, keepsReplaced }))).toMatchObject({
      committedBy: 'aside',
    });
    expect(keepsReplaced).toHaveBeenCalledTimes(2);
    expect(readFileSync(onDisk('kept-aside'), 'utf8')).toBe('new');
    expect(readFileSync(onDisk('kept-aside.aside'), 'utf8')).toBe('old');
  });

  it('stores an empty file', async () => {
    expect(await tree.putFile(fileOf('empty', []))).toMatchObject({ size: 0 });
    expect(await tree.size(at('empty'))).toBe(0);
    expect(tree.stats().retries).toBe(0);
  });

  it('makes the directories above a target, also after somebody removed them', async () => {
    await tree.putFile(fileOf('a/b/c/first', [Buffer.from('1')]));
    await tree.remove(at('a/b/c/first'));
    await tree.removeDir(at('a/b/c'));
    await tree.removeDir(at('a/b'));
    await tree.putFile(fileOf('a/b/c/second', [Buffer.from('2')]));
    expect(readFileSync(onDisk('a/b/c/second'), 'utf8')).toBe('2');
  });

  it('stores files in parallel', async () => {
    const names = Array.from({ length: 24 }, (_, index) => `parallel/d${index % 5}/f${index}`);
    await Promise.all(names.map((name) => tree.putFile(fileOf(name, [Buffer.from(name)]))));
    expect(names.map((name) => readFileSync(onDisk(name), 'utf8'))).toEqual(names);
    const { opened, broken } = tree.stats().connections;
    expect(opened - broken).toBeLessThanOrEqual(4);
  });

  it('refuses to store through a temporary directory that is missing, and does not make it', async () => {
    const file = fileOf('fenced', [Buffer.from('late')], { temporary: at('nowhere/1'), replayable: false });
    await expect(tree.putFile(file)).rejects.toThrow(RemoteRefused);
    expect(existsSync(onDisk('nowhere'))).toBe(false);
    expect(existsSync(onDisk('fenced'))).toBe(false);
  });

  it('passes on what a body throws, keeps the old file, and removes the partial one', async () => {
    await tree.putFile(fileOf('kept', [Buffer.from('old')]));
    const failure = new Error('wrong signature');
    async function* body() {
      yield Buffer.alloc(200_000);
      await Promise.resolve();
      throw failure;
    }
    await expect(tree.putFile(fileOf('kept', [], { body }))).rejects.toBe(failure);
    expect(readFileSync(onDisk('kept'), 'utf8')).toBe('old');
    await eventually(() => expect(leftovers()).toEqual([]));
  });

  it('reads any range of a file', async () => {
    const bytes = randomBytes(2 * MEBIBYTE);
    writeFileSync(onDisk('ranges'), bytes);
    const ranges: [number, number][] = [
      [0, bytes.length],
      [0, 1],
      [1, 70_000],
      [bytes.length - 1, bytes.length],
      [500_000, bytes.length],
      [7, 7],
    ];
    for (const [start, end] of ranges) {
      const read = await collect(tree.read(at('ranges'), { start, end }));
      expect(read.equals(bytes.subarray(start, end))).toBe(true);
    }
    expect((await collect(tree.read(at('ranges')))).equals(bytes)).toBe(true);
  });

  it('goes on working after reads that were given up', async () => {
    writeFileSync(onDisk('long'), Buffer.alloc(8 * MEBIBYTE));
    for (let round = 0; round < 6; round += 1) {
      for await (const chunk of tree.read(at('long'))) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    }
    expect(await tree.size(at('long'))).toBe(8 * MEBIBYTE);
  });

  it('never reads less than was asked for', async () => {
    writeFileSync(onDisk('short'), 'abc');
    await expect(collect(tree.read(at('short'), { end: 4 }))).rejects.toThrow(RemoteRefused);
    await expect(collect(tree.read(at('short'), { start: 5, end: 6 }))).rejects.toThrow(RemoteRefused);
    await expect(collect(tree.read(at('missing'), { end: 1 }))).rejects.toThrow(RemoteRefused);
    await expect(collect(tree.read(at('missing')))).rejects.toThrow(RemoteRefused);
  });

  it('lists files and directories', async () => {
    mkdirSync(onDisk('listed/inner'), { recursive: true });
    writeFileSync(onDisk('listed/file'), 'four');
    writeFileSync(onDisk('listed/with space'), '');
    const listing = await tree.list(at('listed'));
    const entries = listing.outcome === 'listed' ? listing.entries : [];
    expect(
      entries
        .map(({ name, type, size }) => ({ name, type, size }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    ).toEqual([
      { name: 'file', type: 'file', size: 4 },
      { name: 'inner', type: 'directory', size: undefined },
      { name: 'with space', type: 'file', size: 0 },
    ]);
  });

  it('proves that an empty directory is empty', async () => {
    mkdirSync(onDisk('hollow'));
    expect(await tree.list(at('hollow'))).toEqual({ outcome: 'listed', entries: [] });
  });

  it('does not take a missing directory, or a file, for an empty one', async () => {
    writeFileSync(onDisk('plain'), 'x');
    expect(await tree.list(at('absent'))).toMatchObject({ outcome: 'refused' });
    expect(await tree.list(at('absent/deeper'))).toMatchObject({ outcome: 'refused' });
    expect(await tree.list(at('plain'))).toMatchObject({ outcome: 'refused' });
  });

  if (!name.startsWith('embedded')) {
    it('does not take an unreadable directory for an empty one', async () => {
      mkdirSync(onDisk('locked'));
      writeFileSync(onDisk('locked/hidden'), 'x');
      chmodSync(onDisk('locked'), 0o311);
      const listing = await tree.list(at('locked'));
      expect(listing.outcome).not.toBe('listed');
    });
  }

  it('tells directories and files apart', async () => {
    mkdirSync(onDisk('kinds'));
    writeFileSync(onDisk('kinds/file'), 'abc');
    expect(await tree.isDirectory(at('kinds'))).toBe(true);
    expect(await tree.isDirectory(at('kinds/file'))).toBe(false);
    expect(await tree.isDirectory(at('kinds/none'))).toBe(false);
    expect(await tree.size(at('kinds/file'))).toBe(3);
    expect(await tree.size(at('kinds'))).toBeUndefined();
    expect(await tree.size(at('kinds/none'))).toBeUndefined();
  });

  it('says of one caller only that it made a directory', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => tree.makeDir(at('lease'))));
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    await expect(tree.makeDir(at('no/parent'))).rejects.toThrow(RemoteRefused);
  });

  it('removes files and empty directories, and does not mind missing ones', async () => {
    mkdirSync(onDisk('full'));
    chmodSync(onDisk('full'), 0o777);
    writeFileSync(onDisk('full/file'), 'x');
    await tree.remove(at('full/none'));
    await tree.removeDir(at('none'));
    await expect(tree.removeDir(at('full'))).rejects.toThrow(RemoteRefused);
    await tree.remove(at('full/file'));
    expect(existsSync(onDisk('full/file'))).toBe(false);
    await expect(tree.remove(at('full/file'))).resolves.toBeUndefined();
  });

  it('renames files and whole directories, but into no directory that is missing', async () => {
    await tree.putFile(fileOf('from/file', [Buffer.from('moved')]));
    // pure-ftpd calls it a passing trouble.
    await expect(tree.rename(at('from'), at('trash/to'), { deadlineMs: 500 })).rejects.toBeInstanceOf(
      RemoteError,
    );
    expect(existsSync(onDisk('trash'))).toBe(false);
    await tree.makeDir(at('trash'));
    await tree.rename(at('from'), at('trash/to'));
    expect(readFileSync(onDisk('trash/to/file'), 'utf8')).toBe('moved');
    expect(await tree.isDirectory(at('from'))).toBe(false);
    await expect(tree.rename(at('from'), at('elsewhere'))).rejects.toThrow(RemoteRefused);
  });

  it('lets one of several renames of one directory succeed', async () => {
    await tree.makeDir(at('epoch'));
    const targets = Array.from({ length: 4 }, (_, index) => at(`fenced-${index}`));
    const outcomes = await Promise.allSettled(targets.map((target) => tree.rename(at('epoch'), target)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('throws the reason of an abort', async () => {
    writeFileSync(onDisk('aborted'), Buffer.alloc(8 * MEBIBYTE));
    const controller = new AbortController();
    const reason = new Error('client went away');
    const reading = collect(tree.read(at('aborted'), { signal: controller.signal }), () =>
      controller.abort(reason),
    );
    await expect(reading).rejects.toBe(reason);
    await expect(tree.size(at('aborted'), { signal: controller.signal })).rejects.toBe(reason);
  });

  it('refuses paths that are not plain', async () => {
    for (const path of ['relative', '/a//b', '/a/../b', '/a/.', '/a/', '/a\r\nDELE b', '/é', '/ a', '']) {
      await expect(tree.size(path)).rejects.toThrow(TypeError);
    }
  });

  it('knows the directory that the account starts in', async () => {
    expect(await tree.isDirectory(await tree.home())).toBe(true);
  });

  if (!name.startsWith('vsftpd')) {
    it('reports wrong credentials at once, and does not try them again soon', async () => {
      const account = { ...accountOf(server), password: 'wrong' };
      const denied = new FtpRemoteTree({ account });
      await expect(denied.size(at('any'))).rejects.toThrow(RemoteLoginDenied);
      await expect(denied.size(at('any'))).rejects.toThrow(RemoteLoginDenied);
      expect(denied.stats().connections.failedLogins).toBe(1);
      await denied.close();
    });
  }

  it('keeps the size on disk of what it reports', async () => {
    const { size } = await tree.putFile(fileOf('counted', chunksOf(randomBytes(70_001), 1_000)));
    expect(statSync(onDisk('counted')).size).toBe(size);
  });
});

async function* asyncOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}

function chunksOf(bytes: Buffer, length: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += length)
    chunks.push(bytes.subarray(start, start + length));
  return chunks;
}

async function collect(source: AsyncIterable<Buffer>, onChunk?: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) {
    chunks.push(chunk);
    onChunk?.();
  }
  return Buffer.concat(chunks);
}

async function eventually(assertion: () => void): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return assertion();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
