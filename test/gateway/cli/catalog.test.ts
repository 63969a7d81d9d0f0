import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { CatalogReport } from '../../../gateway/admin/catalog';
import type { RestingCheck } from '../../../gateway/cli/catalog-at-rest';
import { RemoteLayout } from '../../../gateway/store/remote-layout';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { GatewayProcess } from '../../support/gateway-process';
import { LonghaulCli } from '../../support/longhaul-cli';
import { s3Client } from '../../support/s3';

describe('longhaul catalog', () => {
  let cli: LonghaulCli;
  let ftp: EmbeddedFtpServer;
  let gateway: GatewayProcess;
  const catalogDirectory = mkdtempSync(join(tmpdir(), 'longhaul-catalog-'));
  const env = { CATALOG_DIR: catalogDirectory };

  beforeAll(async () => {
    cli = LonghaulCli.start('/nonexistent');
    ftp = await EmbeddedFtpServer.start();
    const { host, port, user, password } = ftp;
    gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, tls: 'off' },
      catalogDirectory,
    });
    await gateway.ready();
  });

  afterAll(async () => {
    await gateway.stop();
    await ftp.stop();
    await cli.stop();
    rmSync(catalogDirectory, { recursive: true, force: true });
  });

  it('shows what the catalog of a running gateway holds', async () => {
    const { code, value } = await cli.json<CatalogReport>(['catalog', 'show'], { env });
    expect({ code, value }).toMatchObject({ code: 0, value: { serving: true, epoch: 1, buckets: 1 } });
    const { stdout } = await cli.run(['catalog', 'show'], { env });
    expect(stdout).toMatch(/^serving +yes$/m);
    expect(stdout).toMatch(/^directories +\d+, 100 % proved$/m);
    expect(stdout).toMatch(/^last checkpoint +none since the start/m);
  });

  it('shows what the metrics say', async () => {
    const { value } = await cli.json<CatalogReport>(['catalog', 'show'], { env });
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)).text();
    const figure = (name: string) => Number(new RegExp(`^longhaul_${name} (\\S+)$`, 'm').exec(metrics)?.[1]);
    expect(value).toMatchObject({
      files: figure('catalog_objects'),
      directories: figure('catalog_directories'),
      proved: figure('catalog_proved_directories'),
      findings: figure('catalog_findings'),
      epoch: figure('lease_epoch'),
      buckets: figure('catalog_buckets'),
      crawl: { done: figure('crawl_done_directories'), total: figure('crawl_known_directories') },
      checkpoint: { changesSince: figure('checkpoint_changes') },
    });
    expect(figure('crawl_remaining_seconds')).toBe(0);
    expect(figure('checkpoint_timestamp_seconds')).toBe(0);
  });

  it('says where to run it if no gateway answers', async () => {
    const { code, stderr } = await cli.run(['catalog', 'show'], { env: { CATALOG_DIR: '/nonexistent' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^longhaul: no gateway answers at \/nonexistent\/admin\.sock: .*\n.*kubectl exec/);
  });

  it('is checked, or rebuilt, while the gateway runs: what changed behind it is told, and served from then on', async () => {
    const client = s3Client(gateway);
    const { bucket } = gateway;
    const onDisk = (key: string) => join(ftp.root, new RemoteLayout('/').object({ bucket, key }));
    const etagOf = async (Key: string) =>
      (await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).ETag;
    const look = (how: 'check' | 'rebuild') => cli.json(['catalog', how], { env });
    for (const Key of ['e/gone', 'e/swapped'])
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'content' }));
    expect(await look('check')).toMatchObject({ code: 0, value: { findings: [] } });

    rmSync(onDisk('e/gone'));
    const foreign = join(ftp.root, bucket, 'e', 'NO NAME OF OURS');
    writeFileSync(foreign, '');
    const changes = { foreignChanges: 1, lostDirectories: 0, contradictions: 0, damaged: 0 };
    const findings = [{ path: `/${bucket}/e/NO NAME OF OURS`, reason: expect.any(String) as string }];
    expect(await look('check')).toMatchObject({ code: 1, value: { changes, findings } });
    await expect(etagOf('e/gone')).rejects.toMatchObject({ $metadata: { httpStatusCode: 404 } });
    const { stdout } = await cli.run(['catalog', 'check'], { env });
    expect(stdout).toMatch(/^NO OBJECT +WHY\n\/\S+\/e\/NO NAME OF OURS +nothing of ours/m);
    rmSync(foreign);

    // Of the same size: only who reads the files again sees it.
    const before = await etagOf('e/swapped');
    writeFileSync(onDisk('e/swapped'), 'CONTENT');
    expect(await look('check')).toMatchObject({ code: 0 });
    expect(await etagOf('e/swapped')).toBe(before);
    expect(await look('rebuild')).toMatchObject({ code: 0, value: { findings: [] } });
    expect(await etagOf('e/swapped')).toBe(`"${createHash('md5').update('CONTENT').digest('hex')}"`);
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'e/swapped' }));
  });

  it('is checked while no gateway runs, against the FTP server where that can be asked, and changes nothing', async () => {
    const client = s3Client(gateway);
    for (const Key of ['d/gone', 'd/cut', 'd/stays'])
      await client.send(new PutObjectCommand({ Bucket: gateway.bucket, Key, Body: 'content' }));
    await gateway.kill();
    const { host, port, user, password } = ftp;
    const account = { FTP_HOST: host, FTP_PORT: String(port), FTP_USER: user, FTP_PASSWORD: password };
    const whole = { ...env, ...account, FTP_TLS: 'off' };
    const check = (variables: Record<string, string>) =>
      cli.json<RestingCheck>(['catalog', 'check'], { env: variables });
    expect(await check(whole)).toMatchObject({
      code: 0,
      value: { files: 3, compared: true, differences: [] },
    });

    const { bucket } = gateway;
    const layout = new RemoteLayout('/');
    const onDisk = (key: string) => join(ftp.root, layout.object({ bucket, key }));
    rmSync(onDisk('d/gone'));
    truncateSync(onDisk('d/cut'), 3);
    mkdirSync(join(ftp.root, layout.directory(bucket, ['new'])));
    const differences = [
      { key: 'longhorn/new', what: 'on the FTP server, and not in the catalog' },
      { key: 'longhorn/d/cut', what: '3 bytes on the FTP server, 7 in the catalog' },
      { key: 'longhorn/d/gone', what: 'in the catalog, and not on the FTP server' },
    ];
    for (let i = 0; i < 2; i++)
      expect(await check(whole)).toMatchObject({ code: 1, value: { compared: true, differences } });
    expect(await check(env)).toMatchObject({
      code: 1,
      value: { compared: false, reason: 'FTP_HOST is not set', differences: [] },
    });
    const nowhere = await cli.run(['catalog', 'check'], { env: { CATALOG_DIR: '/nonexistent' } });
    expect({ code: nowhere.code, stderr: nowhere.stderr }).toEqual({
      code: 1,
      stderr: 'longhaul: no gateway runs, and there is no catalog in /nonexistent\n',
    });

    const file = join(catalogDirectory, 'lmdb', 'data.mdb');
    const bytes = readFileSync(file);
    for (let at = 0; (at = bytes.indexOf('stays', at) + 1) > 0;)
      // The name stands in intents, too: the last of them may end the file.
      bytes[at + 'stays'.length + 8] = 0x5a;
    writeFileSync(file, bytes);
    const damaged = await cli.run(['catalog', 'check'], { env: whole });
    expect({ code: damaged.code, stdout: damaged.stdout }).toEqual({ code: 1, stdout: '' });
    expect(damaged.stderr).toMatch(/^longhaul: the catalog's row .*stays.* is damaged$/m);
  });
});
