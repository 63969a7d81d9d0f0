/** `main.ts` as users run it, and everything that is made from sources and committed beside them. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesIn } from './support/golden';

const repository = join(__dirname, '..');
const CDK8S = join(repository, 'node_modules', '.bin', 'cdk8s');

jest.setTimeout(120_000);

let clone = '';
/** What a fresh clone has after the install, as far as the app needs it. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'longhaul-clone-'));
  for (const entry of [
    'main.ts',
    'lib',
    'imports',
    'package.json',
    'tsconfig.json',
    'tsconfig.base.json',
    'cdk8s.yaml',
  ])
    cpSync(join(repository, entry), join(clone, entry), { recursive: true });
  cpSync(join(repository, 'longhaul.example.yaml'), join(clone, 'longhaul.example.yaml'));
  symlinkSync(join(repository, 'node_modules'), join(clone, 'node_modules'));
});
afterEach(() => rmSync(clone, { recursive: true }));

function synth() {
  return spawnSync(CDK8S, ['synth', '--check-upgrade=false'], { cwd: clone, encoding: 'utf8' });
}

describe('the app', () => {
  it('writes what is committed in dist/, and the same again', () => {
    for (const run of ['first', 'second']) {
      const { status, stderr } = synth();
      expect({ run, status }).toEqual({ run, status: 0 });
      expect(stderr).toMatch(/^daily-backup \(0 2 \* \* \*\): \w{3} \d{4}-\d\d-\d\d 02:00, .* UTC$/m);
      expect(stderr).toMatch(/^ {2}in Europe\/Paris: .*0[34]:00/m);
      expect(filesIn(join(clone, 'dist'))).toEqual(filesIn(join(repository, 'dist')));
    }
    expect(existsSync(join(clone, 'secrets'))).toBe(false);
  });

  it('writes what watches the gateways into dist/monitoring, where it is asked for', () => {
    writeFileSync(
      join(clone, 'longhaul.yaml'),
      'image: registry.example/longhaul:1.2.3\n' +
        'targets: [{ gateway: { verify: {} } }]\n' +
        'monitoring: { grafanaAlerts: { ntfy: { topic: a-topic } } }\n',
    );
    expect(synth().status).toBe(0);
    const files = filesIn(join(clone, 'dist', 'monitoring'));
    expect([...files.keys()]).toEqual([
      'grafana-alerting.yaml',
      'grafana-dashboard.json',
      'prometheus-rules.yaml',
      'prometheus-scrape.yaml',
    ]);
    // Derived from what the same settings say.
    const rules = files.get('prometheus-rules.yaml');
    expect(rules).toContain('alert: LonghaulVerificationOverdue');
    expect(rules).toContain('-l app=longhaul-verify');
  });

  it('takes longhaul.yaml where there is one, and puts Secrets where git ignores them', () => {
    mkdirSync(join(clone, 'secrets'));
    writeFileSync(
      join(clone, 'secrets', 'longhorn.yaml'),
      'ftp_host: ftp.example.com\nftp_user: homelab\nftp_password: correct horse\n' +
        's3_access_key_id: longhorn\ns3_secret_access_key: battery staple\n',
    );
    writeFileSync(
      join(clone, 'longhaul.yaml'),
      'image: registry.example/longhaul:1.2.3\n' +
        'targets: [{ secretsFile: secrets/longhorn.yaml, gateway: { encryption: false } }]\n',
    );
    const { status } = synth();
    expect(status).toBe(0);
    // A chart without objects leaves no file, and its number to nobody else.
    expect([...filesIn(join(clone, 'dist')).keys()]).toEqual([
      '0000-gateways.k8s.yaml',
      '0001-settings.k8s.yaml',
      '0002-backup-targets.k8s.yaml',
    ]);
    expect([...filesIn(join(clone, 'secrets', 'manifests')).keys()]).toEqual(['secrets.k8s.yaml']);
    const ignored = execFileSync(
      'git',
      ['check-ignore', 'secrets/manifests/secrets.k8s.yaml', 'longhaul.yaml'],
      {
        cwd: repository,
        encoding: 'utf8',
      },
    );
    expect(ignored.split('\n')).toHaveLength(3);
  });

  it('writes nothing where there are problems, and tells all of them without a stack', () => {
    writeFileSync(
      join(clone, 'longhaul.yaml'),
      'image: longhaul\nrecurringJobs: [{ name: daily, cron: "0 2 * * 7", groups: [default] }]\n',
    );
    const { status, stderr } = synth();
    expect(status).not.toBe(0);
    expect(stderr).toContain('There are 2 problems:\n- [gateways/default] image "longhaul": has neither tag');
    expect(stderr).toContain(
      '- [recurring-jobs/daily] cron "0 2 * * 7": day of week "7" is above 6 (Sunday is 0)',
    );
    expect(stderr).not.toMatch(/PropsError|at main /);
    expect(existsSync(join(clone, 'dist', '0000-gateways.k8s.yaml'))).toBe(false);
  });
});

describe('what is made from sources', () => {
  const run = (command: string, args: readonly string[]): void => {
    execFileSync(join(repository, 'node_modules', '.bin', command), args, { cwd: clone, stdio: 'pipe' });
  };

  it('is up to date: the constructs of Longhorn’s kinds (npm run import)', () => {
    const out = ['--output', 'made', '--no-save', '--check-upgrade=false'];
    run('cdk8s', ['import', 'imports/longhorn-crds.yaml', ...out]);
    expect(readFileSync(join(clone, 'made', 'longhorn.io.ts'), 'utf8')).toBe(
      readFileSync(join(repository, 'imports', 'longhorn.io.ts'), 'utf8'),
    );
  });

  it('is up to date: the schema of the settings (npm run schema)', () => {
    const { schema = '' } = (
      JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
        scripts: Record<string, string>;
      }
    ).scripts;
    const [command = '', ...args] = schema.split(' ');
    run(command, args);
    expect(readFileSync(join(clone, 'lib', 'settings', 'schema.json'), 'utf8')).toBe(
      readFileSync(join(repository, 'lib', 'settings', 'schema.json'), 'utf8'),
    );
  });
});
