import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeProblem, PropsError } from '../../../lib/problems';
import { readSettings, type ReadSettings } from '../../../lib/settings/read-settings';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'longhaul-settings-'));
  mkdirSync(join(directory, 'secrets'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const KEY = '0123456789'.repeat(6) + '0123';
const SECRETS = `# Ansible's file, unchanged
ftp_host: "ftp.example.com"
ftp_port: 21
ftp_user: homelab
ftp_password: 0123
ftp_path: "/Homelab"
s3_access_key_id: longhorn
s3_secret_access_key: battery staple
backup_bucket_name: longhorn
backup_region: box
encryption_key: ${KEY}
`;

function read(settings: string, secrets: string = SECRETS): ReadSettings {
  const file = join(directory, 'longhaul.yaml');
  writeFileSync(file, settings);
  writeFileSync(join(directory, 'secrets', 'longhorn.yaml'), secrets);
  return readSettings([file]);
}

/** The problems, with the directory of the test left out of the names of files. */
function problemsOf(settings: string, secrets?: string): string[] {
  try {
    read(settings, secrets);
  } catch (error) {
    if (!(error instanceof PropsError)) throw error;
    return error.problems.map((problem) => describeProblem(problem).replaceAll(`${directory}/`, ''));
  }
  throw new Error('no problem was found');
}

const IMAGE = 'image: registry.example/longhaul:1.2.3\n';

describe('the settings file', () => {
  it('holds the props of the stack', () => {
    const { stack, secrets } = read(
      `${IMAGE}targets: [{ bucket: longhorn, region: box, gateway: { replicas: 2, ftp: { tls: off } } }]\n` +
        'recurringJobs:\n  - { name: daily, cron: "0 2 * * *", pvcs: [{ namespace: app, name: data }] }\n',
    );
    expect(stack).toEqual({
      image: 'registry.example/longhaul:1.2.3',
      targets: [{ bucket: 'longhorn', region: 'box', gateway: { replicas: 2, ftp: { tls: 'off' } } }],
      recurringJobs: [{ name: 'daily', cron: '0 2 * * *', pvcs: [{ namespace: 'app', name: 'data' }] }],
    });
    expect(secrets).toEqual([]);
  });

  it('has one target if it names none', () => {
    expect(read(IMAGE).stack).toEqual({ image: 'registry.example/longhaul:1.2.3', targets: [{}] });
  });

  it('is the first of several files that exists', () => {
    writeFileSync(join(directory, 'second.yaml'), IMAGE);
    const paths = ['first.yaml', 'second.yaml', 'third.yaml'].map((name) => join(directory, name));
    expect(readSettings(paths).stack.image).toBe('registry.example/longhaul:1.2.3');
  });

  it('is asked for where none exists', () => {
    expect(() => readSettings([join(directory, 'longhaul.yaml')])).toThrow(/longhaul\.yaml\] does not exist/);
  });

  it.each([
    [
      'a field that is misspelt',
      `${IMAGE}recurringJobs:\n  - name: daily\n    retian: 3\n`,
      '[longhaul.yaml line 4] recurringJobs[0].retian: is no field here, did you mean "retain"?',
    ],
    [
      'a field that nothing is near',
      `${IMAGE}targets:\n  - gateway:\n      catalog:\n        disk: fast\n`,
      '[longhaul.yaml line 5] targets[0].gateway.catalog.disk: is no field here: there are claim, sizeLimit',
    ],
    ['no image', 'timeZone: Europe/Paris\n', '[longhaul.yaml line 1] `image` is missing'],
    [
      'a job without name',
      `${IMAGE}recurringJobs:\n  - cron: '@daily'\n`,
      '[longhaul.yaml line 3] recurringJobs[0]: `name` is missing',
    ],
    [
      'a version as a number',
      `${IMAGE}longhornVersion: 1.10\n`,
      '[longhaul.yaml line 2] longhornVersion 1.1: expected text: put it in quotes',
    ],
    [
      'text for a number',
      `${IMAGE}recurringJobs:\n  - name: daily\n    retain: seven\n`,
      '[longhaul.yaml line 4] recurringJobs[0].retain "seven": expected a number',
    ],
    [
      'text for a choice of two',
      `${IMAGE}enabled: 'yes'\n`,
      '[longhaul.yaml line 2] enabled "yes": expected true or false',
    ],
    [
      'one PVC for a list',
      `${IMAGE}recurringJobs:\n  - name: daily\n    pvcs:\n      namespace: app\n`,
      '[longhaul.yaml line 5] recurringJobs[0].pvcs {"namespace":"app"}: expected a list',
    ],
    [
      'text for a PVC',
      `${IMAGE}recurringJobs:\n  - name: daily\n    pvcs:\n      - app/data\n`,
      '[longhaul.yaml line 5] recurringJobs[0].pvcs[0] "app/data": expected fields',
    ],
    [
      'an unknown task',
      `${IMAGE}recurringJobs:\n  - name: daily\n    task: restore\n`,
      '[longhaul.yaml line 4] recurringJobs[0].task "restore": expected one of snapshot, snapshot-force-create, snapshot-cleanup, snapshot-delete, backup, backup-force-create, filesystem-trim, system-backup',
    ],
    ['an empty file', '', '[longhaul.yaml] null: expected fields'],
    ['no YAML', 'image: [\n', '[longhaul.yaml line 2] is no YAML (BAD_INDENT)'],
    ['a field twice', `${IMAGE}${IMAGE}`, '[longhaul.yaml line 2] is no YAML (DUPLICATE_KEY)'],
  ])('is refused with %s', (_name, settings, message) => {
    expect(problemsOf(settings)).toEqual([message]);
  });

  it.each([
    ['recurring_backups: []', 'recurring_backups', '`recurringJobs`'],
    ['s3_to_ftp_image: a', 's3_to_ftp_image', '`image`'],
    ['s3_to_ftp_enabled: true', 's3_to_ftp_enabled', '`enabled`'],
    ['s3_to_ftp_replicas: 1', 's3_to_ftp_replicas', '`targets[].gateway.replicas`'],
    ['s3_to_ftp_service_port: 9000', 's3_to_ftp_service_port', '`targets[].gateway.servicePort`'],
    ['s3_to_ftp_encryption_enabled: true', 's3_to_ftp_encryption_enabled', '`targets[].gateway.encryption`'],
    ['s3_to_ftp_resources: {}', 's3_to_ftp_resources', '`targets[].gateway.resources`'],
    ['longhorn_namespace: longhorn-system', 'longhorn_namespace', '`namespace`'],
    ['ftp_password: hunter2', 'ftp_password', 'the file that `targets[].secretsFile` names'],
  ])('says where the Ansible variable belongs: %s', (line, name, place) => {
    const problems = problemsOf(`${IMAGE}${line}\n`);
    expect(problems).toEqual([
      `[longhaul.yaml line 2] ${name}: is a variable of the Ansible role; it belongs into ${place}`,
    ]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('says so within a job too', () => {
    expect(problemsOf(`${IMAGE}recurringJobs:\n  - name: daily\n    full_backup_interval: 5\n`)).toEqual([
      '[longhaul.yaml line 4] recurringJobs[0].full_backup_interval: is a variable of the Ansible role; it belongs into `fullBackupInterval`',
    ]);
  });

  it('tells all its problems', () => {
    expect(problemsOf('imagee: a\ntargets: {}\nenabled: 1\n')).toHaveLength(4);
  });
});

describe('the secrets file', () => {
  const settings = `${IMAGE}targets: [{ secretsFile: secrets/longhorn.yaml }]\n`;

  it('gives the values of the Secrets as they stand there, and bucket and region to the target', () => {
    const { stack, secrets } = read(settings);
    expect(stack.targets).toEqual([{ bucket: 'longhorn', region: 'box' }]);
    expect(secrets).toEqual([
      {
        target: { bucket: 'longhorn', region: 'box' },
        namespace: undefined,
        authority: undefined,
        credentials: {
          ftp_host: 'ftp.example.com',
          ftp_port: '21',
          ftp_user: 'homelab',
          // Neither a number without its zero, nor a key in exponential form.
          ftp_password: '0123',
          ftp_path: '/Homelab',
          s3_access_key_id: 'longhorn',
          s3_secret_access_key: 'battery staple',
          backup_bucket_name: 'longhorn',
          backup_region: 'box',
          encryption_key: KEY,
        },
      },
    ]);
  });

  it('may leave bucket and region to the settings, but not differ from them', () => {
    const withBucket = `${IMAGE}targets:\n  - secretsFile: secrets/longhorn.yaml\n    bucket: other\n`;
    expect(read(withBucket, SECRETS.replace('backup_bucket_name: longhorn\n', '')).stack.targets).toEqual([
      { bucket: 'other', region: 'box' },
    ]);
    expect(problemsOf(withBucket)).toEqual([
      '[longhaul.yaml line 4] targets[0].bucket "other": secrets/longhorn.yaml has another `backup_bucket_name`: leave one of them out',
    ]);
  });

  it.each([
    [
      'a key that is misspelt',
      SECRETS.replace('ftp_password', 'ftp_pasword'),
      '[secrets/longhorn.yaml line 5] ftp_pasword: is no key here, did you mean "ftp_password"?',
    ],
    [
      'a key with fields',
      SECRETS.replace('ftp_user: homelab', 'ftp_user: { name: hunter2 }'),
      '[secrets/longhorn.yaml line 4] ftp_user: expected text',
    ],
    ['no keys', 'hunter2', '[secrets/longhorn.yaml line 1] expected one `key: value` a line'],
    [
      'the output of Ansible Vault',
      '$ANSIBLE_VAULT;1.1;AES256\n6162\n',
      '[secrets/longhorn.yaml line 1] is encrypted by Ansible Vault: decrypt it first (ansible-vault view)',
    ],
    [
      'the output of SOPS',
      'ftp_host: ENC[AES256_GCM,data:x]\nsops:\n  version: 3.9.0\n',
      '[secrets/longhorn.yaml line 2] is encrypted by SOPS: decrypt it first (sops --decrypt)',
    ],
    ['no YAML', 'ftp_password: "hunter2', '[secrets/longhorn.yaml line 1] is no YAML (MISSING_CHAR)'],
  ])('is refused with %s, and nothing of it is shown', (_name, secrets, message) => {
    const problems = problemsOf(settings, secrets);
    expect(problems).toEqual([message]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it('goes with the authority of the gateway’s certificate, which is of no use without it', () => {
    writeFileSync(join(directory, 'ca.pem'), 'PEM\n');
    const { secrets } = read(
      `${IMAGE}targets: [{ secretsFile: secrets/longhorn.yaml, authorityFile: ca.pem }]\n`,
    );
    expect(secrets[0]?.authority).toBe('PEM\n');
    expect(problemsOf(`${IMAGE}targets: [{ authorityFile: ca.pem }]\n`)).toEqual([
      '[longhaul.yaml line 2] targets[0].authorityFile "ca.pem": is for the Secrets that are made from `secretsFile`, and there is none',
    ]);
    expect(
      problemsOf(`${IMAGE}targets: [{ secretsFile: secrets/longhorn.yaml, authorityFile: no.pem }]\n`),
    ).toEqual(['[no.pem] cannot be read (ENOENT)']);
  });

  it('is asked for where it is missing, for each target', () => {
    expect(
      problemsOf(`${IMAGE}targets: [{ secretsFile: a.yaml }, { name: nas, secretsFile: b.yaml }]\n`),
    ).toEqual(['[a.yaml] cannot be read (ENOENT)', '[b.yaml] cannot be read (ENOENT)']);
  });
});
