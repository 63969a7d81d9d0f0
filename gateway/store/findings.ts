/** What was found below the buckets that is no object: nothing of ours wrote it, or it is not whole. It is left alone, and told. */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';

export interface Finding {
  /** On the FTP server. */
  readonly path: string;
  /** For people. */
  readonly reason: string;
}

export class Findings {
  /** By the number of the directory, and a name in it. */
  readonly #rows: Database<Finding, [directory: number, name: string]>;

  constructor(private readonly environment: CatalogEnvironment) {
    this.#rows = environment.database('findings');
  }

  get count(): number {
    return this.environment.count('findings');
  }

  *all(): Generator<Finding> {
    for (const { value } of this.#rows.getRange({})) yield value;
  }

  /** Replaces what is known of a directory; the writes are part of the caller's. */
  replace(
    directory: number,
    findings: ReadonlyMap<string, Finding>,
  ): { fresh: Finding[]; writes: Promise<unknown>[] } {
    const known = this.#in(directory);
    const over = [...known.keys()].filter((name) => !findings.has(name));
    const fresh = [...findings].filter(([name, { reason }]) => known.get(name)?.reason !== reason);
    return {
      fresh: fresh.map(([, finding]) => finding),
      writes: [
        ...over.map((name) => this.#rows.remove([directory, name])),
        ...fresh.map(([name, finding]) => this.#rows.put([directory, name], finding)),
      ],
    };
  }

  /** An object took the place. */
  forget(directory: number, name: string): Promise<unknown>[] {
    return this.#in(directory).has(name) ? [this.#rows.remove([directory, name])] : [];
  }

  #in(directory: number): Map<string, Finding> {
    if (this.count === 0) return new Map();
    const range = this.#rows.getRange({ start: [directory, ''], end: [directory + 1, ''] });
    return new Map([...range].map(({ key: [, name], value }) => [name, value]));
  }
}
