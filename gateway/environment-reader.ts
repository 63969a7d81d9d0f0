/** Reads environment variables one by one, and collects what is wrong with them. No problem holds a secret's value. */
import { readFileSync } from 'node:fs';

/** A variable that was asked for. */
export interface Variable {
  readonly name: string;
  /** What it may hold. */
  readonly expected: string;
  /** Taken where it is missing. */
  readonly fallback?: string;
  readonly required: boolean;
}

/** Collects problems while it reads; what it returns for a bad variable is never used. */
export class EnvironmentReader {
  readonly problems: string[] = [];
  /** In the order in which they were asked for. */
  readonly variables: Variable[] = [];

  constructor(private readonly env: Readonly<Record<string, string | undefined>>) {}

  /** The value, or undefined (and a problem, if it is bad or required and missing). An empty variable counts as missing. */
  private value(
    name: string,
    expected: string,
    fallback: string | undefined,
    required: boolean,
  ): string | undefined {
    this.variables.push({ name, expected, required, ...(fallback !== undefined && { fallback }) });
    const raw = this.env[name];
    if (raw === undefined || raw === '') {
      if (required) this.problems.push(`${name} is not set: expected ${expected}`);
      return fallback;
    }
    if (raw !== raw.trim()) {
      this.problems.push(
        `${name} has a blank or a newline at its start or end (a Secret made with "echo" instead of "printf" has one): expected ${expected}`,
      );
      return undefined;
    }
    return raw;
  }

  /** Any text of at least `minLength` characters; without `fallback` it is required. */
  text(name: string, minLength = 1, fallback?: string): string {
    const expected = minLength > 1 ? `at least ${minLength} characters` : 'some text';
    const value = this.value(name, expected, fallback, fallback === undefined);
    if (value === undefined) return '';
    const problem = hasControlCharacter(value)
      ? 'holds a control character'
      : value.length < minLength
        ? 'is too short'
        : undefined;
    if (problem) this.problems.push(`${name} ${problem}: expected ${expected}`);
    return value;
  }

  /** Without `fallback` argument it is required; `undefined` as fallback makes it optional. */
  matching(
    name: string,
    pattern: RegExp,
    expected: string,
    ...fallback: [(string | undefined)?]
  ): string | undefined {
    const value = this.value(name, expected, fallback[0], fallback.length === 0);
    if (value !== undefined && !pattern.test(value))
      this.problems.push(`${name} is not valid: expected ${expected}`);
    return value;
  }

  integer(
    name: string,
    min: number,
    max: number,
    fallback: number,
    check?: (value: number) => string | undefined,
  ): number {
    const expected = `${check?.(NaN) ?? 'a whole number'} from ${min} to ${max}`;
    const value = this.value(name, expected, String(fallback), false);
    if (value === undefined) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : NaN;
    if (!(number >= min && number <= max) || check?.(number) !== undefined)
      this.problems.push(`${name} is not valid: expected ${expected}`);
    return number;
  }

  /** Without `fallback` it is required. */
  oneOf<T extends string>(name: string, choices: readonly [T, ...T[]], fallback?: T): T {
    const expected = `one of ${choices.join(', ')}`;
    const value = this.value(name, expected, fallback, fallback === undefined);
    const choice = choices.find((c) => c === value);
    if (value !== undefined && choice === undefined) {
      this.problems.push(`${name} is not valid: expected ${expected}`);
    }
    return choice ?? fallback ?? choices[0];
  }

  /** What the variables that fit have in place of the pattern's group, each once. An empty variable counts as missing. */
  suffixes(pattern: RegExp): string[] {
    const found = Object.entries(this.env).map(([name, value]) =>
      value ? pattern.exec(name)?.[1] : undefined,
    );
    return [...new Set(found.filter((suffix) => suffix !== undefined))].sort();
  }

  /** 64 hex digits as 32 bytes. The value appears in no problem. */
  key(name: string): Buffer | undefined {
    const value = this.value(name, '64 hex digits (make one with: openssl rand -hex 32)', undefined, false);
    if (value === undefined) return undefined;
    if (!/^[0-9a-fA-F]{64}$/.test(value)) {
      this.problems.push(
        `${name} is not valid: expected 64 hex digits (make one with: openssl rand -hex 32), found ${value.length} characters`,
      );
      return undefined;
    }
    return Buffer.from(value, 'hex');
  }

  file(name: string, expected: string): string | undefined {
    const path = this.value(name, `the path of a file with ${expected}`, undefined, false);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.problems.push(
        `${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code}): expected ${expected}`,
      );
      return undefined;
    }
  }
}

function hasControlCharacter(value: string): boolean {
  return [...value].some((char) => char < ' ' || char === '\x7f');
}
