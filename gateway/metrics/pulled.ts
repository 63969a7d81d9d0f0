/** Metrics whose values are kept elsewhere, and asked for when they are scraped. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** Values with the labels that they have, one for each combination. */
export type Labelled<L extends string> = readonly (readonly [
  labels: Readonly<Record<L, string>>,
  value: number,
])[];

interface Description<L extends string> {
  readonly registry: Registry;
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly L[];
}

/** A value that goes up and down. Undefined is not exported: it is not known, which is not the same as 0. */
export function pulledGauge<L extends string = never>(
  { registry, name, help, labelNames = [] }: Description<L>,
  read: () => number | undefined | Labelled<L>,
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      // A gauge without labels that was reset would be exported as 0.
      if (labelNames.length === 0) this.remove();
      for (const [labels, value] of labelled(read())) this.set(labels, value);
    },
  });
}

/** A value that only goes up while the process lives. */
export function pulledCounter<L extends string = never>(
  { registry, name, help, labelNames = [] }: Description<L>,
  read: () => number | Labelled<L>,
): void {
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const [labels, value] of labelled(read())) this.inc(labels, value);
    },
  });
}

function labelled<L extends string>(values: number | undefined | Labelled<L>): Labelled<L> {
  if (values === undefined) return [];
  return typeof values === 'number' ? [[{} as Record<L, string>, values]] : values;
}
