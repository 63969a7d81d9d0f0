/** Finding and running the command-line clients. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

export interface RunOptions {
  /** Working directory. */
  readonly cwd?: string;
  /** @default a minute */
  readonly timeoutMs?: number;
}

/** Debian's own first: a version manager's shim of the same name may be in PATH, with nothing behind it. */
const DIRECTORIES = ['/usr/bin', ...(process.env['PATH'] ?? '').split(delimiter)];

/** The path of an executable, or undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs to the end and returns what was written to stdout. Rejects, with stderr in the message, on any other exit code than 0. */
export async function runProgram(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { cwd, timeoutMs = TIMEOUT_MS }: RunOptions = {},
): Promise<Buffer> {
  const { stdout } = await run(path, args, {
    env: { PATH: '/usr/bin:/bin', ...env },
    encoding: 'buffer',
    maxBuffer: 64 * 1024 * 1024,
    timeout: timeoutMs,
    ...(cwd !== undefined && { cwd }),
  });
  return stdout;
}
