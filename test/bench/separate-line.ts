/** A slow line that whoever sends over it does not hold up: with the client of the gateway in its process, its clock would stand still while that works. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SLOW_LINE_HOST, type SlowLineCounts, type SlowLineOptions } from '../support/slow-line';

export class SeparateLine {
  readonly host = SLOW_LINE_HOST;

  private constructor(private readonly child: ChildProcess) {}

  static async start(options: SlowLineOptions): Promise<SeparateLine> {
    const child = fork(join(__dirname, 'line-process.ts'), {
      execArgv: ['--import', 'tsx'],
      serialization: 'advanced',
    });
    const line = new SeparateLine(child);
    await line.ask(options);
    return line;
  }

  counts(): Promise<SlowLineCounts> {
    return this.ask('counts');
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }

  private async ask(message: SlowLineOptions | 'counts'): Promise<SlowLineCounts> {
    const answered = once(this.child, 'message');
    const died = once(this.child, 'exit').then(() => {
      throw new Error('the line has ended');
    });
    this.child.send(message);
    const [counts] = (await Promise.race([answered, died])) as [SlowLineCounts];
    return counts;
  }
}
