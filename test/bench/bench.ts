/** What a file `*.bench.ts` exports as `bench`, and what it hands back. */

export interface BenchOptions {
  /** A minute instead of an hour: fewer servers, lines, objects and rounds. */
  readonly quick: boolean;
  /** Only what has this in its name, where a bench has several cases. */
  readonly only: string | undefined;
  /** Tells whoever waits what is going on. */
  readonly progress: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<readonly BenchTable[]>;
}

export type Cell = string | number;

/** Numbers are rounded for people, not in the JSON. */
export interface BenchTable {
  readonly title: string;
  /** What the numbers are, and how they were taken. */
  readonly notes: readonly string[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]!
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
