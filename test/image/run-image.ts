/**
 * Runs an unpacked image as the manifests do, and takes an object through it: root file system read-only, numeric user, no capabilities, no new privileges.
 * `LONGHAUL_IMAGE_ROOT` names its root file system, `LONGHAUL_IMAGE_USER` its user. Needs root and runc. `.ci/image` calls it.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { bodyBytes, s3Client } from '../support/s3';

const root = process.env['LONGHAUL_IMAGE_ROOT'] ?? '';
const [uid = NaN, gid = NaN] = (process.env['LONGHAUL_IMAGE_USER'] ?? '').split(':').map(Number);
const PATH = '/usr/local/bin:/usr/bin:/bin';

/** An OCI bundle for one run: what a kubelet makes of the manifests. */
function bundle(directory: string, args: readonly string[], env: Readonly<Record<string, string>>): void {
  const config = {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid },
      args,
      env: Object.entries({ ...env, PATH, NODE_ENV: 'production' }).map(
        ([name, value]) => `${name}=${value}`,
      ),
      cwd: '/',
      noNewPrivileges: true,
      capabilities: {},
    },
    root: { path: root, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      {
        destination: '/var/lib/longhaul',
        type: 'tmpfs',
        source: 'tmpfs',
        options: [`uid=${uid}`, `gid=${gid}`, 'mode=0700'],
      },
    ],
    // The network of the machine: the FTP server listens on its loopback.
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'ipc' }] },
  };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config));
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-image-'));
  const runc = (id: string): [string, ...string[]] => [
    'runc',
    '--root',
    join(directory, 'state'),
    'run',
    '--bundle',
    directory,
    id,
  ];
  const ftp = await EmbeddedFtpServer.start();
  try {
    bundle(directory, ['node', '/app/longhaul.js', '--version'], {});
    const [program, ...args] = runc('longhaul-version');
    process.stdout.write(`longhaul ${execFileSync(program, args, { encoding: 'utf8' })}`);

    const gateway = await GatewayProcess.start({
      ftp,
      encryptionKey: randomBytes(32).toString('hex'),
      env: { CATALOG_DIR: '/var/lib/longhaul' },
      command: (env) => {
        bundle(directory, ['node', '--initial-old-space-size=96', '/app/gateway.js'], env);
        return runc('longhaul-gateway');
      },
    });
    await gateway.ready();
    const port = `S3_PORT=${gateway.port}`;
    const inside = ['exec', '--env', port, 'longhaul-gateway', 'node', '/app/gateway.js', '--health'];
    const health = execFileSync('runc', ['--root', join(directory, 'state'), ...inside], {
      encoding: 'utf8',
    });
    process.stdout.write(`the image's health check: ${health}`);
    const client = s3Client(gateway);
    const sent = randomBytes(3 * 1024 * 1024);
    const ref = { Bucket: gateway.bucket, Key: 'a/b.blk' };
    await client.send(new PutObjectCommand({ ...ref, Body: sent }));
    const { Body } = await client.send(new GetObjectCommand(ref));
    const isSame = (await bodyBytes(Body)).equals(sent);
    client.destroy();
    const exitCode = await gateway.stop();
    process.stdout.write(
      `an object came back ${isSame ? 'identical' : 'CHANGED'}; SIGTERM: exit code ${exitCode}\n`,
    );
    process.exitCode = isSame && exitCode === 0 ? 0 : 1;
  } finally {
    await ftp.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

void main();
