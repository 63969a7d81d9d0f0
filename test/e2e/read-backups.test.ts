/** Backups that the gateway stored, read beside it and through it, on every FTP server that is there. */
import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BlockMaps } from '../../gateway/backupstore/block-maps';
import { blockKey, checksumOf, volumeSet } from '../../gateway/backupstore/layout';
import { isFault } from '../../gateway/backups/fault';
import { readBackup } from '../../gateway/backups/inventory';
import { S3Source } from '../../gateway/backups/s3-source';
import type { BackupSource } from '../../gateway/backups/source';
import { readBlock } from '../../gateway/backups/stored-block';
import { isClean, type BackupVerdict } from '../../gateway/backups/verify/report';
import { openFtpSource, verifyAll } from '../support/backup-reader';
import { testServers } from '../support/ftp-servers/test-servers';
import { GatewayProcess, type FtpAccount } from '../support/gateway-process';
import { createBackup } from '../support/longhorn/backup';
import { randomBlock } from '../support/longhorn/block-content';
import { sampleVolume } from '../support/longhorn/sample-volume';
import { Volume, type Snapshot } from '../support/longhorn/volume';
import { Longhorn } from './longhorn';

const KEY = randomBytes(32);
const KIB = 1024;
const MIB = 1024 * KIB;
const START = Date.parse('2026-11-20T10:00:00Z');
const METER = { onBytes: () => undefined };

const real = testServers().filter(({ name }) => !name.startsWith('embedded'));
const servers = real.length > 0 ? real : testServers();

describe.each(servers)('backups on $name', ({ start, tls }) => {
  let server: Awaited<ReturnType<typeof start>>;
  let gateway: GatewayProcess;
  let direct: BackupSource;
  let snapshot: Snapshot;
  let onDisk: (key: string) => string;

  beforeAll(async () => {
    server = await start();
    const { host, port, user, password, path, ca } = server;
    const account: FtpAccount = { host, port, user, password, path, ca, tls: tls ? 'explicit' : 'off' };
    gateway = await GatewayProcess.start({ ftp: account, encryptionKey: KEY.toString('hex') });
    direct = openFtpSource(account, { keys: [KEY] });
    onDisk = (key) => join(server.root, 'longhorn', key);
    const longhorn = new Longhorn(gateway);
    const volume = sampleVolume('pvc-1', 64 * KIB);
    snapshot = volume.snapshot('snapshot-1', START);
    await createBackup(longhorn, { volume, snapshot, backupName: 'backup-1' });
    longhorn.close();
    // As 1.10.2 to 1.12.0 send it: blocks of 16 MiB in parts.
    const inParts = new Longhorn(gateway, { era: 'v1.12.0' });
    const large = new Volume('pvc-large', 32 * MIB, 16 * MIB);
    large.write(0, randomBlock(1, 16 * MIB));
    await createBackup(inParts, {
      volume: large,
      snapshot: large.snapshot('snapshot-1', START),
      backupName: 'backup-1',
      compressionMethod: 'none',
    });
    inParts.close();
  }, 120_000);

  afterAll(async () => {
    await direct.close();
    await gateway.stop();
    await server.stop();
  });

  const through = (): BackupSource => new S3Source({ ...gateway, firstPauseMs: 50 });

  const verdictsOf = async (source: BackupSource): Promise<Record<string, BackupVerdict | undefined>> =>
    Object.fromEntries((await verifyAll(source)).sets.map(({ volume, backups }) => [volume, backups[0]]));

  it('are restorable, seen from either side, parts and all', async () => {
    for (const source of [direct, through()]) {
      expect(await verdictsOf(source)).toMatchObject({
        'pvc-1': { name: 'backup-1', verdict: 'restorable', blocks: 29, checkedBlocks: 29 },
        'pvc-large': { verdict: 'restorable', blocks: 1 },
      });
    }
  }, 60_000);

  it('have the bytes of the volume', async () => {
    const set = volumeSet('', 'pvc-1');
    for (const source of [direct, through()]) {
      const maps = new BlockMaps();
      const backup = await readBackup(source, set, 'backup-1', { meter: METER, maps });
      if (isFault(backup) || !backup.map) throw new Error('the backup cannot be read');
      for (const [i, number] of backup.map.names.entries()) {
        const checksum = maps.names.name(number);
        const block = {
          key: blockKey(set, checksum),
          checksum,
          compressionMethod: 'lz4',
          blockSize: 64 * KIB,
        };
        const bytes = await readBlock(source, block, METER);
        const expected = snapshot.blocks.get(backup.map.positions[i] ?? -1);
        expect(Buffer.isBuffer(bytes) && expected?.equals(bytes)).toBe(true);
      }
    }
  }, 60_000);

  // The embedded server runs as whoever runs the tests: nothing is closed to root.
  if (real.length > 0) {
    it('are neither there nor missing while the server does not let anybody look', async () => {
      const checksum = checksumOf(snapshot.blocks.get(3)!);
      const directory = onDisk(blockKey(volumeSet('', 'pvc-1'), checksum).replace(/[^/]*\/[^/]*$/, ''));
      chmodSync(directory, 0);
      try {
        expect(await verdictsOf(direct)).toMatchObject({ 'pvc-1': { verdict: 'unknown' } });
      } finally {
        chmodSync(directory, 0o755);
      }
    }, 60_000);

    it('are unknown, not gone, while their documents cannot be listed', async () => {
      const directory = onDisk(`${volumeSet('', 'pvc-1').directory}backups`);
      chmodSync(directory, 0o311);
      try {
        const report = await verifyAll(direct);
        expect(isClean(report)).toBe(false);
        expect(report.sets).toMatchObject([
          { volume: 'pvc-1', problems: [expect.stringContaining('does not show what')], backups: [] },
          { volume: 'pvc-large', problems: [], backups: [{ verdict: 'restorable' }] },
        ]);
      } finally {
        chmodSync(directory, 0o755);
      }
    }, 60_000);
  }

  it('lose a block and tell where, from either side', async () => {
    const checksum = checksumOf(snapshot.blocks.get(3)!);
    const key = blockKey(volumeSet('', 'pvc-1'), checksum);
    const isThere = (await direct.find(key)) !== undefined;
    rmSync(onDisk(key));
    expect(isThere).toBe(true);
    expect(await direct.find(key)).toBeUndefined();
    for (const source of [direct, through()]) {
      expect(await verdictsOf(source)).toMatchObject({
        'pvc-1': { verdict: 'damaged', faultyOffsets: [3 * 64 * KIB] },
        'pvc-large': { verdict: 'restorable' },
      });
    }
  }, 60_000);
});
