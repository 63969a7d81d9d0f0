/** The `longhaul` command for tests: the real program, run by `cli-host.ts` with captured output. */
import { fork, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostReply, HostRequest } from './cli-host';

export type CliResult = Omit<HostReply, 'id'>;

export interface CliOptions {
  /** Answers of the person at the terminal, in turn. @default nobody is there */
  readonly answers?: readonly string[];
  /** @default an empty directory */
  readonly cwd?: string;
  /** What the command takes for the time, ISO 8601. @default the time */
  readonly now?: string;
  /** Whether the output goes to a terminal. @default false */
  readonly redraws?: boolean;
  /** The environment variables that the command sees. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

export class LonghaulCli {
  private next = 0;
  private readonly waiting = new Map<
    number,
    { resolve: (reply: HostReply) => void; reject: (error: Error) => void }
  >();

  private constructor(
    private readonly host: ChildProcess,
    private readonly kubeconfig: string,
  ) {
    host.on('message', (reply: HostReply) => {
      this.waiting.get(reply.id)?.resolve(reply);
      this.waiting.delete(reply.id);
    });
    host.on('exit', (code) => {
      for (const { reject } of this.waiting.values())
        reject(new Error(`the command's process ended with ${code}`));
    });
  }

  /** Every command line gets `--kubeconfig` unless it brings its own. */
  static start(kubeconfig: string): LonghaulCli {
    const env = { ...process.env, KUBECONFIG: '', HOME: tmpdir() };
    const host = fork(join(__dirname, 'cli-host.ts'), { execArgv: ['--import', 'tsx'], env });
    return new LonghaulCli(host, kubeconfig);
  }

  run(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    const id = (this.next += 1);
    const all = args.includes('--kubeconfig') ? args : ['--kubeconfig', this.kubeconfig, ...args];
    const request: HostRequest = { id, args: all, cwd: tmpdir(), ...options };
    return new Promise((resolve, reject) => {
      this.waiting.set(id, {
        reject,
        resolve: ({ id: _id, ...result }) => resolve(result),
      });
      this.host.send(request);
    });
  }

  /** The result of `-o json`, parsed. */
  async json<T>(
    args: readonly string[],
    options: CliOptions = {},
  ): Promise<CliResult & { readonly value: T }> {
    const result = await this.run([...args, '-o', 'json'], options);
    return { ...result, value: JSON.parse(result.stdout || 'null') as T };
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.host.once('exit', resolve));
    this.host.disconnect();
    await exited;
  }
}
