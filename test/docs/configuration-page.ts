/** Makes docs/configuration.md: settings from their JSON schema, variables from what the gateway reads. `npm run docs:configuration` writes it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configVariables } from '../../gateway/config';
import type { Variable } from '../../gateway/environment-reader';
import { VARIABLES } from '../../gateway/variables';
import schema from '../../lib/settings/schema.json';

export const CONFIGURATION_PAGE = join(__dirname, '..', '..', 'docs', 'configuration.md');

interface Shape {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly items?: Shape;
  readonly additionalProperties?: Shape | boolean;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
}

const DEFINITIONS = schema.definitions as unknown as Readonly<Record<string, Shape>>;

export function configurationPage(): string {
  return [
    '# Configuration',
    '',
    'Made by `npm run docs:configuration` from the schema of the settings and from what the gateway reads; the suite checks that it is up to date.',
    '',
    '## Settings',
    '',
    '`longhaul.yaml`, and the props of the constructs, which have the same names. An editor that knows YAML schemas completes them: see the first lines of [longhaul.example.yaml](../longhaul.example.yaml).',
    '',
    ...sections(),
    '## Variables of the gateway',
    '',
    'The manifests set them from the settings; where the gateway runs by itself, its environment does. All problems are told at once, with exit code 2.',
    'An empty variable counts as missing. A Secret made with `echo` ends in a newline, which is refused: use `printf`.',
    '',
    ...variableTables(),
  ].join('\n');
}

/** A table for each object, in the order in which they are first met. */
function sections(): string[] {
  const names = ['Settings'];
  for (const name of names) {
    for (const shape of Object.values(DEFINITIONS[name]?.properties ?? {})) {
      const next = objectOf(shape);
      if (next !== undefined && !names.includes(next)) names.push(next);
    }
  }
  return names.flatMap((name) => {
    const { properties = {}, required = [], description } = DEFINITIONS[name] ?? {};
    const rows = Object.entries(properties)
      .sort(([a], [b]) => Number(required.includes(b)) - Number(required.includes(a)))
      .map(([field, shape]) => [
        `\`${field}\``,
        typeText(shape),
        required.includes(field) ? '**needed**' : defaultText(shape.default),
        textOf(shape.description),
      ]);
    return [
      `### ${name}`,
      '',
      ...(description === undefined ? [] : [textOf(description), '']),
      ...table(['field', 'type', 'default', 'meaning'], rows),
    ];
  });
}

/** Name of the object that a field leads to. */
function objectOf({ $ref, items }: Shape): string | undefined {
  if (items) return objectOf(items);
  const name = $ref?.split('/').at(-1);
  return name !== undefined && DEFINITIONS[name]?.properties ? name : undefined;
}

function typeText(shape: Shape): string {
  if (shape.items) return `list of ${typeText(shape.items)}`;
  const name = objectOf(shape);
  if (name !== undefined) return `[${name}](#${name.toLowerCase()})`;
  const {
    type,
    enum: values,
    additionalProperties,
  } = shape.$ref ? (DEFINITIONS[shape.$ref.split('/').at(-1) ?? ''] ?? {}) : shape;
  if (values) return values.map((value) => `\`${value}\``).join(', ');
  if (type === 'object' && typeof additionalProperties === 'object')
    return `map to ${typeText(additionalProperties)}`;
  return type ?? 'text';
}

/** A default that begins with a dash is a sentence. */
function defaultText(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.startsWith('- ')
    ? textOf(text.slice(2))
    : /^[^{*]*[ ,]/.test(text) && !text.includes('*')
      ? textOf(text)
      : `\`${text}\``;
}

function variableTables(): string[] {
  const known = new Map(everyVariable().map((variable) => [variable.name, variable]));
  return Object.entries(VARIABLES).flatMap(([title, meanings]) => {
    const rows = Object.entries(meanings).map(([name, meaning]) => {
      const { expected = '', fallback, required } = known.get(name) ?? {};
      return [
        `\`${name}\``,
        required ? '**needed**' : fallback === undefined ? '' : `\`${fallback}\``,
        expected,
        meaning,
      ];
    });
    return [`### ${title}`, '', ...table(['variable', 'default', 'holds', 'meaning'], rows)];
  });
}

/** With a mirror, and with one more access key, whose name stands for any. */
export function everyVariable(): Variable[] {
  return configVariables({ S3_ACCESS_KEY_NAME: 'any', MIRROR_FTP_HOST: 'any' }).map((variable) => ({
    ...variable,
    name: variable.name.replace(/_NAME$/, '_<NAME>'),
  }));
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line), ''];
}

/** On one line. */
function textOf(description = ''): string {
  return description.replace(/\s+/g, ' ').trim();
}

if (require.main === module) writeFileSync(CONFIGURATION_PAGE, configurationPage());
