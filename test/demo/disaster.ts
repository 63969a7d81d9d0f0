/** The demo's second act: a new machine without catalog and cluster, which has the FTP account and the key. */
import { execFile } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FtpAccount } from '../support/gateway-process';
import { DEFAULT_BLOCK_SIZE, type Snapshot } from '../support/longhorn/volume';
import type { Terminal } from './terminal';

const REPOSITORY = join(__dirname, '..', '..');

export interface Disaster {
  readonly ftp: FtpAccount;
  readonly encryptionKey: string;
  readonly bucket: string;
  readonly volume: string;
  /** What the volume held when it was backed up last. */
  readonly expected: Snapshot;
  readonly sizeBytes: number;
}

/** Plays what docs/disaster-recovery.md tells. Whether the image is the volume, byte by byte. */
export async function playDisaster(disaster: Disaster, terminal: Terminal): Promise<boolean> {
  const { ftp, encryptionKey, bucket, volume } = disaster;
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-new-machine-'));
  const image = join(directory, `${volume}.img`);
  const env = {
    FTP_HOST: ftp.host,
    FTP_PORT: String(ftp.port),
    FTP_USER: ftp.user,
    FTP_PASSWORD: ftp.password,
    FTP_TLS: ftp.tls,
    ENCRYPTION_KEY: encryptionKey,
    S3_BUCKET: bucket,
  };
  terminal.line(
    'The cluster is gone, and the gateway with its catalog. A new machine has the FTP account and the key.',
  );
  try {
    for (const args of [['backups'], ['verify'], ['restore', volume, '--to', image]]) {
      terminal.line();
      terminal.line(`  $ longhaul ${args.join(' ')}`);
      const output = await longhaul(args, env);
      for (const line of output.trimEnd().split('\n')) terminal.line(`  ${line}`);
    }
    return isSame(image, disaster);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function longhaul(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const command = ['--import', 'tsx', 'lib/cli/main.ts', ...args];
  const options = { cwd: REPOSITORY, env: { PATH: process.env['PATH'] ?? '', ...env } };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      if (error) reject(new Error(`longhaul ${args.join(' ')} failed:\n${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

function isSame(image: string, { expected, sizeBytes }: Disaster): boolean {
  const descriptor = openSync(image, 'r');
  try {
    if (fstatSync(descriptor).size !== sizeBytes) return false;
    const zeros = Buffer.alloc(DEFAULT_BLOCK_SIZE);
    const block = Buffer.alloc(DEFAULT_BLOCK_SIZE);
    for (let index = 0; index * DEFAULT_BLOCK_SIZE < sizeBytes; index++) {
      readSync(descriptor, block, 0, block.length, index * DEFAULT_BLOCK_SIZE);
      if (!block.equals(expected.blocks.get(index) ?? zeros)) return false;
    }
    return true;
  } finally {
    closeSync(descriptor);
  }
}
