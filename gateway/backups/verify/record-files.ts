/**
 * The records of verifications, in the gateway's own directory on the FTP server: one file each, under a name that no other run and nothing else has, so
 * that a verification can spoil nothing that is there. Sealed like objects, each for its own name. The newest counts; a gateway serves as well without any.
 */

import { randomBytes } from 'node:crypto';
import type { RemoteTree } from '../../ftp/remote-tree';
import type { SealContext } from '../../seal/context';
import { FormatError, IntegrityError } from '../../seal/errors';
import { looksSealed } from '../../seal/header';
import type { Keyring } from '../../seal/keyring';
import { openWhole } from '../../seal/open';
import { seal } from '../../seal/seal';
import type { RemoteLayout } from '../../store/remote-layout';
import { MAX_RECORD_BYTES, parseRecord, type VerificationRecord } from './record';

/** `verification-<milliseconds since the epoch>-<bucket>`. */
const NAME = /^verification-(\d{13})-(.+)$/;
/** The last one, and the one before in case that one is damaged. */
const KEPT = 2;
/** A record from further ahead is by a clock that was wrong, and would be the newest for long. */
const MOST_AHEAD_MS = 86_400_000;

export interface RecordFilesOptions {
  readonly tree: RemoteTree;
  readonly layout: RemoteLayout;
  readonly bucket: string;
  /** Absent: records are written and read as they are. */
  readonly keyring?: Keyring;
  /** Whether a record without seal is read although there is a key. */
  readonly readPlain: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class RecordFiles {
  #last: { readonly name: string; readonly record: VerificationRecord } | undefined;

  constructor(private readonly options: RecordFilesOptions) {}

  get bucket(): string {
    return this.options.bucket;
  }

  /** The newest that can be read; undefined if there is none. Throws what the tree throws. */
  async newest(): Promise<VerificationRecord | undefined> {
    for (const name of (await this.#names()).slice(0, KEPT)) {
      if (this.#last?.name === name) return this.#last.record;
      const record = await this.#read(name);
      if (!record) continue;
      this.#last = { name, record };
      return record;
    }
    return undefined;
  }

  /** Throws what the tree throws, such as `RemoteRefused` for an account that may only read. */
  async write(record: VerificationRecord): Promise<void> {
    const { tree, layout, bucket } = this.options;
    // Where no gateway was nobody asks for it, and nothing is begun.
    if (!(await tree.isDirectory(layout.own))) return;
    const name = `verification-${String(record.endedAt).padStart(13, '0')}-${bucket}`;
    // Of this run alone, for what is on its way.
    const directory = `${layout.own}/verifying-${randomBytes(8).toString('hex')}`;
    await tree.makeDir(directory);
    try {
      await tree.putFile({
        temporary: `${directory}/record`,
        ...{ target: `${layout.own}/${name}`, aside: `${directory}/aside` },
        body: () => this.#body(name, Buffer.from(JSON.stringify(record))),
        replayable: true,
      });
    } finally {
      await tree.removeDir(directory);
    }
    for (const old of (await this.#names()).slice(KEPT)) await tree.remove(`${layout.own}/${old}`);
  }

  /** Of this bucket, the newest first. */
  async #names(): Promise<string[]> {
    const { tree, layout, bucket, now } = this.options;
    const listing = await tree.list(layout.own);
    // Nothing depends on it: what is not shown is done without.
    if (listing.outcome !== 'listed') return [];
    const latest = now() + MOST_AHEAD_MS;
    const found = listing.entries.flatMap(({ name, type }) => {
      const [, at, of] = NAME.exec(name) ?? [];
      return type === 'file' && of === bucket && Number(at) <= latest ? [name] : [];
    });
    return found.sort().reverse();
  }

  #body(name: string, bytes: Buffer): AsyncIterable<Buffer> {
    const { keyring } = this.options;
    if (!keyring) return once(bytes);
    return seal(keyring, contextOf(name), { size: bytes.length }).stream(once(bytes), () =>
      Buffer.from('{}'),
    );
  }

  async #read(name: string): Promise<VerificationRecord | undefined> {
    const { tree, layout, keyring, readPlain, bucket } = this.options;
    const path = `${layout.own}/${name}`;
    const storedSize = await tree.size(path);
    if (storedSize === undefined || storedSize > MAX_RECORD_BYTES) return undefined;
    const stored = await gather(tree.read(path, { end: storedSize }));
    let bytes = stored;
    if (keyring && !(readPlain && !looksSealed(stored))) {
      try {
        bytes = await gather(openWhole(keyring, contextOf(name), once(stored)));
      } catch (error) {
        if (error instanceof IntegrityError || error instanceof FormatError) return undefined;
        throw error;
      }
    }
    const record = parseRecord(bytes);
    return record?.bucket === bucket ? record : undefined;
  }
}

function contextOf(name: string): SealContext {
  return { bucket: '_longhaul', key: name };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield await Promise.resolve(bytes);
}

async function gather(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
