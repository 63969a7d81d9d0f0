/** Starts the process that is fuzzed, and sees whether it lives. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Signer } from '../support/sign-request';

export type Order = 'measure' | 'stop';

export interface Measure {
  /** In use after a garbage collection, with everything deleted from the store. */
  readonly memoryBytes: number;
}

/** How long an answer is waited for: what is sent may be half a request, which has none. */
const ANSWER_MS = 150;

export class VictimProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly signer: Signer,
    private readonly output: readonly string[],
  ) {}

  static async start(): Promise<VictimProcess> {
    const child = fork(join(__dirname, 'victim.ts'), {
      execArgv: ['--import', 'tsx', '--expose-gc'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (piece: Buffer) => output.push(piece.toString()));
    const [hello] = (await once(child, 'message')) as [{ port: number; signer: Signer }];
    return new VictimProcess(child, hello.port, hello.signer, output);
  }

  /** Throws, with what it printed, if it has died. */
  checkAlive(): void {
    if (this.child.exitCode === null && this.child.signalCode === null) return;
    throw new Error(`the gateway died (${this.child.exitCode}):\n${this.output.join('').slice(-4_000)}`);
  }

  async memoryBytes(): Promise<number> {
    this.checkAlive();
    this.child.send('measure' satisfies Order);
    const [{ memoryBytes }] = (await once(this.child, 'message')) as [Measure];
    return memoryBytes;
  }

  /** Sends the bytes on a connection of their own, in two pieces; resolves with the start of what comes back. */
  send(bytes: Buffer, split: number): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(this.port, '127.0.0.1');
      const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
      socket.on('error', () => undefined);
      socket.on('data', (piece) => {
        answer += piece.toString('latin1');
        if (!answer.startsWith('HTTP/1.1 100')) socket.destroy();
      });
      socket.on('close', () => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.write(bytes.subarray(0, split));
      setImmediate(() => socket.write(bytes.subarray(split)));
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, 'exit');
    this.child.send('stop' satisfies Order);
    await exited;
  }
}
