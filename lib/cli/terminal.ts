import type { ExitCode, OutputFormat } from './output';

/** What a command may do with the person or the script that runs it. `main.ts` connects it to the process. */
export interface Terminal {
  /** The command's result: stdout. */
  out(text: string): void;
  /** Progress, warnings and errors: stderr. */
  err(text: string): void;
  /** Whether progress may redraw its line. */
  readonly redraws: boolean;
  /** Whether somebody is there to answer. */
  readonly canAsk: boolean;
  /** @param options.hidden the answer is not shown as it is typed */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string>;
}

/** What the program gives to commands that add themselves to it. */
export interface CommandHost {
  readonly terminal: Terminal;
  /** The process's environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  sleep(durationMs: number): Promise<void>;
  /** Valid once an action runs. */
  output(): OutputFormat;
  /** Sets how the process ends when the action has ended; 0 if it is not called. */
  finish(code: ExitCode): void;
}

/** Says what is going on: one redrawn line on a terminal, a plain line for each change elsewhere. */
export class Progress {
  private shown = '';

  constructor(private readonly terminal: Terminal) {}

  /** What is going on now; replaced by the next call on a terminal. */
  update(text: string): void {
    if (text === this.shown) return;
    this.terminal.err(this.terminal.redraws ? `${this.clear()}${text}` : `${text}\n`);
    this.shown = text;
  }

  /** A line that stays. */
  line(text: string): void {
    this.terminal.err(`${this.clear()}${text}\n`);
    this.shown = '';
  }

  /** Takes the redrawn line away; call it before anything else is written. */
  done(): void {
    const clear = this.clear();
    if (clear !== '') this.terminal.err(clear);
    this.shown = '';
  }

  private clear(): string {
    return this.terminal.redraws && this.shown !== '' ? '\r\u001b[2K' : '';
  }
}
