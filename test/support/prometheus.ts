/** Debian's Prometheus and promtool, where `.ci/prometheus` unpacked them. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port';

const programs = process.env['LONGHAUL_PROMETHEUS'] ?? '';
export const hasPrometheus = existsSync(join(programs, 'promtool'));
if (!hasPrometheus && process.env['LONGHAUL_REQUIRE_PROMETHEUS'])
  throw new Error(`LONGHAUL_REQUIRE_PROMETHEUS is set, and there is no promtool in "${programs}"`);
if (!hasPrometheus)
  process.stderr.write('LONGHAUL_PROMETHEUS is not set: the tests do without Prometheus.\n');

export interface ToolResult {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs promtool with what it reads from its standard input. */
export function promtool(args: readonly string[], input = ''): Promise<ToolResult> {
  return new Promise((resolve) => {
    const child = execFile(join(programs, 'promtool'), args, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ exitCode, output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** One that scrapes every second, and keeps nothing when it ends. */
export class Prometheus {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly url: string,
  ) {}

  /** @param config Prometheus's configuration, as JSON, which is YAML too */
  static async start(config: object): Promise<Prometheus> {
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-prometheus-'));
    const port = await freePort();
    writeFileSync(join(directory, 'prometheus.yml'), JSON.stringify(config));
    const child = spawn(
      join(programs, 'prometheus'),
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    void once(child, 'exit').then(() => process.removeListener('exit', killWithUs));
    const prometheus = new Prometheus(child, directory, `http://127.0.0.1:${port}`);
    await prometheus.until('is ready', async () => (await fetch(`${prometheus.url}/-/ready`)).ok);
    return prometheus;
  }

  async query(expression: string): Promise<QueryResult[]> {
    const { result } = await this.api<{ result: QueryResult[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result;
  }

  async api<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  async until(what: string, holds: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await holds().catch(() => false))) {
      if (this.child.exitCode !== null) throw new Error(`Prometheus ended (${this.child.exitCode})`);
      if (Date.now() > deadline) throw new Error(`not so within ${timeoutMs} ms: ${what}`);
      await sleep(200);
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exited;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}
