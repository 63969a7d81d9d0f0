/**
 * Seals anew, in the background, all that is not sealed with the key that seals now: so that no object depends on an older key, or has no seal.
 *
 * That it is wanted stands on the FTP server, as an empty directory `rotate-<key id>` in the gateway's own: whichever gateway holds the root goes on with it,
 * also after a crash and without its catalog. What is done shows on each object, so there is nothing else to remember.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { S3Error } from '../errors';
import { RemoteFull, RemoteUnavailable, type RemoteTree } from '../ftp/remote-tree';
import type { Catalog } from './catalog';
import { giveWay } from './courtesy';
import type { Directories } from './directories';
import type { Directory } from './directory';
import type { FtpRoot } from './ftp-root';
import { directoriesOf } from './key-census';
import type { RemoteLayout } from './remote-layout';
import { GaveWayError, type Resealer, type ResealOutcome } from './resealer';
import { refOf } from './settler';
import type { Uploads } from './uploads';

/** Pauses between passes that left something undone, in milliseconds; each is twice the one before. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** Failures that are told one by one. */
const MOST_FAILURES_TOLD = 20;

export interface Amount {
  /** Objects, and parts of uploads in progress. */
  readonly objects: number;
  /** Plaintext bytes. */
  readonly bytes: number;
}

const NOTHING: Amount = { objects: 0, bytes: 0 };

export interface RotationStatus {
  /** `incomplete`: it ended, and what is left cannot be sealed anew until somebody does something about it. */
  readonly state: 'idle' | 'running' | 'complete' | 'incomplete';
  /** Since this gateway began or took it up. */
  readonly resealed: Amount;
  /** As far as the catalog knows. */
  readonly left: Amount;
  /** Milliseconds, at the speed so far. */
  readonly estimateMs?: number;
  /** Objects that could not be sealed anew in the last pass; the first of them with the reason. */
  readonly failed: number;
  readonly failures: readonly string[];
}

export interface KeyRotationOptions {
  readonly tree: RemoteTree;
  readonly catalog: Catalog;
  readonly layout: RemoteLayout;
  readonly root: FtpRoot;
  readonly directories: Directories;
  readonly uploads: Uploads;
  readonly resealer: Resealer;
  /** The key that seals now. */
  readonly writeKeyId: string;
  /** Connections to the FTP server in all; a rotation takes up to half of them. */
  readonly connections: number;
  /** Plaintext bytes a second. @default no limit but the connections */
  readonly bytesPerSecond?: number;
  /** Called when nothing is left to seal anew. */
  readonly completed: () => Promise<void>;
  readonly log: Logger;
  /** Milliseconds, never going back. */
  readonly monotonicMs: () => number;
}

/** Something to seal anew. */
interface Stale {
  readonly name: string;
  readonly size: number;
  readonly reseal: (signal: AbortSignal) => Promise<ResealOutcome>;
}

interface Pass {
  /** Undone for a reason that passes. */
  passing: number;
  done: number;
  readonly failures: string[];
  failed: number;
}

export class KeyRotation {
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #state: RotationStatus['state'] = 'idle';
  #startedAt = 0;
  #resealed: Amount = NOTHING;
  #left: Amount = NOTHING;
  /** On the clock of `monotonicMs`, where there is a limit: when the next object may be begun. */
  #nextStartAt = 0;
  #failures: readonly string[] = [];
  #failed = 0;

  constructor(private readonly options: KeyRotationOptions) {}

  get status(): RotationStatus {
    const { bytes } = this.#resealed;
    const elapsed = this.options.monotonicMs() - this.#startedAt;
    const estimateMs = bytes > 0 ? Math.round((this.#left.bytes * elapsed) / bytes) : undefined;
    return {
      state: this.#state,
      resealed: this.#resealed,
      left: this.#left,
      ...(this.#state === 'running' && estimateMs !== undefined && { estimateMs }),
      failed: this.#failed,
      failures: this.#failures,
    };
  }

  /** Waits for the root, and goes on with a rotation that was not ended. */
  async resume(): Promise<void> {
    const { tree, layout, log } = this.options;
    while (!this.#stop.signal.aborted) {
      try {
        await this.options.root.open();
        const listing = await tree.list(layout.own);
        if (listing.outcome !== 'listed') throw new RemoteUnavailable(`${layout.own} is not listed`);
        if (!listing.entries.some(({ name }) => name === this.#mark)) return;
        log.info('a rotation of keys goes on');
        return this.#begin();
      } catch (error) {
        if (!isPassing(error)) throw error;
        await this.#pause(FIRST_PAUSE_MS);
      }
    }
  }

  /** Resolves when it runs, and will do so after a crash. Does nothing if it runs already. */
  async start(): Promise<void> {
    if (this.#state === 'running') return;
    await this.options.root.open();
    await this.options.tree.makeDir(this.#markPath);
    this.#begin();
  }

  /** Resolves when what is under way has ended; the rest is left for the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  #begin(): void {
    if (this.#state === 'running') return;
    this.#state = 'running';
    this.#startedAt = this.options.monotonicMs();
    this.#resealed = NOTHING;
    this.#running = this.#run().catch((error: unknown) => {
      if (this.#stop.signal.aborted) return;
      this.#state = 'incomplete';
      this.#failures = [String(error)];
      this.options.log.error({ err: error }, 'the rotation of keys failed');
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted;) {
      const pass = await this.#pass();
      this.#failures = pass.failures;
      this.#failed = pass.failed;
      // A pass that had to do something is followed by one that finds nothing left.
      if (pass.passing === 0 && pass.done === 0) return this.#end(pass.failed === 0);
      if (pass.done > 0) pauseMs = FIRST_PAUSE_MS;
      if (pass.passing === 0) continue;
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  async #end(isComplete: boolean): Promise<void> {
    const { tree, root, log, completed } = this.options;
    await root.open();
    if (isComplete) {
      await this.#tidy();
      await completed();
    }
    await tree.removeDir(this.#markPath);
    this.#state = isComplete ? 'complete' : 'incomplete';
    log.info({ ...this.status }, 'the rotation of keys ended');
  }

  /** Looks at everything once, and seals anew what needs it. */
  async #pass(): Promise<Pass> {
    const { root, connections } = this.options;
    const pass: Pass = { passing: 0, done: 0, failures: [], failed: 0 };
    if (await this.#fails(pass, 'the FTP root', () => root.open())) return pass;
    this.#left = await this.#countStale();
    const stale = this.#stale(pass);
    const work = async (): Promise<void> => {
      for (let next = await stale.next(); !next.done; next = await stale.next()) {
        await this.#reseal(pass, next.value);
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, Math.floor(connections / 2)) }, work));
    if (this.#stop.signal.aborted) pass.passing += 1;
    return pass;
  }

  async #reseal(pass: Pass, { name, size, reseal }: Stale): Promise<void> {
    const { signal } = this.#stop;
    await giveWay(this.options.tree, signal);
    await this.#keepPace(size);
    if (signal.aborted) return;
    await this.#fails(pass, name, async () => {
      await this.options.root.open();
      const outcome = await reseal(signal);
      if (outcome === 'changed') pass.passing += 1;
      if (outcome === 'damaged') throw new Error('it is damaged: only a new PUT mends it');
      if (outcome !== 'resealed') return;
      pass.done += 1;
      this.#resealed = add(this.#resealed, 1, size);
      this.#left = add(this.#left, -1, -size);
    });
  }

  /** Whether it threw; what it threw is counted. */
  async #fails(pass: Pass, name: string, task: () => Promise<void>): Promise<boolean> {
    try {
      await task();
      return false;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (isPassing(error)) pass.passing += 1;
      else pass.failed += 1;
      if (!(error instanceof GaveWayError) && pass.failures.length < MOST_FAILURES_TOLD)
        pass.failures.push(`${name}: ${reason}`);
      return true;
    }
  }

  /** What is not sealed with the key that seals now, over the whole tree; directories are proved on the way. */
  async *#stale(pass: Pass): AsyncGenerator<Stale> {
    const { catalog, directories, resealer, uploads } = this.options;
    const prove = async ({ bucket, segments }: Directory): Promise<void> => {
      const name = `${bucket}/${segments.join('/')}`;
      await this.#fails(pass, name, async () => void (await directories.find(bucket, segments)));
    };
    for await (const { files } of directoriesOf(catalog, prove)) {
      for (const { directory, name, record } of files) {
        if (this.#stop.signal.aborted) return;
        if (record.kind !== 'object' || resealer.isCurrent(record)) continue;
        const ref = refOf(directory, name);
        const { size } = record;
        yield { name: `${ref.bucket}/${ref.key}`, size, reseal: (signal) => resealer.object(ref, signal) };
      }
    }
    for (const { upload, part } of uploads.partsInProgress()) {
      if (this.#stop.signal.aborted) return;
      if (resealer.isCurrentPart(part)) continue;
      const name = `${upload.bucket}/${upload.key}, part ${part.partNumber}`;
      yield { name, size: part.size, reseal: (signal) => resealer.part(upload, part, signal) };
    }
  }

  async #countStale(): Promise<Amount> {
    const { catalog, resealer, uploads } = this.options;
    let left: Amount = NOTHING;
    for await (const { files } of directoriesOf(catalog)) {
      for (const { record } of files) {
        if (record.kind === 'object' && !resealer.isCurrent(record)) left = add(left, 1, record.size);
      }
    }
    for (const { part } of uploads.partsInProgress()) {
      if (!resealer.isCurrentPart(part)) left = add(left, 1, part.size);
    }
    return left;
  }

  /** Files of parts that a gateway left which died between a manifest and the deletion of what it no longer names. */
  async #tidy(): Promise<void> {
    const { catalog, resealer } = this.options;
    for await (const { files } of directoriesOf(catalog)) {
      for (const { directory, name, record } of files) {
        if (record.kind === 'object' && record.parts) await resealer.tidy(refOf(directory, name));
      }
    }
  }

  async #keepPace(size: number): Promise<void> {
    const { bytesPerSecond, monotonicMs } = this.options;
    if (!bytesPerSecond) return;
    const now = monotonicMs();
    const startAt = Math.max(now, this.#nextStartAt);
    this.#nextStartAt = startAt + (size / bytesPerSecond) * 1000;
    await this.#pause(startAt - now);
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  get #markPath(): string {
    return `${this.options.layout.own}/${this.#mark}`;
  }

  get #mark(): string {
    return `rotate-${this.options.writeKeyId}`;
  }
}

function add(amount: Amount, objects: number, bytes: number): Amount {
  return { objects: amount.objects + objects, bytes: amount.bytes + bytes };
}

/** Whether trying again later may help. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof GaveWayError ||
    error instanceof RemoteUnavailable ||
    error instanceof RemoteFull ||
    (error instanceof S3Error && ['SlowDown', 'QuotaExceeded'].includes(error.code))
  );
}
