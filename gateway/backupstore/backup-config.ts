/**
 * Reads the documents that name a backup's blocks: `backup_<name>.cfg` and `backing-image.cfg`. They hold the whole block map, about 109
 * bytes a block, so they are read as they pass. Pure.
 *
 * Source: github.com/longhorn/backupstore, `backupstore.go`, `deltablock.go`, `backupbackingimage/`. Go writes 64-bit numbers as strings there.
 */

import { JSONParser } from '@streamparser/json';

/** What a document may hold between two blocks, in bytes: its longest label, and far more. */
const MAX_GAP_BYTES = 1024 * 1024;
/** What backups of Longhorn before 1.4 were made with, which do not say it: `LEGACY_COMPRESSION_METHOD`. */
const LEGACY_COMPRESSION_METHOD = 'gzip';
/** `DEFAULT_BLOCK_SIZE`. */
const DEFAULT_BLOCK_SIZE = 2 * 1024 * 1024;
const BLOCK_SIZE_PARAMETER = 'backup-block-size';
const CHECKSUM = /^[0-9a-f]{64}$/;

/** A block in its place. Equal blocks stand in several. */
export interface BlockMapping {
  /** Bytes from the start of the volume or image. */
  readonly offset: number;
  /** The block's name. */
  readonly checksum: string;
}

/** What a document says beside its blocks. */
export interface BackupConfig {
  readonly name: string;
  /** Empty for a backing image. */
  readonly volumeName: string;
  /** RFC 3339; empty while the backup is in progress: such a stub names no blocks yet, although they are being written. */
  readonly completedAt: string;
  /** RFC 3339; empty for a backing image. */
  readonly snapshotCreatedAt: string;
  /** Bytes: of a backup, its blocks times their size; of a backing image, its own. */
  readonly sizeBytes: number;
  /** `lz4`, `gzip` or `none`; what else a newer Longhorn writes. */
  readonly compressionMethod: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly parameters: Readonly<Record<string, string>>;
}

/** A document that is not one of Longhorn's. The message says what is wrong, and holds none of it but names of fields. */
export class BackupConfigError extends Error {
  override readonly name = 'BackupConfigError';
}

export function isInProgress({ completedAt }: BackupConfig): boolean {
  return completedAt === '';
}

/** Bytes of a block, the last one included. Throws `BackupConfigError` for one that is no whole number. */
export function blockSizeOf({ parameters }: BackupConfig): number {
  const text = parameters[BLOCK_SIZE_PARAMETER] ?? '';
  if (!/^\d{0,12}$/.test(text)) throw new BackupConfigError(`${BLOCK_SIZE_PARAMETER} is not a number`);
  return Number(text) || DEFAULT_BLOCK_SIZE;
}

/** Takes the bytes of one document in order. Holds no more of it than its fields beside the blocks. */
export class BackupConfigParser {
  readonly #json = new JSONParser({ paths: ['$.Blocks.*', '$.*'], keepStack: false });
  readonly #fields = new Map<string, unknown>();
  #gapBytes = 0;
  #blocks = 0;

  /** @param onBlock called for each block, in the document's order: that of offsets, when Longhorn wrote it. May throw `BackupConfigError`, nothing else */
  constructor(onBlock: (block: BlockMapping) => void) {
    this.#json.onValue = ({ value, key, stack }) => {
      this.#gapBytes = 0;
      if (stack.length === 1) this.#fields.set(String(key), value);
      else onBlock(readBlock(value, this.#blocks++));
    };
  }

  /** Throws `BackupConfigError`; the parser is of no use after that. */
  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += MAX_GAP_BYTES) {
      const piece = chunk.subarray(at, at + MAX_GAP_BYTES);
      this.#gapBytes += piece.length;
      if (this.#gapBytes > 2 * MAX_GAP_BYTES)
        throw new BackupConfigError(`a value is longer than ${MAX_GAP_BYTES} bytes`);
      this.#write(piece);
    }
  }

  /** The document has ended. Throws `BackupConfigError` if it is not whole, or lacks what a backup has. */
  end(): BackupConfig {
    if (!this.#json.isEnded) throw new BackupConfigError('the JSON document is cut short');
    return this.head();
  }

  /** What stands before the blocks, where Longhorn puts all that this reads. Throws `BackupConfigError`. */
  head(): BackupConfig {
    const name = this.#text('Name');
    if (name === '') throw new BackupConfigError('there is no Name');
    return {
      name,
      volumeName: this.#text('VolumeName'),
      completedAt: this.#text(this.#fields.has('CompleteTime') ? 'CompleteTime' : 'CreatedTime'),
      snapshotCreatedAt: this.#text('SnapshotCreatedAt'),
      sizeBytes: this.#number('Size'),
      compressionMethod: this.#text('CompressionMethod') || LEGACY_COMPRESSION_METHOD,
      labels: this.#texts('Labels'),
      parameters: this.#texts('Parameters'),
    };
  }

  #write(chunk: Buffer): void {
    try {
      this.#json.write(chunk);
    } catch (error) {
      if (error instanceof BackupConfigError) throw error;
      throw new BackupConfigError('the document is not JSON', { cause: error });
    }
  }

  #text(field: string): string {
    const value = this.#fields.get(field) ?? '';
    if (typeof value !== 'string') throw new BackupConfigError(`${field} is not a string`);
    return value;
  }

  /** Go wrote it as a string. */
  #number(field: string): number {
    const value = Number(/^\d{0,16}$/.exec(this.#text(field))?.[0]);
    if (!Number.isSafeInteger(value)) throw new BackupConfigError(`${field} is not a whole number`);
    return value;
  }

  #texts(field: string): Record<string, string> {
    const value = this.#fields.get(field) ?? {};
    if (typeof value !== 'object') throw new BackupConfigError(`${field} is not a map`);
    const entries = Object.entries(value);
    if (entries.some(([, text]) => typeof text !== 'string'))
      throw new BackupConfigError(`${field} holds something else than strings`);
    return Object.fromEntries(entries as [string, string][]);
  }
}

function readBlock(value: unknown, index: number): BlockMapping {
  const { Offset: offset, BlockChecksum: checksum } = (value ?? {}) as Record<string, unknown>;
  if (typeof offset !== 'number' || !Number.isSafeInteger(offset) || offset < 0)
    throw new BackupConfigError(`block ${index} has no valid Offset`);
  if (typeof checksum !== 'string' || !CHECKSUM.test(checksum))
    throw new BackupConfigError(`block ${index} has no valid BlockChecksum`);
  return { offset, checksum };
}
