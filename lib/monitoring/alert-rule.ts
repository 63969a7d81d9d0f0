/** One alert, for Prometheus and for Grafana alike. */

/** `critical`: a backup is missing, or the next one will fail. `warning`: it will become that if nobody looks. */
export type Severity = 'critical' | 'warning';

/** An alert rule, before it takes the form of Prometheus or Grafana. */
export interface AlertRule {
  /** Unique, in camel case as Prometheus has it. */
  readonly name: string;
  /** PromQL; the alert fires for each series that comes of it, whatever its value. */
  readonly expr: string;
  /** Seconds for which it must hold before the alert fires. */
  readonly forSeconds: number;
  /** How soon somebody has to look. */
  readonly severity: Severity;
  /** Further labels, beside those of the series. @default - none */
  readonly labels?: Readonly<Record<string, string>>;
  /** A line; may name labels as `{{ $labels.volume }}`. */
  readonly summary: string;
  /** What it means. */
  readonly description: string;
  /** What to do first: one sentence, with the command to run. */
  readonly runbook: string;
}

/** Seconds in the largest unit that Prometheus has for them: `30h`, `8d`. */
export function promDuration(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}

/** A span for people, rounded up to hours or, from two days on, to days. */
export function spanText(seconds: number): string {
  const hours = Math.ceil(seconds / 3_600);
  if (hours < 48) return hours === 1 ? 'an hour' : `${hours} hours`;
  return `${Math.ceil(seconds / 86_400)} days`;
}
