/**
 * Bundles what runs without this repository's node_modules.
 *   node gateway/bundle.mjs            gateway and `longhaul` command into build/image: what the container image holds beside Node.js itself
 *   node gateway/bundle.mjs package    `longhaul` command into build/lib/cli, where npm's package has it beside the constructs
 */
import { build } from 'esbuild';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Have a native part, which a bundle cannot hold: copied as they are, with what they need. */
const NATIVE = ['lmdb', 'lz4-napi'];

/** The command needs one class of this library; the clients of all Kubernetes APIs that come with it are 14 MB. */
const KUBERNETES = '@kubernetes/client-node';
const withoutSideEffects = {
  name: 'without-side-effects',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^\.|client-node/ }, async ({ path, pluginData, ...args }) => {
      if (pluginData === KUBERNETES || !`${path} ${args.importer}`.includes(KUBERNETES)) return undefined;
      return { ...(await resolve(path, { ...args, pluginData: KUBERNETES })), sideEffects: false };
    });
  },
};

/** The database of a gateway's catalog has a native part, and who has the command from npm has no catalog. */
const withoutDatabase = {
  name: 'without-database',
  setup({ onResolve, onLoad }) {
    const message = "a catalog on disk is only read by the longhaul command of the gateway's image or bundle";
    onResolve({ filter: /^lmdb$/ }, ({ path }) => ({ path, namespace: 'without-database' }));
    onLoad({ filter: /.*/, namespace: 'without-database' }, () => ({
      contents: `exports.open = () => { throw new Error(${JSON.stringify(message)}); };`,
    }));
  },
};

const OPTIONS = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.20',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  plugins: [withoutSideEffects],
};

if (process.argv[2] === 'package') await bundlePackage();
else await bundleImage();

async function bundleImage() {
  const out = emptyDirectory(join(root, 'build', 'image'));
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: { gateway: 'gateway/server.ts', longhaul: 'lib/cli/main.ts' },
    outdir: out,
    external: NATIVE,
    sourcemap: 'linked',
    sourcesContent: false,
  });
  writeNotices(metafile, out);
  const copied = new Set();
  for (const name of NATIVE) copyPackage(name, join(out, 'node_modules'), copied);
}

async function bundlePackage() {
  rmSync(join(root, 'build', 'imports'), { recursive: true, force: true });
  emptyDirectory(join(root, 'build', 'lib'));
  const out = emptyDirectory(join(root, 'build', 'lib', 'cli'));
  const program = join(out, 'main.js');
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: ['lib/cli/main.ts'],
    outfile: program,
    external: Object.keys(manifestIn(root).dependencies),
    plugins: [...OPTIONS.plugins, withoutDatabase],
  });
  chmodSync(program, 0o755);
  writeNotices(metafile, out);
}

function emptyDirectory(path) {
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  return path;
}

/** The installed package and all that it depends on; optional ones as far as they are installed for this platform. */
function copyPackage(name, modules, copied) {
  if (copied.has(name)) return;
  copied.add(name);
  const source = join(root, 'node_modules', name);
  cpSync(source, join(modules, name), {
    recursive: true,
    dereference: true,
    filter: (path) => !/\/(?:test|tests|benchmark|assets|dict|src|dependencies|\.github)$/.test(path),
  });
  const { dependencies = {}, optionalDependencies = {} } = manifestIn(source);
  for (const dependency of Object.keys(dependencies)) copyPackage(dependency, modules, copied);
  for (const dependency of Object.keys(optionalDependencies)) {
    if (existsSync(join(root, 'node_modules', dependency))) copyPackage(dependency, modules, copied);
  }
}

/** Whose code the bundle holds, and under which licence: they ask for their text to go with it. */
function writeNotices({ inputs }, out) {
  const directories = Object.keys(inputs).map(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0],
  );
  const notices = [...new Set(directories.filter((directory) => directory !== undefined))]
    .sort()
    .map((directory) => {
      const { name, version, license } = manifestIn(join(root, directory));
      const files = readdirSync(join(root, directory)).filter((file) =>
        /^(?:licen[cs]e|copying|notice)/i.test(file),
      );
      const texts = files.map((file) => readFileSync(join(root, directory, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    });
  writeFileSync(join(out, 'THIRD-PARTY-NOTICES.txt'), `${notices.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
}

function manifestIn(directory) {
  return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
}
