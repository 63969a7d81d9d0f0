/** The commands of docs/disaster-recovery.md, run in its order against backups as they lie on an FTP server. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackupTree, BLOCK_SIZE } from '../support/backup-tree';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { LonghaulCli } from '../support/longhaul-cli';
import { randomBlock } from '../support/longhorn/block-content';

const PAGE = readFileSync(join(__dirname, '..', '..', 'docs', 'disaster-recovery.md'), 'utf8');
/** Each line in a block of code that calls the program. */
const COMMANDS = [...PAGE.matchAll(/^ *longhaul (.+)$/gm)].map(([, line = '']) => line.split(' '));
const KEY = randomBytes(32);
const SIZE = 16 * BLOCK_SIZE;
const BLOCKS = new Map([[3, randomBlock(3, BLOCK_SIZE)]]);

describe('the page for the day the cluster is gone', () => {
  let tree: BackupTree;
  let ftp: EmbeddedFtpServer;
  let cli: LonghaulCli;
  let cwd: string;

  beforeAll(async () => {
    cli = LonghaulCli.start('/nonexistent');
    cwd = mkdtempSync(join(tmpdir(), 'longhaul-disaster-'));
    tree = new BackupTree(KEY);
    for (const volume of ['pvc-1', 'pvc-on-image']) {
      await tree.putVolume(volume, SIZE, 'backup-1', volume === 'pvc-1' ? '' : 'debian');
      await tree.putBackup({ volume, name: 'backup-1', blocks: BLOCKS, createdAt: '2026-11-20T10:00:00Z' });
    }
    await tree.putBackingImage('debian', randomBlock(5, 100_000));
    ftp = await EmbeddedFtpServer.start({ root: tree.root });
  }, 60_000);

  afterAll(async () => {
    await cli.stop();
    await ftp.stop();
    tree.delete();
    rmSync(cwd, { recursive: true, force: true });
  });

  it('has commands that work, from the first to the last', async () => {
    const env = {
      FTP_HOST: ftp.host,
      FTP_PORT: String(ftp.port),
      FTP_USER: ftp.user,
      FTP_PASSWORD: ftp.password,
      FTP_TLS: 'off',
      ENCRYPTION_KEY: KEY.toString('hex'),
      S3_BUCKET: 'longhorn',
    };
    for (const args of COMMANDS) {
      const result = await cli.run(args, { env, cwd });
      expect({ args, ...result }).toMatchObject({ args, code: 0 });
    }
    expect(COMMANDS.map(([name]) => name)).toEqual([
      ...['backups', 'verify', 'verify', 'restore', 'restore', 'restore', 'export'],
    ]);
    const image = readFileSync(join(cwd, 'pvc-1.img'));
    expect(image.subarray(3 * BLOCK_SIZE, 4 * BLOCK_SIZE)).toEqual(BLOCKS.get(3));
    expect(image).toHaveLength(SIZE);
    expect(existsSync(join(cwd, 'exported', tree.volumeKey('pvc-1'), 'volume.cfg'))).toBe(true);
  }, 60_000);
});
