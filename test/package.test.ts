/** The package as npm packs it, installed in an empty CommonJS app and in an empty ESM one. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
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

describe('the package', () => {
  it('holds the compiled constructs with their types, and nothing that belongs to this repository alone', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
    expect(files).toEqual(
      expect.arrayContaining([
        'package/package.json',
        'package/README.md',
        'package/LICENSE',
        'package/build/lib/index.js',
        'package/build/lib/index.d.ts',
        'package/build/lib/settings/schema.json',
        'package/build/imports/longhorn.io.js',
      ]),
    );
    expect(files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file))).toEqual([]);
    expect(files.filter((file) => /test|dist|secrets\/|example/.test(file))).toEqual([]);
  });

  it.each(['commonjs', 'module'])(
    'is imported, type-checked and synthesized by an app of type %s',
    (type) => {
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
      const manifests = [...filesIn(join(app, 'dist')).values()]
        .flatMap((text) => parseAllDocuments(text))
        .map((document) => document.toJS() as Manifest);
      expect(manifests.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['Deployment', 'BackupTarget', 'RecurringJob', 'Job', 'Setting']),
      );
    },
  );
});
