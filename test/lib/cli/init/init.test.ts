import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'cdk8s';
import { backupCharts, LonghornBackup, readSettings, synthesize, type ReadSettings } from '../../../../lib';
import { checkCredentials } from '../../../../lib/credentials';
import { EmbeddedFtpServer } from '../../../support/embedded-ftp-server';
import { LonghaulCli } from '../../../support/longhaul-cli';

const PASSWORD = 'correct-horse-battery';

describe('longhaul init', () => {
  let ftp: EmbeddedFtpServer;
  let cli: LonghaulCli;
  let cwd: string;

  beforeAll(async () => {
    ftp = await EmbeddedFtpServer.start({ password: PASSWORD, maxConnections: 3 });
    cli = LonghaulCli.start('/nonexistent');
  });
  afterAll(async () => {
    await cli.stop();
    await ftp.stop();
  });
  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'longhaul-init-'));
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  const flags = (): string[] => [
    ...['--host', ftp.host, '--port', String(ftp.port), '--tls', 'off', '--user', ftp.user],
    ...['--image', 'registry.example/longhaul:1.0.0', '--pvcs', 'gaming/gaming-data, home/assistant'],
  ];
  const read = (file: string): string => readFileSync(join(cwd, file), 'utf8');
  const modeOf = (file: string): string => (statSync(join(cwd, file)).mode & 0o777).toString(8);
  const settings = (): ReadSettings => readSettings([join(cwd, 'longhaul.yaml')]);

  it('writes what the manifests are made from, with what the account taught, and no secret in sight', async () => {
    const { code, stdout, stderr } = await cli.run(['init', ...flags(), '--schedule', '03:00 Europe/Paris'], {
      cwd,
      env: { FTP_PASSWORD: PASSWORD },
    });
    expect(code).toBe(0);
    const { stack, secrets } = settings();
    expect(stack).toMatchObject({
      image: 'registry.example/longhaul:1.0.0',
      targets: [{ bucket: 'longhorn-backups', gateway: { ftp: { tls: 'off', connections: 2 } } }],
      recurringJobs: [
        {
          at: '03:00 Europe/Paris',
          pvcs: [
            { namespace: 'gaming', name: 'gaming-data' },
            { namespace: 'home', name: 'assistant' },
          ],
        },
      ],
    });
    const app = new App({ outdir: join(cwd, 'dist') });
    new LonghornBackup(app, 'LonghornBackup', { ...stack, parts: backupCharts(app) });
    synthesize([app]);
    const [target] = secrets;
    expect(target && checkCredentials(target.credentials, { encryption: true })).toEqual([]);
    const { encryption_key: key = '', s3_secret_access_key: secret = '' } = target?.credentials ?? {};
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    for (const text of [stdout, stderr, read('longhaul.yaml')]) {
      for (const hidden of [PASSWORD, key, secret]) expect(text).not.toContain(hidden);
    }
    expect([modeOf('secrets'), modeOf('secrets/longhorn.yaml')]).toEqual(['700', '600']);
    expect(read('.gitignore')).toBe('/secrets/\n');
    expect(stderr).toContain('3 at a time; one more was turned away');
    expect(stdout).toMatch(/Copy it now to a place apart from this machine/);
    expect(stdout.trimEnd().split('\n').slice(-3)).toEqual([
      '  npx longhaul synth',
      '  npx longhaul deploy secrets/manifests dist',
      '  npx longhaul doctor',
    ]);
  });

  it('asks for what nobody said, and again after an answer that cannot be', async () => {
    const answers = [
      ftp.host,
      'none',
      'off',
      String(ftp.port),
      ftp.user,
      PASSWORD,
      '',
      '',
      'image',
      'r.example/l:1',
    ];
    const more = ['gaming-data', 'gaming/gaming-data', ''];
    const { code, stderr } = await cli.run(['init'], { cwd, answers: [...answers, ...more] });
    expect(code).toBe(0);
    expect(stderr).toContain('  expected one of explicit, implicit, off\n');
    expect(stderr).toContain('"gaming-data" is no PVC');
    expect(settings().stack).toMatchObject({ recurringJobs: [{ cron: '0 2 * * *' }] });
    expect(settings().secrets[0]?.credentials).toMatchObject({
      ftp_path: '/longhaul',
      ftp_password: PASSWORD,
    });
  });

  it('names everything that is missing where nobody is there to answer', async () => {
    const { code, stderr } = await cli.run(['init', '--tls', 'maybe'], { cwd });
    expect(code).toBe(2);
    for (const missing of ['--host', '--user', 'FTP_PASSWORD (an environment variable)', '--image', '--pvcs'])
      expect(stderr).toContain(`${missing}: is missing`);
    expect(stderr).toContain('--tls: expected one of explicit, implicit, off');
  });

  it('writes nothing for an account that does not serve', async () => {
    const { code, stderr } = await cli.run(['init', ...flags()], { cwd, env: { FTP_PASSWORD: 'wrong-one' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not accept the user name and password/);
    expect(stderr).toMatch(/Nothing was written\.\n$/);
    expect(() => read('longhaul.yaml')).toThrow('ENOENT');
    expect(() => read('secrets/longhorn.yaml')).toThrow('ENOENT');
  });

  it('never overwrites a key or settings', async () => {
    writeFileSync(join(cwd, 'longhaul.yaml'), 'mine\n');
    const { code, stderr } = await cli.run(['init', ...flags(), '--offline'], {
      cwd,
      env: { FTP_PASSWORD: PASSWORD },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^longhaul: longhaul\.yaml is there already/);
    expect(read('longhaul.yaml')).toBe('mine\n');
  });

  it('prepares the Secrets for kubectl instead, without a secret in the command', async () => {
    writeFileSync(join(cwd, '.gitignore'), 'dist/');
    const { code, stdout } = await cli.run(['init', ...flags(), '--offline', '--kubectl'], {
      cwd,
      env: { FTP_PASSWORD: PASSWORD },
    });
    expect(code).toBe(0);
    expect(settings().secrets).toEqual([]);
    expect(read('.gitignore')).toBe('dist/\n/secrets/\n');
    const gateway = 'secrets/s3-to-ftp-ftp-credentials.env';
    expect(modeOf(gateway)).toBe('600');
    expect(read(gateway)).toMatch(/^ftp_host=127\.0\.0\.1\nftp_port=\d+\n/);
    expect(read(gateway)).toMatch(/\nencryption_key=[0-9a-f]{64}\n$/);
    expect(read('secrets/longhorn-backup-s3-credentials.env')).toMatch(
      /^AWS_ACCESS_KEY_ID=.+\nAWS_SECRET_ACCESS_KEY=.+\nAWS_ENDPOINTS=http:\/\/s3-to-ftp\.longhorn-system\.svc\.cluster\.local:9000\n$/,
    );
    expect(stdout).toContain(
      `kubectl -n longhorn-system create secret generic s3-to-ftp-ftp-credentials --from-env-file=${gateway}`,
    );
  });
});
