/** Constructs in an app of their own, as the manifests that come of them or as the problems that they report. */
import { App, Chart } from 'cdk8s';
import { problemsOfApp } from '../../lib/app-rules';
import { describeProblem, warningsOf } from '../../lib/problems';

/** A manifest as JSON; tests look into it by path. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly spec?: unknown;
}

type Make = (chart: Chart) => unknown;

function appOf(make: Make): App {
  const app = new App();
  make(new Chart(app, 'chart'));
  return app;
}

/** Every manifest of the app, in the order of its files. */
export function manifestsOf(app: App): Manifest[] {
  return app.charts.flatMap((chart) => chart.toJson() as Manifest[]);
}

/** Fails where there are problems. */
export function synthesized(make: Make): Manifest[] {
  const app = appOf(make);
  expect(problemsOfApp(app).map(describeProblem)).toEqual([]);
  return manifestsOf(app);
}

/** The only manifest of a kind. */
export function ofKind<T = { readonly spec: unknown }>(
  manifests: readonly Manifest[],
  kind: string,
): Manifest & T {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as Manifest & T;
}

/** What is wrong, one sentence each, as the user reads it. */
export function problemsIn(make: Make): string[] {
  return problemsOfApp(appOf(make)).map(describeProblem);
}

export function warningsIn(make: Make): string[] {
  return warningsOf(appOf(make)).map(describeProblem);
}
