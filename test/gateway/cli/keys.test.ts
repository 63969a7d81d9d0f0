import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeysReport } from '../../../gateway/admin/keys';
import { keyId } from '../../../gateway/seal/keyring';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { GatewayProcess } from '../../support/gateway-process';
import { LonghaulCli } from '../../support/longhaul-cli';
import { bodyBytes, s3Client } from '../../support/s3';

describe('longhaul keys', () => {
  let cli: LonghaulCli;
  let ftp: EmbeddedFtpServer;
  let gateway: GatewayProcess;
  const scratch = mkdtempSync(join(tmpdir(), 'longhaul-keys-'));
  const env = { CATALOG_DIR: join(scratch, 'catalog') };
  const old = randomBytes(32).toString('hex');
  const idOf = (key: string) => keyId(Buffer.from(key, 'hex'));

  const start = async (encryptionKey: string, more: Readonly<Record<string, string>> = {}) => {
    const { host, port, user, password } = ftp;
    gateway = await GatewayProcess.start({
      ftp: { host, port, user, password, tls: 'off' },
      catalogDirectory: env.CATALOG_DIR,
      encryptionKey,
      env: more,
    });
    await gateway.ready();
  };

  beforeAll(async () => {
    cli = LonghaulCli.start('/nonexistent');
    ftp = await EmbeddedFtpServer.start();
  });
  afterAll(async () => {
    await gateway.stop();
    await ftp.stop();
    await cli.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  it('change the key of a running gateway, and show no key', async () => {
    const file = join(scratch, 'new.key');
    const made = await cli.run(['keys', 'add', file]);
    const key = readFileSync(file, 'utf8').trim();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(made.stdout).toContain(`its id is ${idOf(key)}`);
    const checked = await cli.json(['keys', 'add', file]);
    expect(checked.value).toEqual({ id: idOf(key), file, new: false });

    await start(old);
    const put = { Bucket: gateway.bucket, Key: 'backupstore/k.cfg', Body: 'the content' };
    await s3Client(gateway).send(new PutObjectCommand(put));
    await gateway.stop();
    await start(key, { ENCRYPTION_KEYS: old });
    const before = await cli.json<KeysReport>(['keys', 'list'], { env });
    expect(before.value.keys).toEqual([
      { id: idOf(key), writes: true, opens: true, inUse: true, objects: 0, parts: 0, bytes: 0 },
      { id: idOf(old), writes: false, opens: true, inUse: true, objects: 1, parts: 0, bytes: 11 },
    ]);
    const tooEarly = await cli.run(['keys', 'retire', idOf(old)], { env });
    expect(tooEarly.code).toBe(1);
    expect(tooEarly.stderr).toContain('objects 1, parts 0');

    const rotated = await cli.run(['keys', 'rotate'], { env });
    expect(rotated.code).toBe(0);
    expect(rotated.stdout).toMatch(/^Rotation of keys: complete/);
    const retired = await cli.run(['keys', 'retire', idOf(old)], { env });
    expect(retired.code).toBe(0);
    expect(retired.stdout).toContain('take it out of ENCRYPTION_KEYS');
    const after = await cli.run(['keys', 'list'], { env });
    expect(after.stdout).toMatch(new RegExp(`^${idOf(key)} +yes +yes +yes +1 +0 +11 B$`, 'm'));
    expect(after.stdout).toMatch(new RegExp(`^${idOf(old)} +no +yes +no +0 +0 +0 B$`, 'm'));
    await gateway.stop();

    await start(key);
    const { Body } = await s3Client(gateway).send(new GetObjectCommand({ Bucket: put.Bucket, Key: put.Key }));
    expect((await bodyBytes(Body)).toString()).toBe('the content');
    for (const { stdout, stderr } of [made, checked, before, tooEarly, rotated, retired, after]) {
      for (const secret of [old, key]) expect(stdout + stderr).not.toContain(secret);
    }
  }, 120_000);

  it('refuse a file that holds no key, a directory that is missing, and an id that is none', async () => {
    const file = join(scratch, 'no.key');
    writeFileSync(file, 'secret of a user');
    const bad = await cli.run(['keys', 'add', file]);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain('found 16 characters');
    expect(bad.stderr).not.toContain('secret of');
    expect(readFileSync(file, 'utf8')).toBe('secret of a user');
    expect(await cli.run(['keys', 'add', '/nonexistent/new.key'])).toMatchObject({ code: 2 });
    expect(await cli.run(['keys', 'retire', 'latest'], { env })).toMatchObject({ code: 2 });
  });
});
