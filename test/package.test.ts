/** The package as npm packs it, installed in an empty CommonJS app and in an empty ESM one: its constructs, and its command. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import manifest from '../package.json';
import { EmbeddedFtpServer } from './support/embedded-ftp-server';
import { availableServers, startServer } from './support/ftp-servers';
import { filesIn } from './support/golden';
import type { Manifest } from './support/synthesis';

jest.setTimeout(300_000);

const repository = join(__dirname, '..');
const NPM_FLAGS = ['--prefer-offline', '--no-audit', '--no-fund'];

const APP = `
import { App, Chart } from 'cdk8s';
import { LonghornBackup, longhorn, names, type LonghornBackupProps } from 'longhaul';

const props: LonghornBackupProps = {
  image: 'registry.example/longhaul:1.2.3',
  recurringJobs: [{ name: 'daily', cron: '@daily', pvcs: [{ namespace: 'app', name: 'data' }] }],
};
const app = new App();
const chart = new Chart(app, 'backup', { namespace: names.LONGHORN_NAMESPACE });
const backup = new LonghornBackup(chart, 'LonghornBackup', props);
new longhorn.Setting(chart, 'ttl', { metadata: { name: 'failed-backup-ttl' }, value: '2880' });
// @ts-expect-error the types are there, and know their props
if (backup.gateways[0]?.endpont !== undefined) throw new Error('unreachable');
app.synth();
`;

let directory = '';
let tarball = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'longhaul-package-'));
  const printed = execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], {
    cwd: repository,
    encoding: 'utf8',
  });
  tarball = join(directory, printed.trim().split('\n').at(-1) ?? '');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Versions of the repository's own lock, so that nothing newer is fetched. */
function installed(name: string): string {
  const path = join(repository, 'node_modules', name, 'package.json');
  return `${name}@${(JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version}`;
}

/** Asks for no more than one package's versions; what npm says of an install without network blames the packages. */
function registryAnswers(): boolean {
  const args = ['view', 'constructs', 'version', '--fetch-retries=0', '--fetch-timeout=20000'];
  return spawnSync('npm', args, { cwd: directory }).status === 0;
}

/** By npm; without network by hand, from what this repository has installed. */
function install(app: string): void {
  if (registryAnswers()) {
    const peers = ['cdk8s', 'cdk8s-plus-28', 'constructs', 'typescript', '@types/node'].map(installed);
    execFileSync('npm', ['install', ...NPM_FLAGS, tarball, ...peers], { cwd: app, stdio: 'pipe' });
    return;
  }
  process.stderr.write(
    'Left out: npm reaches no registry, so the package is unpacked beside what is installed here.\n',
  );
  const modules = join(app, 'node_modules');
  rmSync(modules, { recursive: true, force: true });
  mkdirSync(join(modules, 'longhaul'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'longhaul'), '--strip-components=1']);
  for (const name of readdirSync(join(repository, 'node_modules'))) {
    if (!existsSync(join(modules, name)))
      symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  }
}

function npx(app: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  return execFileSync('npx', ['longhaul', ...args], {
    cwd: app,
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, ...env },
  });
}

describe('the package', () => {
  it('holds the compiled constructs with their types, the command, and nothing else', () => {
    const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
    const files = listed.map((file) => file.replace(/^package\//, ''));
    const compiled = files.filter((file) => /^build\/(?:lib|imports)\/.*\.(?:js|d\.ts)$/.test(file));
    const sources = compiled.map((file) =>
      file.replace(/^build\//, '').replace(/(?:\.d)?\.(?:ts|js)$/, '.ts'),
    );
    expect(sources.filter((file) => !existsSync(join(repository, file)))).toEqual([]);
    expect(compiled.filter((file) => file.startsWith('build/lib/cli/'))).toEqual(['build/lib/cli/main.js']);
    expect(files.filter((file) => !compiled.includes(file)).sort()).toEqual([
      'LICENSE',
      'README.md',
      'build/lib/cli/THIRD-PARTY-NOTICES.txt',
      'build/lib/settings/schema.json',
      'build/main.js',
      'package.json',
    ]);
    const exported = Object.values(manifest.exports['.']).map((file) => file.replace('./', ''));
    expect(files).toEqual(expect.arrayContaining([...exported, manifest.bin.longhaul, manifest.types]));
  });

  it.each(['commonjs', 'module'])(
    'is imported, type-checked and synthesized by an app of type %s, and has its command there',
    async (type) => {
      const app = join(directory, type);
      mkdirSync(app);
      writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type }));
      writeFileSync(join(app, 'main.ts'), APP);
      install(app);
      const strict = ['--strict', '--target', 'es2022', '--module', 'node20', '--types', 'node'];
      execFileSync(join(app, 'node_modules', '.bin', 'tsc'), [...strict, 'main.ts'], {
        cwd: app,
        stdio: 'pipe',
      });
      execFileSync(process.execPath, ['main.js'], {
        cwd: app,
        stdio: 'pipe',
        env: { ...process.env, CDK8S_OUTDIR: 'dist' },
      });
      expect(kindsIn(join(app, 'dist'))).toEqual(
        expect.arrayContaining(['Deployment', 'BackupTarget', 'RecurringJob', 'Job', 'Setting']),
      );
      await useCommand(app);
    },
  );
});

function kindsIn(output: string): string[] {
  return [...filesIn(output).values()]
    .flatMap((text) => parseAllDocuments(text))
    .map((document) => (document.toJS() as Manifest).kind);
}

/** From an FTP account to manifests, without any source of ours. */
async function useCommand(app: string): Promise<void> {
  expect(npx(app, ['--version'])).toBe(`${manifest.version}\n`);
  expect(npx(app, ['--help'])).toContain('\n  init ');
  expect(npx(app, ['init', '--help'])).toContain('--pvcs <namespace/name,...>');
  const [kind] = availableServers();
  const ftp = kind
    ? await startServer(kind, { tls: true })
    : await EmbeddedFtpServer.start({ tls: 'explicit' });
  try {
    writeFileSync(join(app, 'ca.pem'), ftp.ca ?? '');
    const account = ['--host', ftp.host, '--port', String(ftp.port), '--user', ftp.user, '--ca', 'ca.pem'];
    const path = kind ? ['--path', '/files/longhaul'] : [];
    const stack = ['--image', 'registry.example/longhaul:1.2.3', '--pvcs', 'app/data'];
    const printed = npx(app, ['init', ...account, ...path, ...stack], { FTP_PASSWORD: ftp.password });
    expect(printed).toContain('\n  npx longhaul synth\n');
  } finally {
    await ftp.stop();
  }
  writeFileSync(join(app, 'dist', '0009-of-another-day.k8s.yaml'), 'kind: List\n');
  writeFileSync(join(app, 'dist', 'mine.txt'), '');
  utimesSync(join(app, 'dist', '0009-of-another-day.k8s.yaml'), 0, 0);
  const written = npx(app, ['synth']).trim().split('\n');
  expect(written.map((file) => file.replace(/\.k8s\.yaml$/, ''))).toEqual([
    ...['dist/0000-gateways', 'dist/0001-settings', 'dist/0002-backup-targets'],
    ...['dist/0003-recurring-jobs', 'dist/0004-volume-labels'],
  ]);
  expect(existsSync(join(app, 'dist', 'mine.txt'))).toBe(true);
  expect(kindsIn(join(app, 'secrets', 'manifests'))).toEqual(['Secret', 'Secret']);
}
