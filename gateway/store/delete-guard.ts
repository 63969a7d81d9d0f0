/**
 * Keeps blocks that a stored backup needs, whatever a client concludes. Longhorn takes a failed listing of a volume's backups for an empty one, and
 * deletes every block then. So a block is deleted only while it is known of all backups of its set that they are complete and do not name it. Longhorn's own
 * garbage collection asks for no less: it deletes a backup's document first, and no block while a backup is in progress or cannot be read.
 */

import type { Logger } from 'pino';
import { parseBackupsDirectory, parseKey, type BlockSet } from '../backupstore/layout';
import { S3Error } from '../errors';
import { blockSetId, type BlockReferences, type Claim } from './block-references';
import type { BlockSetId } from './block-index';
import type { ObjectRef } from './object-store';

/** `warn` only logs and counts; `off` does not even look. */
export type GuardMode = 'enforce' | 'warn' | 'off';

export interface DeleteGuardOptions {
  readonly mode: GuardMode;
  readonly references: BlockReferences;
  readonly log: Logger;
  readonly now: () => number;
}

/** Why a block stays. */
type Objection = Claim | { readonly reason: 'listing-failed' | 'unknown' };

export interface DeleteGuardStats {
  /** Deletes refused, by reason; with `warn`, deletes that would have been. */
  readonly objections: Record<Objection['reason'], number>;
  /** Documents read from the FTP server because nothing was known of them. */
  readonly documentsRead: number;
}

/** Documents that appear while others are read: so often they are looked for again. */
const ROUNDS = 5;
/** A garbage collection gone wrong asks for every block, five times each: one line says it. */
const LOG_INTERVAL_MS = 60_000;

export class DeleteGuard {
  /** Sets whose list of backups could not be given when it was last asked for. */
  readonly #failedListings = new Set<BlockSetId>();
  readonly #loggedAt = new Map<string, number>();
  readonly #objections = { named: 0, 'in-progress': 0, unreadable: 0, 'listing-failed': 0, unknown: 0 };

  constructor(private readonly options: DeleteGuardOptions) {}

  get stats(): DeleteGuardStats {
    return { objections: this.#objections, documentsRead: this.options.references.stats.documentsRead };
  }

  /** Tells how the list of a key prefix was answered. Longhorn acts on it either way. */
  listed(bucket: string, prefix: string, answered: boolean): void {
    const set = parseBackupsDirectory(prefix);
    if (!set) return;
    if (answered) this.#failedListings.delete(blockSetId(bucket, set));
    else this.#failedListings.add(blockSetId(bucket, set));
  }

  /** Finds out what `objection` needs, if it is about a block. Throws `SlowDown` while that cannot be done. */
  async prepare(ref: ObjectRef): Promise<void> {
    const key = parseKey(ref.key);
    if (this.options.mode === 'off' || key?.kind !== 'block') return;
    try {
      const { references } = this.options;
      for (let round = 0; round < ROUNDS && references.isUnknown(ref.bucket, key.set); round++) {
        await references.learn(ref.bucket, key.set);
      }
    } catch (error) {
      this.#report(ref, { reason: 'unknown' }, error);
      if (this.options.mode === 'enforce') throw error;
    }
  }

  /** Why an object may not be deleted; undefined if it may. Synchronous: call it in the transaction that removes the row. */
  objection(ref: ObjectRef): S3Error | undefined {
    const key = parseKey(ref.key);
    if (this.options.mode === 'off' || key?.kind !== 'block') return undefined;
    const objection = this.#judge(ref.bucket, key.set, key.checksum);
    if (!objection) return undefined;
    this.#report(ref, objection);
    if (this.options.mode === 'warn') return undefined;
    return new S3Error('SlowDown', { message: describe(objection) });
  }

  #judge(bucket: string, set: BlockSet, checksum: string): Objection | undefined {
    const { references } = this.options;
    if (this.#failedListings.has(blockSetId(bucket, set))) return { reason: 'listing-failed' };
    if (references.isUnknown(bucket, set)) return { reason: 'unknown' };
    return references.claim(bucket, set, checksum);
  }

  #report({ bucket, key }: ObjectRef, objection: Objection, cause?: unknown): void {
    const { mode, log, now } = this.options;
    this.#objections[objection.reason] += 1;
    const topic = `${bucket}/${key.split('/blocks/')[0]} ${objection.reason}`;
    if (now() - (this.#loggedAt.get(topic) ?? -Infinity) < LOG_INTERVAL_MS) return;
    this.#loggedAt.set(topic, now());
    const reason = describe(objection) + (cause instanceof Error ? ` (${cause.message})` : '');
    log.error(
      { bucket, key, reason },
      mode === 'warn' ? 'a block is deleted that the guard would keep' : 'a block is kept from being deleted',
    );
  }
}

function describe(objection: Objection): string {
  switch (objection.reason) {
    case 'named':
      return `The stored backup ${objection.backup} still names the block.`;
    case 'in-progress':
      return `The backup ${objection.backup} is in progress, and may need the block.`;
    case 'unreadable':
      return `The stored backup ${objection.backup} cannot be read, and may need the block.`;
    case 'listing-failed':
      return 'The last listing of the backups that may need the block failed.';
    case 'unknown':
      return 'It cannot be found out now which backups need the block.';
  }
}
