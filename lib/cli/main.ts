#!/usr/bin/env node
/**
 * `longhaul`: the only place that reads the process's arguments, writes to its streams and ends it, and the only one that
 * knows both halves: cluster commands and those of the gateway.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { addGatewayCommands, tryFtpAccount } from '../../gateway/cli/commands';
import { run } from './program';
import type { Terminal } from './terminal';
import { VERSION } from '../version';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  redraws: process.stderr.isTTY,
  canAsk: process.stdin.isTTY && process.stderr.isTTY,
  ask: async (question, { hidden = false } = {}) => {
    if (hidden) process.stderr.write(question);
    const output = hidden ? nowhere() : process.stderr;
    const lines = createInterface({ input: process.stdin, output, terminal: true });
    try {
      return await lines.question(hidden ? '' : question);
    } finally {
      lines.close();
      if (hidden) process.stderr.write('\n');
    }
  },
};

/** Where what is typed is shown if it must not be seen. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** In the repository this is no bundle. */
const calls = __filename.endsWith('.ts')
  ? { longhaul: 'npm run -s longhaul --', synth: 'npx cdk8s synth' }
  : { longhaul: 'npx longhaul', synth: 'npx longhaul synth' };

const clock = { now: () => new Date(), sleep: (durationMs: number) => sleep(durationMs) };

async function main(): Promise<void> {
  try {
    process.exitCode = await run(process.argv.slice(2), {
      terminal,
      clock,
      version: VERSION,
      env: process.env,
      addCommands: addGatewayCommands,
      tryFtpAccount,
      calls,
      app: join(__dirname, '..', '..', 'main'),
    });
  } catch (error) {
    // A mistake of ours. People get one line; LONGHAUL_DEBUG shows where it happened.
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    terminal.err(
      `longhaul: unexpected error: ${process.env['LONGHAUL_DEBUG'] ? (stack ?? message) : message}\n`,
    );
    process.exitCode = 1;
  }
}

void main();
