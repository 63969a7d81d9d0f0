/** A tree of files as people have them, and what is the same about two of them. */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { randomBlock } from '../support/longhorn/block-content';

export interface TreeSize {
  readonly smallFiles: number;
  /** Bytes of the one large file. */
  readonly largeBytes: number;
}

/** What is written at a time of the large file. */
const PIECE = 16 * 1024 * 1024;

/** Small files of 0 to 20,000 bytes in nested directories, some under names that have to be escaped, and one large file. */
export function makeTree(root: string, { smallFiles, largeBytes }: TreeSize): void {
  for (let i = 0; i < smallFiles; i += 1) write(root, smallName(i), randomBlock(i, (i * 7919) % 20_000));
  for (let start = 0; start < largeBytes; start += PIECE)
    appendFileSync(
      join(root, 'large.bin'),
      randomBlock(1_000_000 + start, Math.min(PIECE, largeBytes - start)),
    );
  settle(join(root, 'large.bin'));
}

/** Some files change, some go, some come, as between two backups. */
export function changeTree(root: string, { smallFiles }: TreeSize): void {
  for (let i = 0; i < smallFiles; i += 10)
    write(root, smallName(i), randomBlock(i + 1, ((i * 7919) % 20_000) + 1));
  for (let i = 5; i < smallFiles; i += 20) rmSync(join(root, smallName(i)));
  for (let i = smallFiles; i < smallFiles * 1.05; i += 1) write(root, smallName(i), randomBlock(i, 100));
}

/** The SHA-256 of each file by its path. */
export function treeHashes(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    files
      .filter((name) => statSync(join(root, name)).isFile())
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(root, name)))
          .digest('hex'),
      ]),
  );
}

function smallName(i: number): string {
  const special = i % 11 === 0 ? ` spaced & ünï+cöde=${i}` : `${i}`;
  return `dir-${i % 7}/sub ${i % 3}/file-${special}.dat`;
}

function write(root: string, name: string, content: Buffer): void {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  settle(path);
}

/** Last-Modified has whole seconds: a file stored in the second in which it was written looks newer than its object, and clients send it again. */
function settle(path: string): void {
  const time = Date.now() / 1000 - 10;
  utimesSync(path, time, time);
}
