/** A client of the Go world over TLS: it offers HTTP/2, as rclone, restic and Longhorn's SDK do, and gets it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp, TEST_BUCKET, type AppServer } from '../support/app-server';
import { serverCertificate } from '../support/ftp-servers/certificate';
import { rcloneEnv } from './program-settings';
import { findProgram, runProgram } from './programs';
import { makeTree, treeHashes } from './tree';

const program = findProgram('rclone');
const describeWithRclone = program === undefined ? describe.skip : describe;
if (program === undefined)
  process.stderr.write('interop: rclone is not installed: HTTP/2 is not tried with it\n');

describeWithRclone('rclone over TLS', () => {
  const { ca, cert, key } = serverCertificate();
  let app: AppServer;
  let directory: string;
  beforeAll(async () => {
    app = await startApp({}, { cert, key });
    directory = mkdtempSync(join(tmpdir(), 'longhaul-http2-'));
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await app.close();
  });

  it('keeps a tree of files by HTTP/2', async () => {
    const authority = join(directory, 'ca.pem');
    const log = join(directory, 'log');
    const [tree, back] = [join(directory, 'tree'), join(directory, 'back')];
    writeFileSync(authority, ca);
    mkdirSync(tree);
    makeTree(tree, { smallFiles: 40, largeBytes: 12_000_000 });
    const run = (...args: string[]) =>
      runProgram(
        program ?? '',
        ['--retries', '1', '--ca-cert', authority, ...args],
        rcloneEnv(app.target, directory),
      );
    const remote = `gateway:${TEST_BUCKET}`;
    await run(
      '-vv',
      '--dump',
      'headers',
      '--log-file',
      log,
      'sync',
      tree,
      remote,
      '--s3-upload-cutoff',
      '6M',
    );
    await run('check', '--download', tree, remote);
    await run('copy', remote, back);
    expect(treeHashes(back)).toEqual(treeHashes(tree));
    const answers = new Set(readFileSync(log, 'latin1').match(/HTTP\/[\d.]+ (?=\d{3} )/g));
    expect([...answers]).toEqual(['HTTP/2.0 ']);
    expect(app.records.filter(({ status, aborted }) => status >= 500 || aborted)).toEqual([]);
  }, 120_000);
});
