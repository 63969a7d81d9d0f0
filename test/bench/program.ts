/** The programs that are measured, as users run them: bundled, and with the flags of the image. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const REPOSITORY = join(__dirname, '..', '..');
const IMAGE = join(REPOSITORY, 'build', 'image');
/** Modules that are loaded first, each for its effect. */
const PRELOADED = join(REPOSITORY, 'build', 'bench');

/** Those of the image's ENTRYPOINT. */
const FLAGS = ['--initial-old-space-size=96'];

let bundled = false;

/** Node.js with the gateway; `preload` names modules of `test` that are loaded before. */
export function gatewayCommand(...preload: readonly string[]): [string, ...string[]] {
  return [process.execPath, ...FLAGS, ...required(preload), program('gateway.js')];
}

/** Node.js with the `longhaul` command; its arguments follow. */
export function longhaulCommand(...preload: readonly string[]): [string, ...string[]] {
  return [process.execPath, ...required(preload), program('longhaul.js')];
}

function required(preload: readonly string[]): string[] {
  return preload.flatMap((module) => ['--require', compiled(module)]);
}

/** A tree that was not built, or before it was changed, would give the figures of another program. */
function program(name: string): string {
  if (!bundled) execFileSync(process.execPath, ['gateway/bundle.mjs'], { cwd: REPOSITORY });
  bundled = true;
  return join(IMAGE, name);
}

function compiled(module: string): string {
  const entry = join(REPOSITORY, 'test', `${module}.ts`);
  const outfile = join(PRELOADED, `${module}.cjs`);
  buildSync({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs' });
  return outfile;
}
