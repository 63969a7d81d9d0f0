/** A backup's life on two real FTP servers: one goes away, the other is lost, and the backups are restored from what is left. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { volumeSet } from '../../gateway/backupstore/layout';
import { S3Source } from '../../gateway/backups/s3-source';
import { verifyAll } from '../support/backup-reader';
import { availableServers, startServer, type FtpServer, type ServerKind } from '../support/ftp-servers';
import { GatewayProcess } from '../support/gateway-process';
import { LonghaulCli } from '../support/longhaul-cli';
import { createBackup } from '../support/longhorn/backup';
import { randomBlock } from '../support/longhorn/block-content';
import { changeSample, sampleVolume } from '../support/longhorn/sample-volume';
import { Volume, type Snapshot } from '../support/longhorn/volume';
import { Longhorn } from './longhorn';

const KEY = randomBytes(32).toString('hex');
const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 64 * KIB;
const PAIRS = [
  ['proftpd', 'vsftpd'],
  ['vsftpd', 'pure-ftpd'],
  ['pure-ftpd', 'proftpd'],
] as const satisfies readonly (readonly [ServerKind, ServerKind])[];

const kinds = availableServers();
const pairs = PAIRS.filter((pair) => pair.every((kind) => kinds.includes(kind)));
// Where no real server is found, the other suites say so.
const suite = pairs.length > 0 ? describe.each(pairs) : describe.skip.each([['no', 'server']] as never[]);

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

suite('backups on %s, with a mirror on %s', (firstKind, secondKind) => {
  const cli = LonghaulCli.start('/nonexistent');
  let directory: string;
  let first: FtpServer;
  let second: FtpServer;
  let gateway: GatewayProcess;
  let mirror: Record<string, string>;
  let snapshot: Snapshot;
  let time = Date.parse('2026-11-20T10:00:00Z');
  const volume = sampleVolume('pvc-1', BLOCK);

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'longhaul-mirror-'));
    first = await startServer(firstKind);
    second = await startServer(secondKind, { tls: true });
    const ca = join(directory, 'ca.pem');
    writeFileSync(ca, second.ca ?? '');
    mirror = {
      MIRROR_FTP_HOST: second.host,
      MIRROR_FTP_PORT: String(second.port),
      MIRROR_FTP_USER: second.user,
      MIRROR_FTP_PASSWORD: second.password,
      MIRROR_FTP_ROOT_PATH: second.path,
      MIRROR_FTP_CA_FILE: ca,
      MIRROR_FTP_RETRY_SECONDS: '1',
    };
    await startGateway();
  }, 60_000);

  afterAll(async () => {
    await cli.stop();
    await gateway?.stop();
    await first?.stop();
    await second?.stop();
    rmSync(directory, { recursive: true });
  });

  const startGateway = async () => {
    const { host, port, user, password, path } = first;
    gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, path, tls: 'off' },
      encryptionKey: KEY,
      catalogDirectory: join(directory, 'catalog'),
      env: { ...mirror, FTP_RETRY_SECONDS: '3' },
    });
    await gateway.ready();
  };
  const backUp = async (name: string, of: Volume, options: { inParts?: boolean } = {}) => {
    const longhorn = new Longhorn(gateway, options.inParts ? { era: 'v1.12.0' } : {});
    const taken = of.snapshot(`snapshot-${name}`, (time += 3_600_000));
    await createBackup(longhorn, { volume: of, snapshot: taken, backupName: name });
    longhorn.close();
    return taken;
  };
  const sample = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`longhaul_${name} `));
    return Number(line?.split(' ')[1] ?? NaN);
  };
  const metric = (name: string): Promise<number> => sample(`mirror_${name}`);
  const serving = (): Promise<number> => sample('serving');
  const caughtUp = async () => {
    const deadline = Date.now() + 90_000;
    while ((await metric('pending_changes')) !== 0 || (await metric('complete')) !== 1) {
      if (Date.now() > deadline) throw new Error(gateway.log.slice(-20).join('\n'));
      await sleep(100);
    }
  };
  /** Files that make objects, by path, as the hash of their bytes. */
  const filesOf = ({ root }: FtpServer): Map<string, string> => {
    const own = /^_longhaul\/(?!uploads\/|key-)/;
    const entries = readdirSync(root, { recursive: true, withFileTypes: true, encoding: 'utf8' });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1));
    return new Map(
      paths
        .filter((path) => !own.test(path))
        .sort()
        .map((path) => [path, sha256(readFileSync(join(root, path)))]),
    );
  };
  const command = (...args: string[]) =>
    cli.run(args, {
      env: {
        ...mirror,
        ENCRYPTION_KEY: KEY,
        S3_BUCKET: 'longhorn',
        CATALOG_DIR: join(directory, 'catalog'),
      },
    });

  it('are on both, byte for byte, parts and all', async () => {
    await backUp('backup-1', volume);
    const large = new Volume('pvc-large', 32 * MIB, 16 * MIB);
    large.write(0, randomBlock(1, 16 * MIB));
    await backUp('backup-1', large, { inParts: true });
    await caughtUp();
    expect(filesOf(second)).toEqual(filesOf(first));
    expect(
      [...filesOf(second).keys()].filter((path) => path.startsWith('_longhaul/uploads/')).length,
    ).toBeGreaterThan(1);
  }, 120_000);

  it('are made while the mirror is away, which is told, and caught up with', async () => {
    await second.kill();
    changeSample(volume);
    snapshot = await backUp('backup-2', volume);
    expect(await metric('pending_changes')).toBeGreaterThan(3);
    expect(await metric('lag_seconds')).toBeGreaterThan(0);
    expect((await fetch(`${gateway.endpoint}/ready`)).status).toBe(200);
    const behind = await command('-o', 'json', 'mirror', 'status');
    expect(behind.stdout).toMatch(/"state": ?"(unreachable|catching-up)"/);
    await second.start();
    await caughtUp();
    expect(await metric('lag_seconds')).toBe(0);
    expect(filesOf(second)).toEqual(filesOf(first));
    const { code, stdout } = await command('mirror', 'check');
    expect(stdout).toMatch(/^The mirror holds what the first server holds\.$/m);
    expect(code).toBe(0);
  }, 180_000);

  it('are verified where they lie, and the gateway tells of each location', async () => {
    expect(await command('verify', '--mirror')).toMatchObject({ code: 0 });
    await gateway.stop();
    await startGateway();
    const told = () => sample('verification_backups{location="mirror",volume="pvc-1",verdict="restorable"}');
    while (Number.isNaN(await told())) await sleep(100);
    expect(await told()).toBe(2);
    expect(
      await sample('verification_backups{location="first",volume="pvc-1",verdict="restorable"}'),
    ).toBeNaN();
    expect(readdirSync(join(first.root, '_longhaul')).join()).not.toContain('verification-');
  }, 60_000);

  it('can be read while the first server is away', async () => {
    await first.kill();
    const { driver } = new Longhorn(gateway);
    const config = `${volumeSet('', 'pvc-1').directory}volume.cfg`;
    // At first it still holds the lease, and waits for the first server; later it knows better.
    for (let isServing = true; isServing; isServing = (await serving()) === 1) {
      expect(JSON.parse((await driver.read(config)).toString())).toMatchObject({ Name: 'pvc-1' });
      await sleep(1_000);
    }
    expect(await driver.size(config)).toBeGreaterThan(0);
    expect(JSON.parse((await driver.read(config)).toString())).toMatchObject({ Name: 'pvc-1' });
    const ready = await fetch(`${gateway.endpoint}/ready`);
    expect([ready.status, await ready.text()]).toEqual([200, expect.stringContaining('from the mirror')]);
    driver.close();
    await first.start();
    await gateway.ready();
  }, 120_000);

  it('are restored from the mirror alone, to the byte, when the first server is lost', async () => {
    await gateway.kill();
    await first.stop();
    const verified = await command('-o', 'json', 'verify', '--mirror');
    expect(JSON.parse(verified.stdout)).toMatchObject({ counts: { restorable: 3, damaged: 0, unknown: 0 } });
    expect(verified.code).toBe(0);
    const image = join(directory, 'pvc-1.img');
    const restored = await command('restore', 'pvc-1', '--mirror', '--to', image);
    expect(restored.stderr).not.toMatch(/damaged/);
    expect(restored.code).toBe(0);
    const expected = Buffer.alloc(volume.sizeBytes);
    for (const [place, block] of snapshot.blocks) block.copy(expected, place * BLOCK);
    expect(readFileSync(image).equals(expected)).toBe(true);
  }, 120_000);

  it('go on with the mirror in the place of the first', async () => {
    const { host, port, user, password, path, ca } = second;
    gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, path, ca, tls: 'explicit' },
      encryptionKey: KEY,
    });
    await gateway.ready();
    const source = new S3Source({ ...gateway, firstPauseMs: 50 });
    const { sets } = await verifyAll(source);
    await source.close();
    expect(sets.map(({ volume: name, backups }) => [name, backups.map(({ verdict }) => verdict)])).toEqual([
      ['pvc-1', ['restorable', 'restorable']],
      ['pvc-large', ['restorable']],
    ]);
    await backUp('backup-3', volume);
  }, 120_000);
});
