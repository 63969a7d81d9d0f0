/**
 * Runs ceph/s3-tests against the gateway over proftpd with TLS, sealed, and prints what passed and what did not.
 * `.ci/conformance <directory of the suite>` starts it. Exit code 0 only if nothing but the misses that gateway/S3.md explains fails.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import { ftpBackends } from '../e2e/ftp-backends';
import { GatewayProcess } from '../support/gateway-process';
import { s3Client, type S3Target } from '../support/s3';
import { runSuite, type SuiteResults } from './suite';

/** Accounts of their own to the suite. Here they have no bucket of the main key's. */
const ALT = { accessKeyId: 'conformance-alt', secretAccessKey: 'secret-of-conformance-alt', bucket: 'alt' };
const TENANT = {
  accessKeyId: 'conformance-tenant',
  secretAccessKey: 'secret-of-conformance-tenant',
  bucket: 'tenant',
};

const DOCUMENT = join(__dirname, '..', '..', 'gateway', 'S3.md');

async function main([directory, only]: readonly string[]): Promise<boolean> {
  if (directory === undefined)
    throw new Error('say where ceph/s3-tests is: .ci/conformance <directory> [<expression>]');
  const backend = ftpBackends().find(({ name, tls }) => tls && name.startsWith('proftpd'));
  if (!backend) throw new Error('proftpd is not there: .ci/ftp-servers unpacks it');
  const scratch = mkdtempSync(join(tmpdir(), 'longhaul-conformance-'));
  const ftp = await backend.start();
  let gateway: GatewayProcess | undefined;
  try {
    gateway = await GatewayProcess.start({
      ftp: ftp.account,
      encryptionKey: randomBytes(32).toString('hex'),
      env: { ...variables(ALT), ...variables(TENANT) },
    });
    await gateway.ready();
    // The suite counts the buckets of an account that has none yet.
    await s3Client(gateway).send(new DeleteBucketCommand({ Bucket: gateway.bucket }));
    const { endpoint } = gateway;
    const keys = { main: gateway, alt: { endpoint, ...ALT }, tenant: { endpoint, ...TENANT } };
    const python = process.env['PYTHON'] ?? '/usr/bin/python3';
    const results = await runSuite({ directory, python, keys, scratch, only });
    return report(results, only === undefined);
  } finally {
    await gateway?.stop();
    await ftp.stop();
    rmSync(scratch, { recursive: true });
  }
}

function variables({
  accessKeyId,
  secretAccessKey,
  bucket,
}: Omit<S3Target, 'endpoint'>): Record<string, string> {
  const name = bucket.toUpperCase();
  return {
    [`S3_ACCESS_KEY_${name}`]: accessKeyId,
    [`S3_SECRET_KEY_${name}`]: secretAccessKey,
    [`S3_RIGHTS_${name}`]: 'read-write',
    [`S3_BUCKETS_${name}`]: bucket,
  };
}

/** True if all is as the document says. */
function report({ passed, failed, skipped }: SuiteResults, complete: boolean): boolean {
  const explained = new Set(
    [...readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `(test_\w+)` \|/gm)].map(([, name]) => name),
  );
  const line = (text: string): void => void process.stdout.write(`${text}\n`);
  for (const [name, reason] of failed)
    line(`${explained.has(name) ? 'explained ' : 'UNEXPLAINED'} ${name}: ${reason}`);
  for (const text of skipped) line(text);
  const cured = complete ? [...explained].filter((name = '') => passed.includes(name)) : [];
  for (const name of cured) line(`passes, though gateway/S3.md explains why it cannot: ${name}`);
  line(`${passed.length} passed, ${failed.size} failed`);
  return [...failed.keys()].every((name) => explained.has(name)) && cured.length === 0 && passed.length > 0;
}

main(process.argv.slice(2)).then(
  (asDocumented) => {
    process.exitCode = asDocumented ? 0 : 1;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
