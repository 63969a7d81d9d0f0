/** What a check answers. */
import type { Fact, Facts } from './facts';

export interface Finding {
  /** `unknown`: it could not be found out; that is never fine. */
  readonly verdict: 'ok' | 'problem' | 'unknown';
  /** What it is about: an object, a job, a volume. */
  readonly subject: string;
  /** What was seen, and what it means; for `unknown`, why it is not known. */
  readonly text: string;
  /** The command to run or the field to change. */
  readonly fix?: string;
}

export interface Check {
  readonly name: string;
  readonly run: (facts: Facts) => Finding[];
}

export function ok(subject: string, text: string): Finding {
  return { verdict: 'ok', subject, text };
}

export function problem(subject: string, text: string, fix: string): Finding {
  return { verdict: 'problem', subject, text, fix };
}

export function notKnown(subject: string, why: string): Finding {
  return { verdict: 'unknown', subject, text: why };
}

/** Judges a fact, or says why it cannot be judged. */
export function judge<T>(fact: Fact<T>, subject: string, assess: (value: T) => Finding[]): Finding[] {
  return fact.known ? assess(fact.value) : [notKnown(subject, fact.why)];
}

/** Judges facts that are needed together; the first unknown one stands for all. */
export function judgeAll<T extends Record<string, unknown>>(
  facts: { readonly [Name in keyof T]: Fact<T[Name]> },
  subject: string,
  assess: (values: T) => Finding[],
): Finding[] {
  const values: Partial<T> = {};
  for (const name of Object.keys(facts) as (keyof T)[]) {
    const fact = facts[name];
    if (!fact.known) return [notKnown(subject, fact.why)];
    values[name] = fact.value;
  }
  return assess(values as T);
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], limit = 8): string {
  const shown = names.slice(0, limit).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
