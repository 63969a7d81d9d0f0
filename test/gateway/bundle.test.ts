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
import { SHIPPED_LICENCES } from '../support/licences';
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

  const run = (program: string, option: string, env: Readonly<Record<string, string>> = {}): string =>
    execFileSync(process.execPath, [join(directory, program), option], { encoding: 'utf8', env });

  it('has one version, which the image is labelled with', () => {
    const printed = ['longhaul.js', 'gateway.js'].map((program) => run(program, '--version'));
    const dockerfile = readFileSync(join(REPOSITORY, 'gateway', 'Dockerfile'), 'utf8');
    expect({ printed, gatewayVersion }).toEqual({
      printed: [`${version}\n`, `${version}\n`],
      gatewayVersion: version,
    });
    expect(dockerfile).toContain(`\nARG VERSION=${version}\n`);
  });

  it('holds the notices of what is in it, all under licences that go with ours', () => {
    const notices = readFileSync(join(directory, 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    const packages = [...notices.matchAll(/^(@?[\w./-]+) \d+\.\d+\.\d+\S* \((.*)\)$/gm)];
    expect(packages.map(([, name]) => name)).toEqual(expect.arrayContaining(['basic-ftp', 'hono', 'pino']));
    const wrong = packages.filter(([, , licence = '']) => !SHIPPED_LICENCES.includes(licence));
    expect(wrong.map(([line]) => line)).toEqual([]);
  });

  it('serves, and stops in order', async () => {
    const ftp = await EmbeddedFtpServer.start();
    let variables: Readonly<Record<string, string>> = {};
    const gateway = await GatewayProcess.start({
      ftp,
      encryptionKey: randomBytes(32).toString('hex'),
      command: (env) => {
        variables = env;
        return [process.execPath, join(directory, 'gateway.js')];
      },
    });
    // As the image's health check does it.
    const health: unknown = JSON.parse(
      run('gateway.js', '--health', { ...variables, S3_PORT: String(gateway.port) }),
    );
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.metricsPort}/metrics`)).text();
    const client = s3Client(gateway);
    const ref = { Bucket: gateway.bucket, Key: 'key' };
    await client.send(new PutObjectCommand({ ...ref, Body: 'content' }));
    const { Body } = await client.send(new GetObjectCommand(ref));
    const content = String(await bodyBytes(Body));
    client.destroy();
    const exitCode = await gateway.stop();
    await ftp.stop();
    expect(metrics).toContain(`longhaul_build_info{version="${version}"} 1`);
    expect({ health, content, exitCode }).toEqual({
      health: { status: 'ok', version },
      content: 'content',
      exitCode: 0,
    });
  }, 60_000);
});
