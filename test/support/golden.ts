/** Outputs that are committed whole, so that a change of any line is seen in review. `LONGHAUL_UPDATE_GOLDEN=1` writes them anew. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const DIRECTORY = join(__dirname, '..', 'vectors', 'manifests');

export function expectGolden(name: string, text: string): void {
  const path = join(DIRECTORY, name);
  if (process.env['LONGHAUL_UPDATE_GOLDEN']) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : `(there is no ${name})`);
}

/** The files of a directory by their names, in order. */
export function filesIn(directory: string): Map<string, string> {
  return new Map(
    readdirSync(directory)
      .sort()
      .map((file) => [file, readFileSync(join(directory, file), 'utf8')]),
  );
}

/** The same as one text. */
export function asOneText(files: ReadonlyMap<string, string>): string {
  return [...files].map(([name, text]) => `# ${name}\n${text.trimEnd()}\n`).join('\n');
}
