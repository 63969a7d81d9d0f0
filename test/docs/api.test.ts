/** The API reference: typedoc makes it from the docstrings of everything that the package exports. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(__dirname, '..', '..');

interface Comment {
  readonly summary?: readonly unknown[];
  readonly blockTags?: readonly { readonly tag: string }[];
}

interface Reflection {
  readonly name: string;
  readonly kind: number;
  readonly flags?: { readonly isOptional?: true };
  readonly comment?: Comment;
  readonly signatures?: readonly { readonly comment?: Comment }[];
  readonly children?: readonly Reflection[];
}

/** As typedoc numbers them: constructors and namespaces speak for themselves. */
const UNSPOKEN = [4, 512];
const ERROR_NAMES = /Error\.name$/;

/** What lacks its docstring, or where it may be left out its default, as `Interface.prop`. */
function gaps({ name, children = [] }: Reflection): string[] {
  return children.flatMap((child) => {
    const { kind, flags, comment, signatures } = child;
    const path = `${name}.${child.name}`;
    const comments = [comment, ...(signatures ?? []).map((signature) => signature.comment)];
    const isSpoken = comments.some((each) => each?.summary?.length || each?.blockTags?.length);
    const hasDefault = comment?.blockTags?.some(({ tag }) => tag === '@default');
    return [
      ...(isSpoken || UNSPOKEN.includes(kind) || ERROR_NAMES.test(path) ? [] : [`${path}: docstring`]),
      ...(flags?.isOptional && !hasDefault ? [`${path}: default`] : []),
      ...gaps(child),
    ];
  });
}

it('is made without a warning, with a docstring for every export and prop, and a default for each that may be left out', () => {
  const out = mkdtempSync(join(tmpdir(), 'longhaul-api-'));
  const json = join(out, 'api.json');
  try {
    const typedoc = join(REPOSITORY, 'node_modules', 'typedoc', 'bin', 'typedoc');
    // typedoc.json makes an error of each warning.
    execFileSync(process.execPath, [typedoc, '--out', join(out, 'html'), '--json', json], {
      cwd: REPOSITORY,
      stdio: 'pipe',
    });
    expect(readFileSync(join(out, 'html', 'index.html'), 'utf8')).toContain('LonghornBackup');
    const api = JSON.parse(readFileSync(json, 'utf8')) as Reflection;
    // What is left out of a result, rather than by who calls.
    expect(gaps(api).filter((gap) => gap !== 'UtcCron.note: default')).toEqual([]);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}, 120_000);
