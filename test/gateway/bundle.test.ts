/** What the container image holds beside Node.js works on its own. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { version } from '../../package.json';
import { version as gatewayVersion } from '../../gateway/package.json';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { bodyBytes, s3Client } from '../support/s3';

const REPOSITORY = join(__dirname, '..', '..');

describe('the bundle', () => {
  let directory: string;

  beforeAll(() => {
    execFileSync(process.execPath, ['gateway/bundle.mjs'], { cwd: REPOSITORY });
    // Away from the repository, whose node_modules it must not need.
    directory = mkdtempSync(join(tmpdir(), 'longhaul-bundle-'));
    cpSync(join(REPOSITORY, 'build', 'image'), directory, { recursive: true });
  }, 60_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('has one version, which the image is labelled with', () => {
    const printed = execFileSync(process.execPath, [join(directory, 'longhaul.js'), '--version'], {
      encoding: 'utf8',
    });
    const dockerfile = readFileSync(join(REPOSITORY, 'gateway', 'Dockerfile'), 'utf8');
    expect({ printed, gatewayVersion }).toEqual({ printed: `${version}\n`, gatewayVersion: version });
    expect(dockerfile).toContain(`\nARG VERSION=${version}\n`);
  });

  it('serves, and stops in order', async () => {
    const ftp = await EmbeddedFtpServer.start();
    const gateway = await GatewayProcess.start({
      ftp,
      encryptionKey: randomBytes(32).toString('hex'),
      command: () => [process.execPath, join(directory, 'gateway.js')],
    });
    const health: unknown = await (await fetch(`${gateway.endpoint}/health`)).json();
    const client = s3Client(gateway);
    const ref = { Bucket: gateway.bucket, Key: 'key' };
    await client.send(new PutObjectCommand({ ...ref, Body: 'content' }));
    const { Body } = await client.send(new GetObjectCommand(ref));
    const content = String(await bodyBytes(Body));
    client.destroy();
    const exitCode = await gateway.stop();
    await ftp.stop();
    expect({ health, content, exitCode }).toEqual({
      health: { status: 'ok', version },
      content: 'content',
      exitCode: 0,
    });
  }, 60_000);
});
