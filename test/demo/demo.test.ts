import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes, formatTable, hexdump } from './terminal';

const REPOSITORY = join(__dirname, '..', '..');

/** Runs the demo, interrupting it once it prints `until`, and resolves with its output and exit code. */
async function runDemo(
  args: readonly string[],
  temporaryDirectory: string,
  until?: string,
): Promise<{ output: string; code: number }> {
  const demo = spawn(process.execPath, ['--import', 'tsx', 'test/demo/main.ts', ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, TMPDIR: temporaryDirectory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      const seen = until !== undefined && output.includes(until);
      output += chunk.toString();
      if (until !== undefined && !seen && output.includes(until)) demo.kill('SIGINT');
    });
  }
  const [code] = (await once(demo, 'close')) as [number];
  return { output, code };
}

describe('the demo', () => {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-demo-'));
  const leftovers = (): string[] => readdirSync(directory).filter((name) => name.startsWith('longhaul-'));

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('restores what it backed up, shows a sealed file, and leaves nothing behind', async () => {
    const { output, code } = await runDemo([], directory);
    expect(output.trimEnd().split('\n').at(-1)).toBe('RESTORED: identical');
    expect(output).toMatch(/full backup +29 +58\.0 MiB/);
    expect(output).toMatch(/incremental backup +5 +10\.0 MiB/);
    expect(output).toMatch(/^ {2}00000000 {2}([0-9a-f]{2} ){8}/m);
    expect(code).toBe(0);
    expect(leftovers()).toEqual([]);
  }, 120_000);

  it('stays with --keep until it is interrupted, and says how to reach it', async () => {
    const { output, code } = await runDemo(['--keep'], directory, 'aws s3 ls');
    expect(output).toMatch(/export AWS_ENDPOINT_URL=http:\/\/127\.0\.0\.1:\d+/);
    expect(code).toBe(0);
    expect(leftovers()).toEqual([]);
  }, 120_000);
});

describe('the terminal', () => {
  it('writes bytes in the unit that reads best', () => {
    expect([0, 1023, 1536, 3 * 1024 * 1024].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.5 KiB',
      '3.0 MiB',
    ]);
  });

  it('aligns the first column left and the others right', () => {
    const rows = [
      ['', 'n'],
      ['long name', '12'],
      ['x', '3'],
    ];
    expect(formatTable(rows)).toEqual(['             n', 'long name   12', 'x            3']);
  });

  it('dumps bytes as hexdump -C does', () => {
    expect(hexdump(Buffer.from('longhaul seals it\n'))).toEqual([
      '00000000  6c 6f 6e 67 68 61 75 6c  20 73 65 61 6c 73 20 69  |longhaul seals i|',
      '00000010  74 0a                                             |t.|',
    ]);
  });
});
