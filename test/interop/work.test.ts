/**
 * S3 clients at realistic work: each keeps a tree of files in the gateway, changes it, checks it, fetches it and deletes it.
 * By default the tree is small; LONGHAUL_INTEROP=full makes it 2,000 files and one of 300 MB, which takes the better part of an hour.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3';
import { ftpBackends } from '../e2e/ftp-backends';
import { s3Client } from '../support/s3';
import { findProgram } from './programs';
import { sealedGateway } from './sealed-gateway';
import { changeTree, makeTree, treeHashes, type TreeSize } from './tree';
import { WORK_KINDS } from './work-kinds';

const full = process.env['LONGHAUL_INTEROP'] === 'full';
const SIZE: TreeSize = full
  ? { smallFiles: 2_000, largeBytes: 300_000_000 }
  : { smallFiles: 24, largeBytes: 17_000_000 };
const TEST_TIMEOUT_MS = full ? 3_600_000 : 120_000;

const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;
const clients = WORK_KINDS.map((kind) => ({
  kind,
  program: kind.program === undefined ? '' : findProgram(kind.program),
}));
const missing = clients.filter(({ program }) => program === undefined).map(({ kind }) => kind.name);
const usable = clients.filter(
  ({ kind, program }) => program !== undefined && (kind.name !== 's3fs' || canMount),
);
const notRun = [...missing, ...(canMount ? [] : ['s3fs (no mounting here)'])];
if (notRun.length > 0) process.stderr.write(`interop at work, not run: ${notRun.join(', ')}\n`);

it('has every client at hand where all are required', () => {
  expect(process.env['LONGHAUL_REQUIRE_CLIENTS'] === '1' ? missing : []).toEqual([]);
});

const backends = ftpBackends().filter(({ name, tls }) => tls && !name.startsWith('pure-ftpd'));

describe.each(backends)('on $name, sealed', ({ start }) => {
  const gateway = sealedGateway(start, TEST_TIMEOUT_MS);

  it.each(usable)(
    '$kind.name keeps a tree of files, and gets back what it stored',
    async ({ kind, program = '' }) => {
      const directory = mkdtempSync(join(tmpdir(), 'longhaul-interop-'));
      const place = (name: string): string => {
        const path = join(directory, name);
        mkdirSync(path);
        return path;
      };
      try {
        const { endpoint, accessKeyId, secretAccessKey } = gateway();
        const bucket = `work-${WORK_KINDS.indexOf(kind)}`;
        const target = { endpoint, accessKeyId, secretAccessKey, bucket };
        const s3 = s3Client(target);
        await s3.send(new CreateBucketCommand({ Bucket: bucket }));
        const keeper = kind.create(target, place('scratch'), program, { timeoutMs: TEST_TIMEOUT_MS });

        const tree = place('tree');
        makeTree(tree, SIZE);
        await keeper.store(tree);
        await keeper.check(tree);
        const first = place('first');
        await keeper.fetch(first);
        expect(treeHashes(first)).toEqual(treeHashes(tree));

        changeTree(tree, SIZE);
        await keeper.store(tree);
        await keeper.check(tree);
        const second = place('second');
        await keeper.fetch(second);
        expect(treeHashes(second)).toEqual(treeHashes(tree));

        await keeper.remove();
        // Refused for a bucket that holds anything.
        await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
    TEST_TIMEOUT_MS,
  );
});
