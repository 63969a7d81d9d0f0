/**
 * Checks collect what is wrong with the props of a construct; the construct reports it and then has no children. Nothing is thrown until
 * the app is synthesized: so one error tells all problems of the whole app.
 */
import type { Construct, IConstruct } from 'constructs';

/** What a check says about one prop. */
export interface Finding {
  /** Path inside the props, such as `jobs[0].cron`; empty for the props as a whole. */
  readonly prop: string;
  /** The value as text, or what may be said about it where it is a secret. */
  readonly value: string;
  /** A sentence: what is wrong with it, and what would be right. */
  readonly reason: string;
  /** A warning does not stop the synth. */
  readonly severity: 'error' | 'warning';
}

/** A finding with the construct that it is about. */
export interface Problem extends Finding {
  /** Path of the construct in the app. */
  readonly path: string;
}

/** Every problem of an app. */
export class PropsError extends Error {
  override readonly name = 'PropsError';

  constructor(
    /** Of all constructs, in the order of the tree. */
    readonly problems: readonly Problem[],
  ) {
    const count = problems.length === 1 ? 'is 1 problem' : `are ${problems.length} problems`;
    super(`There ${count}:\n${problems.map((problem) => `- ${describeProblem(problem)}`).join('\n')}`);
  }
}

export function describeProblem(problem: Problem): string {
  return `[${problem.path}] ${describeFinding(problem)}`;
}

function describeFinding({ prop, value, reason }: Finding): string {
  const subject = [prop, value].filter((part) => part !== '').join(' ');
  return subject === '' ? reason : `${subject}: ${reason}`;
}

const MAX_SHOWN = 120;

/** A value as a problem shows it: JSON, cut where it is long. */
export function show(value: unknown): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

export function problem(prop: string, value: unknown, reason: string): Finding {
  return { prop, value: show(value), reason, severity: 'error' };
}

export function warning(prop: string, value: unknown, reason: string): Finding {
  return { prop, value: show(value), reason, severity: 'warning' };
}

/** The problem, unless the condition holds. */
export function expect(holds: boolean, prop: string, value: unknown, reason: string): Finding[] {
  return holds ? [] : [problem(prop, value, reason)];
}

/** Findings about an inner object, told by where it stands in the outer one. */
export function inside(prop: string, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => ({ ...finding, prop: joinProps(prop, finding.prop) }));
}

function joinProps(outer: string, inner: string): string {
  return inner === '' ? outer : `${outer}.${inner}`;
}

function onlyErrors(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

const PROBLEM = 'longhaul:problem';
const WARNING = 'longhaul:warning';
const NOTE = 'longhaul:note';

/** Reports the findings of a construct. False if there are errors: then it must make no children. */
export function accept(construct: Construct, findings: readonly Finding[]): boolean {
  const { node } = construct;
  for (const finding of findings) {
    node.addMetadata(finding.severity === 'error' ? PROBLEM : WARNING, { ...finding, path: node.path });
  }
  const errors = onlyErrors(findings);
  if (errors.length > 0) node.addValidation({ validate: () => errors.map(describeFinding) });
  return errors.length === 0;
}

/** Remembers a sentence that the user of the manifests should read. */
export function addNote(construct: Construct, note: string): void {
  construct.node.addMetadata(NOTE, note);
}

function metadataOf<T>(root: IConstruct, type: string): T[] {
  const entries = root.node.findAll().flatMap(({ node }) => node.metadata);
  return entries.filter((entry) => entry.type === type).map((entry) => entry.data as T);
}

/** All problems below a construct, in the order of the tree. */
export const problemsOf = (root: IConstruct): Problem[] => metadataOf<Problem>(root, PROBLEM);
export const warningsOf = (root: IConstruct): Problem[] => metadataOf<Problem>(root, WARNING);
export const notesOf = (root: IConstruct): string[] => metadataOf<string>(root, NOTE);
