/** Stores files on an embedded FTP server through a tree of its own, and looks whether they are right. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FtpRemoteTree, type FtpRemoteTreeOptions } from '../../../gateway/ftp/ftp-remote-tree';
import type { FileToPut } from '../../../gateway/ftp/remote-tree';
import { EmbeddedFtpServer, type EmbeddedFtpServerOptions } from '../../support/embedded-ftp-server';
import { accountOf } from '../../support/ftp-servers/test-servers';

export const SIZE = 300_000;

export class PutRig {
  /** What each file holds. */
  readonly bytes = randomBytes(SIZE);
  server!: EmbeddedFtpServer;
  tree!: FtpRemoteTree;
  private files = 0;

  async start(
    options: EmbeddedFtpServerOptions = {},
    treeOptions: Partial<FtpRemoteTreeOptions> = {},
  ): Promise<void> {
    this.server = await EmbeddedFtpServer.start(options);
    for (const directory of ['incoming', 'dir']) mkdirSync(this.onDisk(directory));
    this.tree = new FtpRemoteTree({
      account: accountOf(this.server),
      timeouts: { silenceMs: 400, confirmationMs: 600 },
      retry: { deadlineMs: 5_000, firstPauseMs: 5, longestPauseMs: 50 },
      ...treeOptions,
    });
  }

  async stop(): Promise<void> {
    await this.tree.close(500);
    await this.server.stop();
  }

  onDisk(path: string): string {
    return join(this.server.root, path);
  }

  async put(target = '/dir/target', changes: Partial<FileToPut> = {}): Promise<void> {
    this.files += 1;
    await this.tree.putFile({
      temporary: `/incoming/${this.files}`,
      target,
      aside: '/incoming/aside',
      replayable: true,
      body: () => pieces(this.bytes),
      ...changes,
    });
    expect(readFileSync(this.onDisk(target)).equals(this.bytes)).toBe(true);
  }

  /** Stores one file, and waits for the data connection of the next. */
  async putAndPrepare(): Promise<void> {
    const before = this.server.count('EPSV');
    await this.put('/dir/first');
    await until(() => this.server.count('EPSV') > before + 1);
    await sleep(50);
  }
}

export async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += 65_536) {
    await Promise.resolve();
    yield bytes.subarray(start, start + 65_536);
  }
}

export async function all(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it never happened');
    await sleep(10);
  }
}
