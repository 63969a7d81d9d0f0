/** What is known of the backups of each block set: the documents that lie there now, and which blocks they name; read where nothing is known. */

import type { Logger } from 'pino';
import { backupsDirectory, parseKey, type BlockSet } from '../backupstore/layout';
import { S3Error } from '../errors';
import { headerSalt } from '../seal/header';
import { BackupReading } from './backup-reading';
import { BlockIndex, type BackupEntry, type BlockSetId } from './block-index';
import type { Catalog } from './catalog';
import { SharedTask } from './concurrency';
import type { Directories } from './directories';
import type { Directory } from './directory';
import type { FileRecord, ObjectRecord } from './object-record';
import type { ObjectRef, OpenObject } from './object-store';
import { refOf, type Settler } from './settler';

export interface BlockReferencesOptions {
  readonly catalog: Catalog;
  readonly directories: Directories;
  readonly settler: Settler;
  readonly open: (ref: ObjectRef) => Promise<OpenObject>;
  /** Settles an object that is in doubt. */
  readonly place: (ref: ObjectRef) => Promise<unknown>;
  readonly log: Logger;
}

/** A backup that may need a block: it names it, or it cannot be told yet, or not at all. */
export interface Claim {
  readonly reason: 'named' | Exclude<BackupEntry['state'], 'complete'>;
  readonly backup: string;
}

/** One backup's document, as it lies there now. */
interface StoredBackup {
  readonly ref: ObjectRef;
  readonly directory: Directory;
  readonly name: string;
  readonly backup: string;
  readonly record: FileRecord;
}

export class BlockReferences {
  readonly #index: BlockIndex;
  readonly #learning = new SharedTask<void>();
  readonly stats = { documentsRead: 0 };

  constructor(private readonly options: BlockReferencesOptions) {
    this.#index = new BlockIndex(options.catalog);
  }

  /** Why a block has to stay; undefined if no backup needs it. Valid while nothing `isUnknown`. */
  claim(bucket: string, set: BlockSet, checksum: string): Claim | undefined {
    const id = blockSetId(bucket, set);
    const present = new Set<string>();
    for (const { backup, record } of this.#backups(bucket, set)) {
      const entry = this.#index.entry(id, backup);
      const isRead = record.kind === 'object' && entry?.version === versionOf(record);
      const state = isRead ? entry.state : 'unreadable';
      if (state !== 'complete') return { reason: state, backup };
      present.add(backup);
    }
    for (const backup of this.#index.naming(id, checksum)) {
      if (present.has(backup)) return { reason: 'named', backup };
    }
    return undefined;
  }

  /** Reads what is unknown. Throws `SlowDown` while that cannot be had. */
  learn(bucket: string, set: BlockSet): Promise<void> {
    return this.#learning.run(blockSetId(bucket, set), () => this.#learn(bucket, set));
  }

  /** Forgets a document, in the transaction that removes its row. */
  forget({ bucket, key }: ObjectRef): void {
    const parsed = parseKey(key);
    if (parsed?.kind === 'backup-config')
      void this.#index.remove(blockSetId(bucket, parsed.set), parsed.backup);
  }

  /** Whether a document is surely that of a backup in progress. */
  isStub({ bucket, key }: ObjectRef, record: FileRecord): boolean {
    const parsed = parseKey(key);
    if (parsed?.kind !== 'backup-config' || record.kind !== 'object') return false;
    const entry = this.#index.entry(blockSetId(bucket, parsed.set), parsed.backup);
    return entry?.version === versionOf(record) && entry.state === 'in-progress';
  }

  /** Watches a new document pass, if the key is one's; undefined otherwise. */
  watch(ref: ObjectRef): DocumentWatch | undefined {
    const key = parseKey(ref.key);
    if (key?.kind !== 'backup-config') return undefined;
    return new DocumentWatch((record, reading) =>
      this.#learnt(ref, blockSetId(ref.bucket, key.set), key.backup, record, reading),
    );
  }

  /** Whether a `claim` needs something that was not read yet. Synchronous, so that both can be asked in one transaction. */
  isUnknown(bucket: string, set: BlockSet): boolean {
    const { settler } = this.options;
    const prefix = backupsDirectory(set);
    if (!this.#isProved(bucket, segmentsOf(prefix), set.kind === 'backing-images')) return true;
    if (settler.suspectsIn(bucket, prefix).length > 0) return true;
    const id = blockSetId(bucket, set);
    for (const stored of this.#backups(bucket, set)) {
      if (this.#isUnread(id, stored)) return true;
    }
    return false;
  }

  /** Whether a directory, and what leads to it, is proved as it is or as missing. */
  #isProved(bucket: string, segments: readonly string[], andBelow: boolean): boolean {
    const { catalog } = this.options;
    let directory = catalog.root(bucket);
    for (const segment of segments) {
      if (!directory) return true;
      if (!catalog.isProved(directory)) return false;
      directory = catalog.subdirectory(directory, segment);
    }
    if (!directory) return true;
    if (!catalog.isProved(directory)) return false;
    if (!andBelow) return true;
    return subdirectories(catalog, directory).every((below) => catalog.isProved(below));
  }

  async #learn(bucket: string, set: BlockSet): Promise<void> {
    const { catalog, directories, settler, place } = this.options;
    const id = blockSetId(bucket, set);
    const prefix = backupsDirectory(set);
    const directory = await directories.find(bucket, segmentsOf(prefix));
    if (directory && set.kind === 'backing-images') {
      for (const below of subdirectories(catalog, directory)) await directories.prove(below);
    }
    for (const ref of settler.suspectsIn(bucket, prefix)) await place(ref);
    const present = [...this.#backups(bucket, set)];
    for (const stored of present) {
      if (this.#isUnread(id, stored)) await this.#read(id, stored);
    }
    const names = new Set(present.map(({ backup }) => backup));
    for (const backup of this.#index.backups(id)) {
      if (!names.has(backup)) await this.#index.remove(id, backup);
    }
  }

  #isUnread(id: BlockSetId, { backup, record }: StoredBackup): boolean {
    return (
      record.kind === 'object' &&
      !record.damaged &&
      this.#index.entry(id, backup)?.version !== versionOf(record)
    );
  }

  /** Nothing is learnt if the document changed, or turned out damaged: the next round sees what it is then. */
  async #read(id: BlockSetId, { ref, directory, name, backup, record }: StoredBackup): Promise<void> {
    const { open, catalog } = this.options;
    const reading = new BackupReading();
    try {
      const document = await open(ref);
      for await (const chunk of reading.pass(document.read())) void chunk;
    } catch (error) {
      if (error instanceof S3Error && ['NoSuchKey', 'InternalError'].includes(error.code)) return;
      throw error;
    }
    this.stats.documentsRead += 1;
    const now = catalog.file(directory, name);
    if (record.kind !== 'object' || now?.kind !== 'object' || versionOf(now) !== versionOf(record)) return;
    await this.#learnt(ref, id, backup, now, reading);
  }

  async #learnt(
    { bucket, key }: ObjectRef,
    id: BlockSetId,
    backup: string,
    record: ObjectRecord,
    reading: BackupReading,
  ): Promise<void> {
    const { state, trouble } = reading.state();
    if (trouble !== undefined)
      this.options.log.warn(
        { bucket, key, trouble },
        'a backup cannot be understood: no block of its volume is deleted',
      );
    await this.#index.put(id, backup, { version: versionOf(record), state }, reading.names);
  }

  *#backups(bucket: string, set: BlockSet): Generator<StoredBackup> {
    const { catalog } = this.options;
    const directory = catalog.directory(bucket, segmentsOf(backupsDirectory(set)));
    if (!directory) return;
    const holders = set.kind === 'volume' ? [directory] : subdirectories(catalog, directory);
    for (const holder of holders) {
      for (const child of catalog.children(holder)) {
        if (child.kind !== 'file') continue;
        const { name, record } = child;
        const ref = refOf(holder, name);
        const key = parseKey(ref.key);
        if (key?.kind === 'backup-config') yield { ref, directory: holder, name, backup: key.backup, record };
      }
    }
  }
}

/** Learns from a document on its way in; what it learnt is kept in the transaction that makes the document visible. */
class DocumentWatch {
  #reading = new BackupReading();

  constructor(private readonly learnt: (record: ObjectRecord, reading: BackupReading) => Promise<void>) {}

  /** Call it for each attempt to send the document: the last one counts. */
  pass(document: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    this.#reading = new BackupReading();
    return this.#reading.pass(document);
  }

  committed(record: ObjectRecord): Promise<void> {
    return this.learnt(record, this.#reading);
  }
}

export function blockSetId(bucket: string, { directory }: BlockSet): BlockSetId {
  return `${bucket}/${directory}`;
}

function segmentsOf(prefix: string): string[] {
  return prefix.slice(0, -1).split('/');
}

function subdirectories(catalog: Catalog, directory: Directory): Directory[] {
  return [...catalog.children(directory)].flatMap((child) =>
    child.kind === 'directory' ? [child.directory] : [],
  );
}

/** Tells one version of a document from any other. */
function versionOf({ header, storedSize, lastModified }: ObjectRecord): string {
  return header ? headerSalt(header).toString('base64') : `${storedSize}-${lastModified}`;
}
