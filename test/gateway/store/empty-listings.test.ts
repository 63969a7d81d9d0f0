/** vsftpd and pure-ftpd list what they cannot read as empty, without an error; Longhorn deletes every block of a volume whose backups are none. */
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpRemoteTree } from '../../../gateway/ftp/ftp-remote-tree';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf } from '../../support/bodies';
import { availableServers, startServer, type FtpServer } from '../../support/ftp-servers';
import { ACCOUNT_GID, ACCOUNT_UID } from '../../support/ftp-servers/programs';
import { accountOf } from '../../support/ftp-servers/test-servers';
import { SlowLine } from '../../support/slow-line';
import { StoreRig } from '../../support/store-rig';

const ref = (key: string) => ({ bucket: 'bucket', key });
const BACKUP = 'v/backups/backup_1.cfg';
const BLOCK = 'v/blocks/aa/bb/1.blk';

// Where no real server is found, the other suites say so.
const kinds = availableServers();
const suite = kinds.length > 0 ? describe.each(kinds) : describe.skip.each(['no server'] as never[]);

suite('a directory that %s cannot show', (kind) => {
  let server: FtpServer;
  let tree: FtpRemoteTree;
  let rig: StoreRig;

  const open = (host = '127.0.0.1', sealed = true) => {
    tree = new FtpRemoteTree({
      account: { ...accountOf(server), host },
      timeouts: { silenceMs: 2_000 },
      retry: { deadlineMs: 20_000, firstPauseMs: 20, longestPauseMs: 200 },
    });
    rig = new StoreRig({ tree, rootPath: '/files/gateway', sealed });
  };
  const onDisk = (path: string) => join(server.root, 'gateway/bucket', path);
  const put = (key: string) => rig.store.put(ref(key), bodyOf(key), DEFAULT_ATTRIBUTES);
  const keys = async (prefix: string) => {
    const page = await rig.store.list('bucket', { prefix, delimiter: '', after: '', maxKeys: 1000 });
    return page.objects.map(({ key }) => key);
  };
  const slowDown = { code: 'SlowDown' };

  beforeEach(async () => {
    server = await startServer(kind);
    open();
    await put(BACKUP);
    await put(BLOCK);
  });

  afterEach(async () => {
    await rig.close();
    await tree.close(200);
    await server.stop();
  });

  it.each([
    ['it is unreadable', 'v/backups', 0o000],
    ['it may be entered, and not be read', 'v/backups', 0o111],
    ['the directory above is unreadable', 'v', 0o000],
    ['the directory above may be entered, and not be read', 'v', 0o111],
    ['the bucket is unreadable', '', 0o000],
  ])('is neither empty nor missing while %s', async (_why, path, mode) => {
    for (const losesDisk of [true, false]) {
      await rig.restart(losesDisk);
      await rig.store.headBucket('bucket');
      chmodSync(onDisk(path), mode);
      await expect(keys('v/backups/')).rejects.toMatchObject(slowDown);
      await expect(keys('')).rejects.toMatchObject(slowDown);
      await expect(rig.store.stat(ref(BACKUP))).rejects.toMatchObject(slowDown);
      if (path === 'v/backups') expect(await keys('v/blocks/')).toEqual([BLOCK]);
      expect(rig.store.stats.directories.contradictions).toBeGreaterThan(0);
      chmodSync(onDisk(path), 0o755);
      expect(await keys('')).toEqual([BACKUP, BLOCK]);
      expect(await rig.store.stat(ref(BACKUP))).toMatchObject({ key: BACKUP });
    }
  });

  it('still shows what was proved, when it becomes unreadable later, and through a crawl', async () => {
    expect(await keys('')).toEqual([BACKUP, BLOCK]);
    chmodSync(onDisk('v/backups'), 0o000);
    rig.store.crawler.start();
    rig.store.crawler.checkSoon();
    while (rig.store.crawler.progress.checks === 0) await sleep(20);
    expect(rig.store.crawler.progress.failed).toBeGreaterThan(0);
    expect(await keys('v/backups/')).toEqual([BACKUP]);
    expect(await rig.store.stat(ref(BACKUP))).toBeDefined();
    chmodSync(onDisk('v/backups'), 0o755);
  });

  it('is empty where it surely is gone, and only there', async () => {
    rmSync(onDisk('v/backups'), { recursive: true });
    for (const losesDisk of [false, true]) {
      await rig.restart(losesDisk);
      expect(await keys('v/backups/')).toEqual([]);
      expect(await rig.store.stat(ref(BACKUP))).toBeUndefined();
      expect(await keys('')).toEqual([BLOCK]);
    }
  });

  it('is empty where it went away after the directory above was looked at', async () => {
    for (const losesDisk of [true, false]) {
      await rig.restart(losesDisk);
      const page = { prefix: '', delimiter: '/', after: 'v/x', maxKeys: 1 };
      await rig.store.list('bucket', page);
      expect(await rig.store.stat(ref('v/none'))).toBeUndefined();
      rmSync(onDisk('v/backups'), { recursive: true });
      expect(await keys('v/backups/')).toEqual([]);
      expect(await keys('')).toEqual([BLOCK]);
      expect(await rig.store.stat(ref(BACKUP))).toBeUndefined();
      await put(BACKUP);
    }
  });

  it('is gone along with all above it that went away after that was looked at', async () => {
    await rig.restart(true);
    // Looks at the directories on the way, and not at that of the block.
    expect(await rig.store.stat(ref('v/blocks/none'))).toBeUndefined();
    rmSync(onDisk('v/blocks'), { recursive: true });
    expect(await keys('')).toEqual([BACKUP]);
    expect(await rig.store.stat(ref(BLOCK))).toBeUndefined();
    await put(BLOCK);
    expect(await keys('')).toEqual([BACKUP, BLOCK]);
  });

  it('is shown whole, or not at all, when the connection breaks in the middle of its listing', async () => {
    await rig.close();
    await tree.close(200);
    // A root that holds nothing sealed: a gateway without a key serves no other.
    rmSync(join(server.root, 'gateway'), { recursive: true });
    const many = onDisk('many');
    mkdirSync(many, { recursive: true });
    const names = Array.from({ length: 900 }, (_, i) => `file-${i}-${'x'.repeat(60)}%o`);
    for (const name of names) {
      writeFileSync(join(many, name), 'x');
      chownSync(join(many, name), ACCOUNT_UID, ACCOUNT_GID);
    }
    for (const path of [join(server.root, 'gateway'), onDisk(''), many])
      chownSync(path, ACCOUNT_UID, ACCOUNT_GID);
    const { host, port, passivePorts } = server;
    const slow = { host, port, passivePorts, roundTripMs: 1, bytesPerSecond: 100_000 };
    let line = await SlowLine.start(slow);
    open(line.host, false);
    try {
      await rig.store.headBucket('bucket');
      const listed = keys('many/');
      for (let cut = 0; cut < 3; cut++) {
        await sleep(500);
        await line.stop();
        line = await SlowLine.start({ ...slow, ...(cut === 2 && { bytesPerSecond: 10_000_000 }) });
      }
      expect((await listed).length).toBe(900);
    } finally {
      await line.stop();
    }
  });
});
