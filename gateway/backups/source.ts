/** Where backups are read from: the FTP server itself, or a gateway by S3. Read-only. The doc comments are the contract. */

/** One name directly below a key prefix. */
export interface SourceEntry {
  readonly name: string;
  readonly kind: 'object' | 'directory';
  /** Bytes as they are kept, where the listing told them. */
  readonly storedSize?: number;
}

export interface FoundObject {
  /** Bytes as they are kept: on the FTP server that is the sealed file, of a multipart object its manifest. */
  readonly storedSize: number;
  /**
   * Yields the object's bytes in order, decrypted, and ends only when all of it proved to be what was stored.
   * Throws `DamagedObjectError` and `SourceUnavailableError`.
   */
  read(): AsyncIterable<Buffer>;
}

/** Reads the bucket that a backup target uses. Never says that something is missing because of a trouble: that throws `SourceUnavailableError`. */
export interface BackupSource {
  /** For people: where the backups lie. */
  readonly description: string;
  /** What stands directly below a prefix, which is empty or ends in `/`; nothing only if there surely is nothing. */
  list(prefix: string): Promise<readonly SourceEntry[]>;
  /** Undefined if there surely is no such object. */
  find(key: string): Promise<FoundObject | undefined>;
  close(): Promise<void>;
}

/** The source could not be asked, or its answer cannot be believed; nothing is known. */
export class SourceUnavailableError extends Error {
  override readonly name = 'SourceUnavailableError';
}

/** The object is there, and its bytes are not what was stored. */
export class DamagedObjectError extends Error {
  override readonly name = 'DamagedObjectError';
}

/** Reads a whole small object. Throws `DamagedObjectError` for one of more than `maxBytes`, and what the source throws. */
export async function readWhole(object: FoundObject, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of object.read()) {
    size += chunk.length;
    if (size > maxBytes) throw new DamagedObjectError(`has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
