/** Checks apps as one, tells what their user should know, and writes their manifests. */
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ApiObject, type App } from 'cdk8s';
import { problemsOfApp } from './app-rules';
import { describeProblem, notesOf, PropsError, warningsOf } from './problems';
import { upcomingRuns } from './upcoming-runs';

/** The options of `synthesize`. */
export interface SynthesizeOptions {
  /** Takes warnings, notes and the next runs, a line each. @default - they are not told */
  readonly report?: (line: string) => void;
  /** @default - now */
  readonly now?: Date;
}

/**
 * Nothing is written unless all apps are without problems. An app with Secrets gets a directory that only its user can read.
 * @throws PropsError with every problem of every app
 */
export function synthesize(
  apps: readonly App[],
  { report = () => undefined, now = new Date() }: SynthesizeOptions = {},
): void {
  const problems = apps.flatMap(problemsOfApp);
  if (problems.length > 0) throw new PropsError(problems);
  for (const app of apps) {
    for (const warning of warningsOf(app)) report(`Warning: ${describeProblem(warning)}`);
    for (const note of notesOf(app)) report(`Note: ${note}`);
    for (const line of upcomingRuns(app, now)) report(line);
    write(app);
  }
}

function write(app: App): void {
  const objects = app.node.findAll().filter((construct) => ApiObject.isApiObject(construct));
  if (objects.length === 0) return;
  const isSecret = objects.some(({ kind }) => kind === 'Secret');
  mkdirSync(app.outdir, { recursive: true });
  if (isSecret) chmodSync(app.outdir, 0o700);
  app.synth();
  // cdk8s writes a file for a chart without objects too. The numbers of the others stay: they do not depend on what a stack has.
  for (const file of readdirSync(app.outdir)) {
    const path = join(app.outdir, file);
    if (file.endsWith(app.outputFileExtension) && statSync(path).size === 0) rmSync(path);
  }
}
