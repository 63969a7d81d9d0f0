/** What a verification leaves on the FTP server, and how the next run and the gateway read it. */
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isWhole, recordOf, type VerificationRecord } from '../../../gateway/backups/verify/record';
import { RecordFiles } from '../../../gateway/backups/verify/record-files';
import { RemoteRefused } from '../../../gateway/ftp/remote-tree';
import { FtpRemoteTree } from '../../../gateway/ftp/ftp-remote-tree';
import { createKeyring } from '../../../gateway/seal/keyring';
import { RemoteLayout } from '../../../gateway/store/remote-layout';
import { openFtpSource, verifyAll } from '../../support/backup-reader';
import { BackupTree, BLOCK_SIZE, BUCKET } from '../../support/backup-tree';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { randomBlock } from '../../support/longhorn/block-content';

const KEY = randomBytes(32);
const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-25T10:00:00Z');
const TARGET = { bucket: BUCKET, path: '' };
const BLOCKS = new Map(Array.from({ length: 8 }, (_, place) => [place, randomBlock(place + 1, BLOCK_SIZE)]));

describe('the record of a verification', () => {
  let tree: BackupTree;
  let ftp: EmbeddedFtpServer;
  let remote: FtpRemoteTree;
  let own: string;

  beforeEach(async () => {
    tree = new BackupTree(KEY);
    await tree.putVolume('pvc-1', 8 * BLOCK_SIZE, 'backup-1');
    await tree.putBackup({
      ...{ volume: 'pvc-1', name: 'backup-1', blocks: BLOCKS },
      createdAt: '2026-11-20T10:00:00Z',
    });
    own = join(tree.root, '_longhaul');
    mkdirSync(own);
    ftp = await EmbeddedFtpServer.start({ root: tree.root });
    const { host, port, user, password } = ftp;
    remote = new FtpRemoteTree({
      account: { host, port, user, password, security: 'none' },
      retry: { deadlineMs: 2_000, firstPauseMs: 20 },
    });
  });
  afterEach(async () => {
    await remote.close();
    await ftp.stop();
    tree.delete();
  });

  const files = (more: Partial<ConstructorParameters<typeof RecordFiles>[0]> = {}): RecordFiles =>
    new RecordFiles({
      ...{ tree: remote, layout: new RemoteLayout('/'), bucket: BUCKET, readPlain: false },
      ...{ keyring: createKeyring({ writeKey: KEY }), now: () => START + 2 * DAY_MS },
      ...more,
    });

  async function run(at: number, previous?: VerificationRecord): Promise<VerificationRecord> {
    const source = openFtpSource(ftp, { keys: [KEY] });
    const share = { part: 1, of: 4 };
    const report = await verifyAll(source, { share, now: () => at, ...(previous && { previous }) });
    await source.close();
    return recordOf(report, TARGET, previous);
  }

  const names = (): string[] => readdirSync(own).sort();

  it('is found again as it was written, sealed, and tells of each volume', async () => {
    const record = await run(START);
    await files().write(record);
    expect(await files().newest()).toEqual(record);
    expect(record.sets).toEqual([
      expect.objectContaining({ volume: 'pvc-1', restorable: 1, damaged: 0, blocks: 8, damagedBlocks: 0 }),
    ]);
    expect(names()).toEqual([`verification-${START}-${BUCKET}`]);
    expect(readFileSync(join(own, names()[0] ?? ''), 'latin1')).not.toContain('pvc-1');
  });

  it('keeps the last two, and nothing else that lies there is touched', async () => {
    writeFileSync(join(own, 'key-0123'), 'a mark');
    writeFileSync(join(own, `verification-${START - DAY_MS}-another-bucket`), 'not of this one');
    const record = await run(START);
    for (const hour of [0, 1, 2]) await files().write({ ...record, endedAt: START + hour * 3_600_000 });
    expect(names()).toEqual([
      'key-0123',
      `verification-${START - DAY_MS}-another-bucket`,
      `verification-${START + 3_600_000}-${BUCKET}`,
      `verification-${START + 7_200_000}-${BUCKET}`,
    ]);
    expect((await files().newest())?.endedAt).toBe(START + 7_200_000);
  });

  it('has damage that was found looked at again on the days of other blocks, until it is mended', async () => {
    const damaged = BLOCKS.get(0) ?? Buffer.alloc(0);
    const file = tree.file(tree.blockKey('pvc-1', damaged));
    const good = readFileSync(file);
    writeFileSync(file, Buffer.from(good).fill(1, 300, 310));
    let record: VerificationRecord | undefined;
    const damagedOn: number[] = [];
    for (let day = 0; day < 8; day++) {
      record = await run(START + day * DAY_MS, record);
      damagedOn.push(record.sets[0]?.damaged ?? 0);
    }
    // From the day on whose share has the block, at the latest the fourth.
    const first = damagedOn.indexOf(1);
    expect(first).toBeLessThan(4);
    expect(first).toBeGreaterThanOrEqual(0);
    expect(damagedOn.slice(first)).toEqual(Array(8 - first).fill(1));
    expect(record?.soundAt).toBe(first === 0 ? 0 : START + (first - 1) * DAY_MS);
    expect(record?.sets[0]).toMatchObject({ restorable: 0, damagedBlocks: 1, unknownBlocks: 0 });
    writeFileSync(file, good);
    record = await run(START + 8 * DAY_MS, record);
    expect(record).toMatchObject({ soundAt: START + 8 * DAY_MS, faults: [] });
    expect(record.sets[0]).toMatchObject({ restorable: 1, damaged: 0 });
  });

  it('says since when all blocks were read only when all shares had their turn', async () => {
    let record: VerificationRecord | undefined;
    const oldest: number[] = [];
    for (let day = 0; day < 5; day++) {
      record = await run(START + day * DAY_MS, record);
      oldest.push(Math.min(...record.sliceTimes));
    }
    expect(oldest).toEqual([0, 0, 0, START, START + DAY_MS]);
  });

  it('falls back to the one before if the newest is damaged, or an older one under a newer name', async () => {
    const record = await run(START);
    await files().write(record);
    const first = join(own, `verification-${START}-${BUCKET}`);
    copyFileSync(first, join(own, `verification-${START + 1000}-${BUCKET}`));
    expect(await files().newest()).toEqual(record);
    writeFileSync(first, readFileSync(first).fill(0, 200, 210));
    expect(await files().newest()).toBeUndefined();
  });

  it('takes no record without seal where there is a key, and no name from the far future', async () => {
    const record = await run(START);
    const plain = `verification-${START + 1000}-${BUCKET}`;
    writeFileSync(join(own, plain), JSON.stringify(record));
    expect(await files().newest()).toBeUndefined();
    expect(await files({ readPlain: true }).newest()).toEqual(record);
    writeFileSync(join(own, plain), JSON.stringify({ ...record, sets: [{ volume: 7 }] }));
    expect(await files({ readPlain: true }).newest()).toBeUndefined();
    const ahead = { ...record, endedAt: START + 30 * DAY_MS };
    await files().write(ahead);
    expect(await files().newest()).toBeUndefined();
  });

  it('begins nothing where no gateway was, and says so where the account may only read', async () => {
    const record = await run(START);
    ftp.inject({ on: 'STOR', times: Infinity, action: { kind: 'reply', reply: '550 Permission denied.' } });
    await expect(files().write(record)).rejects.toThrow(RemoteRefused);
    expect(names()).toEqual([]);
    const elsewhere = files({ layout: new RemoteLayout('/elsewhere') });
    await elsewhere.write(record);
    expect(readdirSync(tree.root)).not.toContain('elsewhere');
  });

  it('is made of whole runs alone', () => {
    expect(isWhole({ level: 3, volumes: [] })).toBe(true);
    expect(isWhole({ level: 2, volumes: [] })).toBe(false);
    expect(isWhole({ level: 3, volumes: ['pvc-1'] })).toBe(false);
  });
});
