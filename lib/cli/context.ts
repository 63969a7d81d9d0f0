import type { Cluster } from './cluster';
import type { OutputFormat } from './output';
import type { Terminal } from './terminal';
import type { Clock } from './wait';

/** What every command gets besides its own options. */
export interface CommandContext {
  readonly cluster: Cluster;
  /** Longhorn's namespace. */
  readonly namespace: string;
  readonly terminal: Terminal;
  readonly output: OutputFormat;
  readonly clock: Clock;
}
