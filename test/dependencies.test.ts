/** What comes from elsewhere: that it may be used, and that CONTRIBUTING.md says why it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import gateway from '../gateway/package.json';
import lock from '../package-lock.json';
import manifest from '../package.json';
import { SHIPPED_LICENCES } from './support/licences';

const REPOSITORY = join(__dirname, '..');
const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');

/** Only run here, never shipped. */
const RUN_HERE = [
  ...SHIPPED_LICENCES,
  ...['BlueOak-1.0.0', 'CC-BY-4.0', 'CC0-1.0', 'Python-2.0', '(AFL-2.1 OR BSD-3-Clause)'],
  ...['(MIT OR CC0-1.0)', '(MIT OR GPL-3.0-or-later)'],
];

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
  readonly link?: boolean;
}

const packages = Object.entries(lock.packages as Readonly<Record<string, LockedPackage>>).filter(
  ([path, { link }]) => path.includes('node_modules/') && !link,
);

it('is under licences that go with ours', () => {
  const wrong = packages.filter(
    ([, { license = '', dev = false }]) => !(dev ? RUN_HERE : SHIPPED_LICENCES).includes(license),
  );
  expect(wrong.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

it('is named in CONTRIBUTING.md with its reason, and nothing there is gone', () => {
  const chapter = read('CONTRIBUTING.md').split('\n## Dependencies\n')[1] ?? '';
  const named = [...chapter.matchAll(/^\| ([^|]+) \| [^|]+ \|$/gm)]
    .flatMap(([, names = '']) => names.replace(/\(.*?\)/g, '').split(','))
    .map((name) => name.trim())
    .filter((name) => !['package', '---'].includes(name));
  const development = Object.keys(manifest.devDependencies);
  const needed = [...Object.keys(manifest.dependencies), ...Object.keys(gateway.dependencies)];
  expect(needed.filter((name) => !named.includes(name))).toEqual([]);
  expect(development.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => ![...needed, ...development].includes(name))).toEqual([]);
});

it('is built into an image for both kinds of processor, with its SBOM and provenance, in the example', () => {
  const { jobs } = parse(read('docs/ci/image.yaml')) as {
    jobs: { image: { steps: { uses?: string; with?: Record<string, unknown> }[] } };
  };
  const build = jobs.image.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action@'));
  expect(build?.with).toMatchObject({
    file: 'gateway/Dockerfile',
    platforms: 'linux/amd64,linux/arm64',
    sbom: true,
    provenance: 'mode=max',
  });
  for (const platform of ['linux-x64', 'linux-arm64'])
    expect(lock.packages).toHaveProperty([`node_modules/@lmdb/lmdb-${platform}`]);
});
