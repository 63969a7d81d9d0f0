/** `longhaul synth`: `cdk8s synth` for those who have the package and no app of their own. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, FailedError, type ExitCode } from '../output';
import type { Terminal } from '../terminal';

const OUTPUT = 'dist';

/**
 * Runs this project's app, a process of its own, on the `longhaul.yaml` of this directory.
 * @param app path of the app without extension: the package has it compiled, the repository as it is
 * @throws FailedError where there is no app, as in the container image
 */
export function synth(app: string, terminal: Terminal): ExitCode {
  if (!['.js', '.ts'].some((extension) => existsSync(app + extension)))
    throw new FailedError(
      'The app that makes the manifests is not here: it is in the npm package and in the repository, not in the image.',
    );
  const before = manifests();
  const startedAt = Date.now();
  const { status } = spawnSync(process.execPath, [...process.execArgv, app], { stdio: 'inherit' });
  if (status !== 0) return EXIT.problem;
  // What an earlier run wrote and this one did not is about things that the settings have no more.
  for (const file of before) {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found && found.mtimeMs < startedAt - CLOCK_STEP_MS) rmSync(file);
  }
  terminal.out(
    manifests()
      .map((file) => `${file}\n`)
      .join(''),
  );
  return EXIT.ok;
}

/** File systems date coarser than the clock. */
const CLOCK_STEP_MS = 20;

/** cdk8s's, and nothing else that somebody may keep there. */
function manifests(): string[] {
  if (!existsSync(OUTPUT)) return [];
  return readdirSync(OUTPUT)
    .filter((file) => file.endsWith('.k8s.yaml'))
    .sort()
    .map((file) => join(OUTPUT, file));
}
