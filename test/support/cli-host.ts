/**
 * Runs command lines that arrive as messages, in a process of its own: the Kubernetes library is an ES module, which jest's sandbox
 * cannot load on Node 20. Started by `longhaul-cli.ts`.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addGatewayCommands, tryFtpAccount } from '../../gateway/cli/commands';
import { run } from '../../lib/cli/program';

export interface HostRequest {
  readonly id: number;
  readonly args: readonly string[];
  /** What the person at the terminal answers, in turn; undefined: nobody is there. */
  readonly answers?: readonly string[];
  readonly cwd?: string;
  /** What the command takes for the time, ISO 8601. @default the time */
  readonly now?: string;
  /** Whether the output goes to a terminal. @default false */
  readonly redraws?: boolean;
  /** The environment variables that the command sees. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

export interface HostReply {
  readonly id: number;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What a terminal shows in the end. */
  readonly screen: string;
}

/** What a terminal shows after some more text: a redrawn line takes the place of the last one. */
function shown(screen: string, text: string): string {
  const [first = '', ...redrawn] = text.split('\r\u001b[2K');
  return redrawn.reduce(
    (before, after) => before.slice(0, before.lastIndexOf('\n') + 1) + after,
    screen + first,
  );
}

async function serve({
  id,
  args,
  answers,
  cwd,
  now,
  redraws = false,
  env = {},
}: HostRequest): Promise<HostReply> {
  let [stdout, stderr, screen] = ['', '', ''];
  const pending = [...(answers ?? [])];
  const terminal = {
    out: (text: string): void => {
      stdout += text;
      screen = shown(screen, text);
    },
    err: (text: string): void => {
      stderr += text;
      screen = shown(screen, text);
    },
    redraws,
    canAsk: answers !== undefined,
    ask: (question: string): Promise<string> => {
      stderr += `${question}\n`;
      return Promise.resolve(pending.shift() ?? '');
    },
  };
  // Waits look every second; nothing is gained by that here.
  const clock = {
    now: () => (now === undefined ? new Date() : new Date(now)),
    sleep: (durationMs: number) => sleep(Math.min(durationMs, 20)),
  };
  if (cwd !== undefined) process.chdir(cwd);
  try {
    const environment = {
      terminal,
      clock,
      version: '0.0.0',
      env,
      addCommands: addGatewayCommands,
      tryFtpAccount,
      calls: { longhaul: 'npx longhaul', synth: 'npx longhaul synth' },
      app: join(__dirname, '..', '..', 'main'),
    };
    return { id, code: await run(args, environment), stdout, stderr, screen };
  } catch (error) {
    return {
      id,
      code: -1,
      stdout,
      stderr: `${stderr}${error instanceof Error ? error.stack : String(error)}`,
      screen,
    };
  }
}

process.on('message', (request: HostRequest) => {
  void serve(request).then((reply) => process.connected && process.send?.(reply));
});
