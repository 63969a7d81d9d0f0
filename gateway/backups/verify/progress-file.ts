/**
 * Remembers on local disk how far a verification came, so that after a stop it goes on there, and what the one before it found, so
 * that damage is known until it is mended.
 */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Fault } from '../fault';
import type { SetReport, VerifyReport } from './report';

const VERSION = 1;
/** Milliseconds between two writes at least: after a crash so much is done again. */
const SAVE_EVERY_MS = 5_000;

/** The file cannot be used; the message says which and why. */
export class ProgressFileError extends Error {
  override readonly name = 'ProgressFileError';
}

/** What makes two runs the same: one goes on where the other stopped. */
export interface RunIdentity {
  readonly source: string;
  readonly path: string;
  readonly level: number;
  readonly share: string;
  readonly volumes: readonly string[];
}

/** A set that is done. */
export interface FinishedSet {
  readonly report: SetReport;
  readonly faults: readonly (readonly [string, Fault])[];
  readonly cleared: readonly string[];
}

export interface BlockFault {
  readonly checksum: string;
  readonly fault: Fault;
}

/** The set at work. */
interface CurrentSet {
  readonly directory: string;
  /** Of its block names: another backup, and it starts over. */
  readonly digest: string;
  /** All blocks before this one are done, in the order of their names. */
  readonly done: number;
  readonly faults: readonly BlockFault[];
}

interface Run {
  readonly identity: RunIdentity;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly bytesRead: number;
  readonly finished: Readonly<Record<string, FinishedSet>>;
  readonly current?: CurrentSet;
}

interface Document {
  readonly version: typeof VERSION;
  readonly previous?: VerifyReport;
  readonly run?: Run;
}

/** How far one set is. */
export interface SetProgress {
  /** How many of the set's blocks are done already. `digest` is asked for once. */
  begin(digest: () => string): number;
  /** What was found among those. */
  readonly faults: readonly BlockFault[];
  started(index: number): void;
  ended(index: number, fault: BlockFault | undefined): void;
}

export class ProgressFile {
  readonly startedAt: number;
  readonly #finished: Record<string, FinishedSet>;
  #current: CurrentSet | undefined;
  #savedAt = 0;

  private constructor(
    private readonly path: string | undefined,
    private readonly identity: RunIdentity,
    private readonly now: () => number,
    /** What the last complete run found. */
    readonly previous: VerifyReport | undefined,
    run: Run | undefined,
  ) {
    this.startedAt = run?.startedAt ?? now();
    this.bytesRead = run?.bytesRead ?? 0;
    this.#finished = { ...run?.finished };
    this.#current = run?.current;
  }

  /** Bytes read so far, by all runs that this one goes on from. */
  bytesRead: number;

  /** Throws `ProgressFileError`. @param path absent: nothing is remembered */
  static open(path: string | undefined, identity: RunIdentity, now: () => number): ProgressFile {
    const { previous, run } = path === undefined ? NOTHING : read(path);
    const isSame = run !== undefined && JSON.stringify(run.identity) === JSON.stringify(identity);
    return new ProgressFile(path, identity, now, previous, isSame ? run : undefined);
  }

  finished(directory: string): FinishedSet | undefined {
    return this.#finished[directory];
  }

  set(directory: string): SetProgress {
    const inFlight = new Set<number>();
    let next = 0;
    const faults: BlockFault[] = [];
    let digest = '';
    return {
      faults,
      begin: (makeDigest) => {
        digest = makeDigest();
        const known = this.#current;
        if (known?.directory !== directory || known.digest !== digest) return 0;
        faults.push(...known.faults);
        return (next = known.done);
      },
      started: (index) => {
        inFlight.add(index);
        next = index + 1;
      },
      ended: (index, fault) => {
        inFlight.delete(index);
        if (fault) faults.push(fault);
        if (this.now() - this.#savedAt < SAVE_EVERY_MS) return;
        this.#current = { directory, digest, done: Math.min(next, ...inFlight), faults };
        this.#save();
      },
    };
  }

  finish(directory: string, set: FinishedSet): void {
    this.#finished[directory] = set;
    this.#current = undefined;
    this.#save();
  }

  /** The run is over: the next one starts anew, and knows this report. */
  complete(report: VerifyReport): void {
    this.#write({ version: VERSION, previous: report });
  }

  #save(): void {
    const { identity, startedAt, bytesRead } = this;
    const current = this.#current;
    const run: Run = {
      identity,
      startedAt,
      bytesRead,
      finished: this.#finished,
      ...(current && { current }),
    };
    this.#write({ version: VERSION, ...(this.previous && { previous: this.previous }), run });
    this.#savedAt = this.now();
  }

  #write(document: Document): void {
    if (this.path === undefined) return;
    const temporary = `${this.path}.tmp`;
    try {
      writeFileSync(temporary, JSON.stringify(document), { mode: 0o600 });
      renameSync(temporary, this.path);
    } catch (cause) {
      throw new ProgressFileError(`${this.path} cannot be written: ${reasonOf(cause)}`, { cause });
    }
  }
}

const NOTHING: Document = { version: VERSION };

function read(path: string): Document {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return NOTHING;
    throw new ProgressFileError(`${path} cannot be read: ${reasonOf(cause)}`, { cause });
  }
  try {
    const document = JSON.parse(text) as Partial<Document> | null;
    if (document?.version === VERSION) return document as Document;
  } catch {
    // Not JSON.
  }
  throw new ProgressFileError(
    `${path} is not a state file of longhaul verify, or one of another version; move it away to start over`,
  );
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
