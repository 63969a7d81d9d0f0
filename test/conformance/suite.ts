/** The public conformance suite, ceph/s3-tests: which of its tests are run, how it is told where the server is, and what it says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Target } from '../support/s3';

/** Marks of what is no part of the plain object API. */
const LEFT_OUT_MARKS = [
  'abac_test',
  'appendobject',
  'bucket_encryption',
  'bucket_logging',
  'bucket_logging_cleanup',
  'bucket_policy',
  'cloud_restore',
  'cloud_transition',
  'encryption',
  'fails_on_aws',
  'fails_without_logging_rollover',
  'iam_account',
  'iam_cross_account',
  'iam_role',
  'iam_tenant',
  'iam_user',
  'lifecycle',
  'lifecycle_expiration',
  'lifecycle_transition',
  'object_ownership',
  'sse_s3',
  'storage_class',
  'tagging',
  'target_by_bucket',
];

/** Words in the names of tests for the same reason, where a mark is missing. */
const LEFT_OUT_NAMES = [
  'acl',
  'anon',
  'cors',
  'delete_marker',
  'lock',
  'policy',
  'post',
  'public',
  'tenant',
  'torrent',
  'version',
];

/** Key pairs that the suite signs with. Each is an account of its own to the suite, and all are one to the gateway. */
export interface SuiteKeys {
  readonly main: S3Target;
  readonly alt: S3Target;
  readonly tenant: S3Target;
}

export interface SuiteOptions {
  /** Where ceph/s3-tests is unpacked. */
  readonly directory: string;
  readonly python: string;
  readonly keys: SuiteKeys;
  readonly scratch: string;
  /** Only tests whose name fits this expression of pytest. */
  readonly only?: string | undefined;
}

export interface SuiteResults {
  readonly passed: readonly string[];
  /** With what each failed of. */
  readonly failed: ReadonlyMap<string, string>;
  /** Names that the suite leaves out by itself. */
  readonly skipped: readonly string[];
}

/** Runs the selected tests one by one. Rejects if the suite itself could not be run. */
export async function runSuite({
  directory,
  python,
  keys,
  scratch,
  only,
}: SuiteOptions): Promise<SuiteResults> {
  const config = join(scratch, 's3tests.conf');
  writeFileSync(config, suiteConfig(keys));
  const names = [
    ...LEFT_OUT_NAMES.map((name) => `not ${name}`),
    ...(only === undefined ? [] : [`(${only})`]),
  ];
  const args = [
    ...['-m', 'pytest', '-p', 'no:cacheprovider', '-q', '-rA', '--tb=line', '--timeout=600'],
    ...['-m', LEFT_OUT_MARKS.map((mark) => `not ${mark}`).join(' and ')],
    ...['-k', names.join(' and ')],
    's3tests/functional/test_s3.py',
  ];
  const child = spawn(python, args, {
    cwd: directory,
    env: {
      ...process.env,
      S3TEST_CONF: config,
      PYTHONDONTWRITEBYTECODE: '1',
      COLUMNS: '200',
      // The CRT, which comes with Debian's awscli, does not sign what the suite wants to see refused.
      BOTO_DISABLE_CRT: 'true',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const [code] = (await once(child, 'close')) as [number | null];
  const output = Buffer.concat(pieces).toString();
  // 0: all passed; 1: some failed.
  if (code !== 0 && code !== 1) throw new Error(`the suite could not be run (${code}):\n${output}`);
  return readResults(output);
}

/** From the short summary: a test that passed and then failed to clean up counts as failed. */
function readResults(output: string): SuiteResults {
  const passed = new Set<string>();
  const skipped = new Set<string>();
  const failed = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [, outcome, name = '', reason = ''] =
      /^(PASSED|FAILED|ERROR|SKIPPED) (?:\S*?::(\w+))?(?: - )?(.*)$/.exec(line) ?? [];
    if (outcome === 'PASSED') passed.add(name);
    else if (outcome === 'SKIPPED') skipped.add(line);
    else if (outcome !== undefined) failed.set(name, reason);
  }
  return { passed: [...passed].filter((name) => !failed.has(name)), failed, skipped: [...skipped] };
}

function suiteConfig({ main, alt, tenant }: SuiteKeys): string {
  const { hostname, port } = new URL(main.endpoint);
  const account = (name: string, { accessKeyId, secretAccessKey }: S3Target): string[] => [
    `[${name}]`,
    'display_name = longhaul',
    'user_id = longhaul',
    'email = longhaul@example.com',
    `access_key = ${accessKeyId}`,
    `secret_key = ${secretAccessKey}`,
  ];
  return [
    ...['[DEFAULT]', `host = ${hostname}`, `port = ${port}`, 'is_secure = False', 'ssl_verify = False'],
    ...['[fixtures]', 'bucket prefix = conformance-{random}-'],
    ...['iam name prefix = s3-tests-', 'iam path prefix = /s3-tests/'],
    // Location: the gateway has no regions.
    ...[...account('s3 main', main), 'api_name = '],
    ...account('s3 alt', alt),
    ...[...account('s3 tenant', tenant), 'tenant = tenant'],
    ...['iam', 'iam root', 'iam alt root'].flatMap((name) => account(name, alt)),
    '',
  ].join('\n');
}
