import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { asOneText, expectGolden, filesIn } from '../support/golden';
import { ofKind, type Manifest } from '../support/synthesis';

const repository = join(__dirname, '..', '..');
const LOADER = join(repository, 'node_modules', 'tsx', 'dist', 'loader.mjs');

jest.setTimeout(60_000);

let directory = '';
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'longhaul-example-'))));
afterEach(() => rmSync(directory, { recursive: true }));

/** Runs an example in a directory of its own, as a user would in theirs, and reads what it wrote to dist/. */
function run(example: string): { readonly files: Map<string, string>; readonly manifests: Manifest[] } {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', LOADER, join(repository, 'examples', `${example}.ts`)],
    {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, TSX_TSCONFIG_PATH: join(repository, 'tsconfig.json'), CDK8S_OUTDIR: 'dist' },
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const files = filesIn(join(directory, 'dist'));
  return { files, manifests: [...files.values()].flatMap(manifestsIn) };
}

const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).map((document) => document.toJS() as Manifest);

const namesOf = (manifests: readonly Manifest[], kind: string): string[] =>
  manifests.filter((manifest) => manifest.kind === kind).map(({ metadata }) => metadata.name);

describe('the examples', () => {
  it('minimal: one gateway, and one job for every volume without a job', () => {
    const { files, manifests } = run('minimal');
    expectGolden('minimal.yaml', asOneText(files));
    expect(namesOf(manifests, 'Deployment')).toEqual(['s3-to-ftp']);
    expect(ofKind(manifests, 'RecurringJob').spec).toMatchObject({ groups: ['default'], cron: '0 2 * * *' });
    expect(namesOf(manifests, 'Secret')).toEqual([]);
    expect(namesOf(manifests, 'CronJob')).toEqual([]);
  });

  it('two targets: two gateways that share nothing', () => {
    const { files, manifests } = run('two-targets');
    expectGolden('two-targets.yaml', asOneText(files));
    for (const kind of ['Deployment', 'Service', 'ServiceAccount', 'NetworkPolicy', 'PodDisruptionBudget']) {
      expect(namesOf(manifests, kind)).toEqual(expect.arrayContaining(['s3-to-ftp', 's3-to-ftp-nas']));
    }
    expect(namesOf(manifests, 'BackupTarget')).toEqual(['default', 'nas']);
    expect([...files.keys()]).toEqual([
      '0000-gateways.k8s.yaml',
      '0001-settings.k8s.yaml',
      '0002-backup-targets.k8s.yaml',
      '0003-recurring-jobs.k8s.yaml',
      '0004-volume-labels.k8s.yaml',
    ]);
  });

  it('secrets from a file: in a directory of their own, which nobody else can read', () => {
    mkdirSync(join(directory, 'secrets'));
    writeFileSync(
      join(directory, 'secrets', 'longhorn.yaml'),
      [
        'ftp_host: ftp.example.com',
        'ftp_user: homelab',
        'ftp_password: correct horse',
        'ftp_path: /Homelab',
        's3_access_key_id: longhorn',
        's3_secret_access_key: battery staple',
        `encryption_key: ${'ab'.repeat(32)}`,
      ].join('\n'),
    );
    const { files } = run('secrets-from-file');
    const secrets = join(directory, 'secrets', 'manifests');
    const text = asOneText(files);
    expectGolden('secrets-from-file.yaml', `${text}\n${asOneText(filesIn(secrets))}`);
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    expect(text).not.toMatch(/kind: Secret|correct horse|battery staple|abab/);
    expect(text).not.toContain(Buffer.from('correct horse').toString('base64'));
  });

  it('another app: beside charts of its own, after what they make', () => {
    const { files, manifests } = run('another-app');
    expectGolden('another-app.yaml', asOneText(files));
    expect([...files.keys()]).toEqual(['0000-database.k8s.yaml', '0001-longhorn-backup.k8s.yaml']);
    expect(JSON.stringify(ofKind(manifests, 'Job').spec)).toContain('"hourly=database/database-data"');
    expect(existsSync(join(directory, 'secrets'))).toBe(false);
  });
});
