// Bundles the gateway and the `longhaul` command into build/image: what the container image holds beside Node.js itself.
import { build } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'build', 'image');
/** Have a native part, which a bundle cannot hold: copied as they are, with what they need. */
const NATIVE = ['lmdb', 'lz4-napi'];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: { gateway: 'gateway/server.ts', longhaul: 'lib/cli/main.ts' },
  outdir: out,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.20',
  external: NATIVE,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  logLevel: 'warning',
});
const copied = new Set();
for (const name of NATIVE) copyPackage(name, copied);

/** The installed package and all that it depends on; optional ones as far as they are installed for this platform. */
function copyPackage(name, copied) {
  if (copied.has(name)) return;
  copied.add(name);
  const source = join(root, 'node_modules', name);
  cpSync(source, join(out, 'node_modules', name), {
    recursive: true,
    dereference: true,
    filter: (path) => !/\/(?:test|tests|benchmark|assets|dict|src|dependencies|\.github)$/.test(path),
  });
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  );
  for (const dependency of Object.keys(dependencies)) copyPackage(dependency, copied);
  for (const dependency of Object.keys(optionalDependencies)) {
    if (existsSync(join(root, 'node_modules', dependency))) copyPackage(dependency, copied);
  }
}
