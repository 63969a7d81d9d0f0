/** The commands that a document shows, and what is wrong with one of them as far as reading tells. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { scripts } from '../../package.json';

const REPOSITORY = join(__dirname, '..', '..');

export interface WrittenCommand {
  /** Line of the document. */
  readonly line: number;
  readonly words: readonly string[];
}

/** Fences whose language is not among these could hide a command. */
const LANGUAGES = ['sh', 'console', 'yaml', 'text'];

/** What readers have on their machines, or install by the page's own words. */
const PROGRAMS = ['cp', 'docker', 'git', 'kubectl', 'losetup', 'mount', 'openssl', 'tail'];
/** Words of the shell, whose arguments are no commands. */
const SHELL = ['alias', 'cd', 'export'];
const KUBECTL = ['apply', 'create', 'exec', 'get', 'logs', 'scale'];
const NPM = ['ci', 'install', 'pack', 'sbom', 'test'];
/** Made by a command before it, or the reader's own. */
const MADE = ['longhaul.yaml', 'gateway/gateway.env', 'new.key', 'dist', 'secrets/manifests'];

/** Every command of the `sh` and `console` fences; of inline code those that call the program or a script of ours. */
export function writtenCommands(markdown: string): WrittenCommand[] {
  const commands: WrittenCommand[] = [];
  let language: string | undefined;
  for (const [index, text] of joinContinued(markdown).entries()) {
    const line = index + 1;
    const fence = /^\s*```(.*)$/.exec(text);
    if (fence) {
      const opened: string = fence[1] ?? '';
      if (language === undefined && !LANGUAGES.includes(opened))
        throw new Error(`line ${line}: a fence is one of ${LANGUAGES.join(', ')}, not "${opened}"`);
      language = language === undefined ? opened : undefined;
    } else if (language === 'sh' || (language === 'console' && text.startsWith('$ '))) {
      const commandLine = text.replace(/^\$ /, '').replace(/\s#\s.*$/, '');
      commands.push(...commandsOf(commandLine).map((words) => ({ line, words })));
    } else if (language === undefined) {
      for (const [, code = ''] of text.matchAll(/`((?:longhaul|npx|npm run|\.ci\/|LONGHAUL_)[^`]*)`/g))
        if (code.includes(' ')) commands.push(...commandsOf(code).map((words) => ({ line, words })));
    }
  }
  return commands;
}

/** Lines that end in a backslash go on in the next; what they leave behind is empty, so that lines keep their numbers. */
function joinContinued(markdown: string): string[] {
  const lines = markdown.split('\n');
  for (let index = lines.length - 2; index >= 0; index -= 1) {
    const text = lines[index] ?? '';
    if (!text.endsWith('\\')) continue;
    lines[index] = text.slice(0, -1) + (lines[index + 1] ?? '').trim();
    lines[index + 1] = '';
  }
  return lines;
}

function commandsOf(line: string): string[][] {
  return line
    .split(/\s(?:&&|\||;)\s/)
    .map((part) => (part.match(/(?:<[^>]*>|"[^"]*"|'[^']*'|[^\s"'<])+/g) ?? []).map(unquote))
    .map((words) => words.slice(words.findLastIndex((word) => /^[A-Z_]+=/.test(word)) + 1))
    .filter((words) => words.length > 0);
}

function unquote(word: string): string {
  return /^(["']).*\1$/.test(word) ? word.slice(1, -1) : word;
}

/** Undefined where nothing is. */
export function problemOf(words: readonly string[], program: Command): string | undefined {
  const [name = '', ...args] = words;
  if (name === 'longhaul') return problemOfOurs(args, program);
  if (name === 'npm') return problemOfNpm(args, program);
  if (name === 'npx') {
    if (args[0] === 'longhaul') return problemOfOurs(args.slice(1), program);
    return existsIn(join('node_modules', '.bin', args[0] ?? ''))
      ? filesThere(args)
      : `there is no ${args[0]}`;
  }
  if (name.startsWith('.ci/')) return filesThere([name]);
  if (SHELL.includes(name)) return undefined;
  if (!PROGRAMS.includes(name)) return `nobody knows the program ${name}`;
  if (name === 'kubectl') {
    const verb = args.find((word, index) => !word.startsWith('-') && args[index - 1] !== '-n');
    if (verb === undefined || !KUBECTL.includes(verb)) return `kubectl has no ${verb}`;
  }
  return filesThere(args);
}

function problemOfNpm(args: readonly string[], program: Command): string | undefined {
  const plain = args.filter((word) => !/^-[a-z]$/.test(word));
  const [verb = '', script = ''] = plain;
  if (verb !== 'run') return NPM.includes(verb) ? undefined : `npm has no ${verb}`;
  if (!Object.hasOwn(scripts, script)) return `there is no npm script ${script}`;
  const rest = plain.slice(plain.indexOf('--') + 1);
  return script === 'longhaul' && plain.includes('--') ? problemOfOurs(rest, program) : undefined;
}

/** Walks down the tree of commands, then looks for each option in the command and those above it. */
function problemOfOurs(args: readonly string[], program: Command): string | undefined {
  let command = program;
  const path: Command[] = [program];
  let rest = [...args];
  for (;;) {
    const next = command.commands.find((each) => each.name() === rest[0]);
    if (!next) break;
    command = next;
    path.push(next);
    rest = rest.slice(1);
  }
  const given = path.map((each) => each.name()).join(' ');
  const alternatives = rest[0]?.includes('|') ? rest[0].split('|') : [];
  if (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const unknown = (alternatives.length > 0 ? alternatives : [rest[0]]).filter(
      (word) => !command.commands.some((each) => each.name() === word),
    );
    return unknown.length > 0 ? `${given} has no command ${unknown.join(', ')}` : undefined;
  }
  const options = path.flatMap((each) => each.options);
  const known = [...options.flatMap(({ short, long }) => [short, long]), '--help', '-h', '--version', '-V'];
  const unknown = rest.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*/, ''));
  const wrong = unknown.filter((word) => !known.includes(word));
  return wrong.length > 0 ? `${given} has no option ${wrong.join(', ')}` : undefined;
}

/** What has the look of a file of ours must be one. */
function filesThere(args: readonly string[]): string | undefined {
  const files = args.filter((word) =>
    /^(?:\.ci\/[\w-]+|[\w.-]+(?:\/[\w.-]+)*\.(?:ts|mjs|md|yaml|example|service|key|env)|dist)$/.test(word),
  );
  const missing = files.filter((file) => !MADE.includes(file) && !existsIn(file));
  return missing.length > 0 ? `there is no file ${missing.join(', ')}` : undefined;
}

function existsIn(path: string): boolean {
  return existsSync(join(REPOSITORY, path));
}
