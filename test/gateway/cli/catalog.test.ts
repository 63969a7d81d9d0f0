import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogReport } from '../../../gateway/admin/catalog';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { GatewayProcess } from '../../support/gateway-process';
import { LonghaulCli } from '../../support/longhaul-cli';

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
  });

  it('says where to run it if no gateway answers', async () => {
    const { code, stderr } = await cli.run(['catalog', 'show'], { env: { CATALOG_DIR: '/nonexistent' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^longhaul: no gateway answers at \/nonexistent\/admin\.sock: .*\n.*kubectl exec/);
  });
});
