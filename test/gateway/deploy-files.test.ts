/** What people start the gateway with outside a cluster. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readConfig } from '../../gateway/config';
import { ConfigError } from '../../gateway/config-error';

const read = (file: string): string => readFileSync(join(__dirname, '..', '..', 'gateway', file), 'utf8');

const example = Object.fromEntries(
  read('gateway.env.example')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);

it('leaves open in the example what everybody has to fill in, and nothing else is wrong with it', () => {
  const open = Object.keys(example).filter((name) => example[name] === '');
  expect(open).toEqual([
    'FTP_HOST',
    'FTP_USER',
    'FTP_PASSWORD',
    'S3_ACCESS_KEY',
    'S3_SECRET_KEY',
    'ENCRYPTION_KEY',
  ]);
  expect(() => readConfig(example)).toThrow(ConfigError);
  const filled = {
    FTP_HOST: 'ftp.example',
    FTP_USER: 'user',
    FTP_PASSWORD: 'password',
    S3_ACCESS_KEY: 'access',
    S3_SECRET_KEY: 'secret-access-key',
    ENCRYPTION_KEY: 'ab'.repeat(32),
  };
  expect(readConfig({ ...example, ...filled })).toMatchObject({
    ftp: { root: '/longhaul', tls: 'explicit' },
    s3: { bucket: 'longhorn-backups' },
  });
});

it('runs read-only under compose, with the catalog where the image has its volume', () => {
  const { services } = parse(read('compose.yaml')) as {
    services: { gateway: Record<string, unknown> };
  };
  expect(services.gateway).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    env_file: 'gateway.env',
    ports: ['127.0.0.1:9000:9000'],
    volumes: ['catalog:/var/lib/longhaul'],
  });
  expect(read('Dockerfile')).toContain('\nVOLUME /var/lib/longhaul\n');
});

it.each(['.gitignore', '.dockerignore'])('keeps the filled-in example out of git and image: %s', (file) => {
  expect(readFileSync(join(__dirname, '..', '..', file), 'utf8')).toMatch(/^\/?gateway\/gateway\.env$/m);
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) process.stderr.write('systemd-analyze was not found, so the unit was not verified\n');

(hasSystemd ? it : it.skip)('is a unit that systemd understands', () => {
  const unit = join(__dirname, '..', '..', 'gateway', 'longhaul.service');
  expect(execFileSync('systemd-analyze', ['verify', unit], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
});
