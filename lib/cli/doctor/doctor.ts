/** `longhaul doctor`: what is wrong with the backups of this cluster, and what mends it. It never changes anything. */
import type { CommandContext } from '../context';
import type { WantedJob } from '../label/wanted';
import { count, EXIT, json, type ExitCode } from '../output';
import { Progress } from '../terminal';
import { CHECKS } from './checks';
import type { Facts } from './facts';
import type { Check, Finding } from './finding';
import { gatherFacts } from './gather';

export interface DoctorOptions {
  /** Undefined: what the label command in the cluster is told. */
  readonly wanted: readonly WantedJob[] | undefined;
  readonly version: string;
}

export interface CheckResult {
  readonly check: string;
  readonly findings: readonly Finding[];
}

export async function doctor(context: CommandContext, options: DoctorOptions): Promise<ExitCode> {
  const { cluster, namespace, clock, terminal, output } = context;
  const progress = new Progress(terminal);
  if (terminal.redraws) progress.update('Looking at the cluster ...');
  const facts = await gatherFacts({ cluster, namespace, now: clock.now(), ...options }).finally(() =>
    progress.done(),
  );
  const results = examine(facts);
  terminal.out(output === 'json' ? json({ ...summary(results), checks: results }) : render(results));
  // What could not be found out is not fine either.
  return results.every(({ findings }) => findings.every(({ verdict }) => verdict === 'ok'))
    ? EXIT.ok
    : EXIT.problem;
}

/** Pure: the same facts have the same findings. */
export function examine(facts: Facts, checks: readonly Check[] = CHECKS): CheckResult[] {
  return checks.map(({ name, run }) => ({ check: name, findings: run(facts) }));
}

function summary(results: readonly CheckResult[]): {
  readonly problems: number;
  readonly unknown: number;
  readonly ok: number;
} {
  const all = results.flatMap(({ findings }) => findings);
  const of = (verdict: Finding['verdict']): number =>
    all.filter((finding) => finding.verdict === verdict).length;
  return { problems: of('problem'), unknown: of('unknown'), ok: of('ok') };
}

const MARKS: Readonly<Record<Finding['verdict'], string>> = {
  ok: 'ok     ',
  problem: 'PROBLEM',
  unknown: 'unknown',
};

function render(results: readonly CheckResult[]): string {
  const blocks = results.flatMap(({ check, findings }) => {
    if (findings.length === 0) return [];
    const lines = findings.flatMap(({ verdict, subject, text, fix }) => [
      `  ${MARKS[verdict]}  ${subject}: ${text}`,
      ...(fix === undefined ? [] : [`           -> ${fix}`]),
    ]);
    return [`${check}\n${lines.join('\n')}\n`];
  });
  const { problems, unknown, ok } = summary(results);
  const total = `${count(problems, 'problem')}, ${unknown} unknown, ${ok} ok.`;
  return `${blocks.join('')}\n${total}\n`;
}
