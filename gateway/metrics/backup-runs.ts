/**
 * The backups that Longhorn makes, told from its requests alone: a first document of the backup (a stub), blocks, the document again with
 * all its blocks, and `volume.cfg` last. Source: github.com/longhorn/backupstore, `deltablock.go`.
 */
import { parseKey, type BackupstoreKey } from '../backupstore/layout';
import type { RequestRecord } from '../middleware/access-log';

/** A backup while it is made, and how it went. Times in milliseconds since the epoch. */
export interface BackupRun {
  readonly bucket: string;
  /** Of Longhorn. */
  readonly volume: string;
  readonly backup: string;
  readonly startedAt: number;
  /** Of the last request that had to do with it. */
  readonly lastSeenAt: number;
  readonly finishedAt?: number;
  /** Bytes of blocks that were uploaded for it: compressed, before they were sealed. */
  readonly receivedBytes: number;
}

interface OngoingRun {
  run: BackupRun;
  documents: number;
}

/** So many finished ones are remembered of each volume. */
const REMEMBERED = 100;
/** Longhorn renews its lock every 60 s while a backup is made. Without a request for so long it was given up. */
const GIVEN_UP_MS = 10 * 60 * 1000;

export class BackupRuns {
  /** By bucket and volume. */
  readonly #ongoing = new Map<string, OngoingRun>();
  readonly #finished = new Map<string, BackupRun[]>();
  readonly #receivedBytes = new Map<string, number>();
  #lastRequestAt: number | undefined;

  /** @param now milliseconds since the epoch */
  constructor(private readonly now: () => number) {}

  /** When Longhorn last sent a request that it had signed; undefined if never since the start. */
  get lastRequestAt(): number | undefined {
    return this.#lastRequestAt;
  }

  /** Bytes of blocks received since the start, by volume. */
  get receivedBytes(): ReadonlyMap<string, number> {
    return this.#receivedBytes;
  }

  /** Those that have not ended: they are made now, or were given up. */
  unfinished(): BackupRun[] {
    return [...this.#ongoing.values()].map(({ run }) => run);
  }

  isGivenUp({ lastSeenAt }: BackupRun): boolean {
    return this.now() - lastSeenAt > GIVEN_UP_MS;
  }

  /** Those of a volume that ended since the start, in order. */
  finished(bucket: string, volume: string): readonly BackupRun[] {
    return this.#finished.get(`${bucket}/${volume}`) ?? [];
  }

  /** The last one of each volume. */
  lastFinished(): BackupRun[] {
    return [...this.#finished.values()].flatMap((runs) => runs.at(-1) ?? []);
  }

  observe(record: RequestRecord): void {
    const key = record.key === undefined ? undefined : parseKey(record.key);
    if (isLonghorn(record, key)) this.#lastRequestAt = this.now();
    if (!key || key.kind === 'system-backup' || key.set.kind !== 'volume' || record.status !== 200) return;
    const id = `${record.bucket ?? ''}/${key.set.volume}`;
    const ongoing = this.#ongoing.get(id);
    if (ongoing) ongoing.run = { ...ongoing.run, lastSeenAt: this.now() };
    if (key.kind === 'block' && isUpload(record)) this.#addBytes(key.set.volume, record.bytesIn, ongoing);
    if (key.kind === 'backup-config' && isStored(record))
      this.#document(id, record, key.set.volume, key.backup);
    if (key.kind === 'volume-config' && isStored(record)) this.#finish(id);
  }

  #addBytes(volume: string, bytes: number, ongoing: OngoingRun | undefined): void {
    this.#receivedBytes.set(volume, (this.#receivedBytes.get(volume) ?? 0) + bytes);
    if (ongoing) ongoing.run = { ...ongoing.run, receivedBytes: ongoing.run.receivedBytes + bytes };
  }

  #document(id: string, { bucket = '' }: RequestRecord, volume: string, backup: string): void {
    const ongoing = this.#ongoing.get(id);
    if (ongoing?.run.backup === backup) {
      ongoing.documents += 1;
      return;
    }
    const now = this.now();
    const run = { bucket, volume, backup, startedAt: now, lastSeenAt: now, receivedBytes: 0 };
    this.#ongoing.set(id, { run, documents: 1 });
  }

  #finish(id: string): void {
    const ongoing = this.#ongoing.get(id);
    if (!ongoing || ongoing.documents < 2) return;
    this.#ongoing.delete(id);
    const runs = [...(this.#finished.get(id) ?? []), { ...ongoing.run, finishedAt: this.now() }];
    this.#finished.set(id, runs.slice(-REMEMBERED));
  }
}

const isStored = ({ operation }: RequestRecord): boolean =>
  operation === 'PutObject' || operation === 'CompleteMultipartUpload';
const isUpload = ({ operation }: RequestRecord): boolean =>
  operation === 'PutObject' || operation === 'UploadPart';

/**
 * Whether a request is Longhorn's. It uses AWS's SDK for Go and asks for nothing outside its backupstore; when it only lists, there is no
 * key. Nobody else writes locks.
 */
function isLonghorn(record: RequestRecord, key: BackupstoreKey | undefined): boolean {
  if (record.accessKey === undefined) return false;
  const usesItsSdk = record.userAgent?.startsWith('aws-sdk-go') === true;
  return key?.kind === 'lock' || (usesItsSdk && (record.key === undefined || key !== undefined));
}
