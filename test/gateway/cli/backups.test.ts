/** The commands that read backups without a gateway, from the outside. */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupTree, BLOCK_SIZE } from '../../support/backup-tree';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { LonghaulCli } from '../../support/longhaul-cli';
import { compressibleBlock, randomBlock } from '../../support/longhorn/block-content';

const KEY = randomBytes(32);
const VOLUME = 'pvc-1';
const SIZE = 64 * BLOCK_SIZE;
const FIRST = new Map([0, 1, 5].map((place) => [place, compressibleBlock(place + 1, BLOCK_SIZE)]));
const SECOND = new Map([...FIRST, [1, randomBlock(9, BLOCK_SIZE)]]);
const IMAGE = randomBlock(50, 3 * 2 ** 20 + 512);

function imageOf(blocks: ReadonlyMap<number, Buffer>): Buffer {
  const image = Buffer.alloc(SIZE);
  for (const [place, block] of blocks) block.copy(image, place * BLOCK_SIZE);
  return image;
}

describe('without a cluster', () => {
  const cli = LonghaulCli.start('/nonexistent');
  let tree: BackupTree;
  let ftp: EmbeddedFtpServer;
  let directory: string;
  let env: Record<string, string>;
  const run = (...args: string[]) => cli.run(args, { env });

  beforeAll(async () => {
    tree = new BackupTree(KEY);
    await tree.putVolume(VOLUME, SIZE, 'second');
    await tree.putBackup({ volume: VOLUME, name: 'first', blocks: FIRST, createdAt: '2026-11-20T10:00:00Z' });
    await tree.putBackup({
      volume: VOLUME,
      name: 'second',
      blocks: SECOND,
      createdAt: '2026-11-21T10:00:00Z',
    });
    await tree.putDocument({ volume: VOLUME, name: 'stub', blocks: new Map(), createdAt: '' });
    await tree.putVolume('pvc-on-image', SIZE, 'only', 'debian');
    await tree.putBackup({
      volume: 'pvc-on-image',
      name: 'only',
      blocks: new Map([[0, randomBlock(70, BLOCK_SIZE)]]),
      createdAt: '2026-11-21T10:00:00Z',
    });
    await tree.putBackingImage('debian', IMAGE);
    await tree.putSystemBackup('sys-1', randomBlock(80, 100_000));
    ftp = await EmbeddedFtpServer.start({ root: tree.root, listMissing: 'empty' });
    env = {
      FTP_HOST: ftp.host,
      FTP_PORT: String(ftp.port),
      FTP_USER: ftp.user,
      FTP_PASSWORD: ftp.password,
      FTP_TLS: 'off',
      FTP_RETRY_SECONDS: '2',
      ENCRYPTION_KEY: KEY.toString('hex'),
      S3_BUCKET: 'longhorn',
    };
  }, 60_000);

  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'longhaul-restore-'))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  afterAll(async () => {
    await cli.stop();
    await ftp.stop();
    tree.delete();
  });

  it('lists volumes, backups, backing images and system backups', async () => {
    const { code, stdout } = await run('backups');
    expect(stdout).toMatch(
      /^pvc-1 +1\.0 MiB +first +2026-11-20 10:00 UTC +48\.0 KiB +RecurringJob=nightly +complete$/m,
    );
    expect(stdout).toMatch(/^pvc-1 .* stub +- +- .*in progress$/m);
    expect(stdout).toMatch(/^pvc-on-image +1\.0 MiB on debian +only/m);
    expect(stdout).toMatch(/^debian +2026-11-20 10:01 UTC +3\.0 MiB/m);
    expect(stdout).toMatch(/^sys-1 +v1\.12\.1$/m);
    expect(code).toBe(0);
  });

  it('finds all of it restorable', async () => {
    const { code, stdout } = await run('verify');
    expect(stdout).toMatch(/^pvc-1 +first +restorable +3 of 3/m);
    expect(stdout).toMatch(/^pvc-1 +stub +in progress/m);
    expect(stdout).toMatch(/^\(backing image\) +debian +restorable +2 of 2/m);
    expect(stdout).toMatch(/^\(system v1\.12\.1\) +sys-1 +restorable/m);
    expect(stdout).toMatch(/^5 restorable, 0 damaged, 0 unknown, 1 in progress; 7 of 7 blocks at level 3/m);
    expect(code).toBe(0);
  });

  it('tells which offsets are damaged, and ends with 1', async () => {
    const key = tree.blockKey(VOLUME, SECOND.get(1)!);
    const sound = readFileSync(tree.file(key));
    tree.damage(key, (bytes) => bytes.subarray(1));
    const { code, stdout } = await run('-o', 'json', 'verify', VOLUME);
    tree.damage(key, () => sound);
    const report = JSON.parse(stdout) as { sets: { backups: unknown[] }[]; counts: unknown };
    expect(code).toBe(1);
    expect(report.counts).toMatchObject({ restorable: 1, damaged: 1, unknown: 0 });
    expect(report.sets[0]?.backups).toContainEqual(
      expect.objectContaining({ name: 'second', verdict: 'damaged', faultyOffsets: [BLOCK_SIZE] }),
    );
  });

  it('counts a block that was written again as mended', async () => {
    const state = join(directory, 'state.json');
    const key = tree.blockKey(VOLUME, SECOND.get(1)!);
    const sound = readFileSync(tree.file(key));
    tree.damage(key, (bytes) => bytes.subarray(1));
    // The share of one day hardly ever has that block; the first run reads it because it reads everything.
    expect((await run('verify', '--state', state)).code).toBe(1);
    const again = await run('verify', '--state', state, '--share', '1/1000');
    expect(again.stdout).toMatch(/^pvc-1 +second +damaged/m);
    tree.damage(key, () => sound);
    const mended = await run('verify', '--state', state, '--share', '1/1000');
    expect(mended.stdout).toContain(`mended since the last time: ${key}\n`);
    expect(mended.code).toBe(0);
  });

  it('restores the latest backup to a sparse image', async () => {
    const path = join(directory, 'pvc-1.img');
    const { code, stdout } = await run('restore', VOLUME, '--to', path);
    expect(stdout).toBe(
      `pvc-1, backup second: 3 blocks of 1.0 MiB; every block has its hash.\n${path} is whole.\n`,
    );
    expect(code).toBe(0);
    expect(readFileSync(path).equals(imageOf(SECOND))).toBe(true);
    expect(statSync(path).blocks * 512).toBeLessThan(SIZE / 2);
    expect(readdirSync(directory)).toEqual(['pvc-1.img']);
  });

  it('overwrites nothing unless told so', async () => {
    const path = join(directory, 'pvc-1.img');
    writeFileSync(path, 'precious');
    const refused = await run('restore', VOLUME, '--to', path, '--backup', 'first');
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('--overwrite');
    expect(readFileSync(path, 'utf8')).toBe('precious');
    expect((await run('restore', VOLUME, '--to', path, '--backup', 'first', '--overwrite')).code).toBe(0);
    expect(readFileSync(path).equals(imageOf(FIRST))).toBe(true);
  });

  it('goes on where it stopped, and trusts nothing that it finds', async () => {
    const path = join(directory, 'pvc-1.img');
    const partial = imageOf(SECOND);
    randomBlock(4, BLOCK_SIZE).copy(partial, 5 * BLOCK_SIZE);
    partial.fill(7, 40 * BLOCK_SIZE, 40 * BLOCK_SIZE + 10);
    writeFileSync(`${path}.partial`, partial);
    const { code, stdout } = await run('restore', VOLUME, '--to', path);
    expect(stdout).toContain('3 blocks of 1.0 MiB, 2 of them there already');
    expect(code).toBe(0);
    expect(readFileSync(path).equals(imageOf(SECOND))).toBe(true);
  });

  it('does not give an image its name that is not whole', async () => {
    const path = join(directory, 'pvc-1.img');
    const key = tree.blockKey(VOLUME, SECOND.get(1)!);
    const sound = readFileSync(tree.file(key));
    tree.remove(key);
    const { code, stdout } = await run('restore', VOLUME, '--to', path);
    tree.putFile(key, sound);
    expect(stdout).toContain(`1 block could not be restored:\n  at ${BLOCK_SIZE}: It is missing.\n`);
    expect(stdout).toContain(`${path}.partial is NOT whole`);
    expect(code).toBe(1);
    expect(existsSync(path)).toBe(false);
  });

  it('restores a volume on a backing image only together with that', async () => {
    const path = join(directory, 'volume.img');
    const image = join(directory, 'debian.img');
    const refused = await run('restore', 'pvc-on-image', '--to', path);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('stands on the backing image debian');
    expect((await run('restore', 'debian', '--image', '--to', image)).code).toBe(0);
    expect(readFileSync(image).equals(IMAGE)).toBe(true);
    expect((await run('restore', 'pvc-on-image', '--to', path, '--base', image)).code).toBe(0);
    const expected = IMAGE.subarray(0, SIZE);
    randomBlock(70, BLOCK_SIZE).copy(expected);
    expect(readFileSync(path).equals(expected)).toBe(true);
  });

  it('exports everything as Longhorn itself keeps it', async () => {
    const target = join(directory, 'export');
    const { code, stdout } = await run('export', '--to', target);
    expect(stdout).toMatch(/^\d+ objects written/);
    expect(code).toBe(0);
    const plain = new BackupTree(undefined);
    const exported = (key: string): Buffer => readFileSync(join(target, key));
    const config = JSON.parse(exported(plain.backupKey(VOLUME, 'second')).toString()) as {
      Blocks: unknown[];
    };
    expect(config.Blocks).toHaveLength(3);
    expect(exported(plain.blockKey(VOLUME, SECOND.get(1)!)).readUInt32LE()).toBe(0x184d2204);
    plain.delete();
    const again = await run('export', '--to', target);
    expect(again.stdout).toMatch(/, 7 there already,/);
  });

  it.each([
    [
      'a volume that is not there',
      ['restore', 'pvc-9', '--to', '/tmp/x'],
      /There is no backup of volume pvc-9/,
    ],
    [
      'a backup that is not there',
      ['restore', VOLUME, '--backup', 'x1', '--to', '/tmp/x'],
      /no backup x1 of volume/,
    ],
    ['a backup in progress', ['restore', VOLUME, '--backup', 'stub', '--to', '/tmp/x'], /in progress/],
    ['a directory', ['restore', VOLUME, '--to', '/tmp'], /neither a file nor a block device/],
  ])('says that it cannot restore %s', async (_name, args, message) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
  });

  it.each([
    [['verify', '--level', '4'], /Write 1, 2 or 3/],
    [['verify', '--share', '31/30'], /1\/30/],
    [['verify', '--limit', 'fast'], /500K or 20M/],
    [['verify', '--endpoint', 'ftp://host'], /http:\/\/host:port/],
    [['restore', VOLUME], /--to/],
  ])('ends with 2 for %j', async (args, message) => {
    const { code, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  it('ends with 2, naming what is missing, without an account', async () => {
    const { code, stderr } = await cli.run(['backups'], { env: {} });
    expect(stderr).toMatch(/FTP_HOST is not set/);
    expect(code).toBe(2);
  });

  it('ends with 1 and no verdict while the FTP server is out of reach', async () => {
    const { code, stdout, stderr } = await cli.run(['verify'], {
      env: { ...env, FTP_PORT: '1', FTP_RETRY_SECONDS: '0' },
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('gave up');
  });

  describe('beside a gateway', () => {
    const own = (): string => join(tree.root, '_longhaul');
    beforeAll(() => mkdirSync(own()));
    afterEach(() => ftp.faults.clear());

    it('leaves the result of a whole verification where the gateway finds it', async () => {
      await run('verify', VOLUME);
      await run('verify', '--level', '1');
      expect(readdirSync(own())).toEqual([]);
      const { stderr } = await run('verify', '--share', '1/30');
      expect(stderr).not.toContain('cannot be recorded');
      expect(readdirSync(own())).toEqual([expect.stringMatching(/^verification-\d{13}-longhorn$/)]);
    });

    it('verifies all the same with an account that may only read, and says what is missing', async () => {
      const reply = '550 Permission denied.';
      ftp.inject({ on: 'STOR', times: Infinity, action: { kind: 'reply', reply } });
      const before = readdirSync(own());
      const { code, stdout, stderr } = await run('verify');
      expect(stdout).toMatch(/^\d+ restorable, 0 damaged, 0 unknown/m);
      expect(code).toBe(0);
      expect(stderr).toContain('The result cannot be recorded on the FTP server');
      expect(readdirSync(own())).toEqual(before);
    });
  });
});
