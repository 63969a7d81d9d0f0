/** Where a volume is restored to: a file that comes to be only when it is whole, or a block device. */

import { constants } from 'node:fs';
import { open, rename, stat, type FileHandle } from 'node:fs/promises';

/** In front of a file's name while it is not whole. */
const PARTIAL_SUFFIX = '.partial';
/** Bytes compared or written at a time where nothing is restored. */
const STRIDE = 4 * 2 ** 20;
/** Bytes written before the disk is told to take them: else all of them wait for the end, while the disk is idle. */
const SYNCED_BYTES = 64 * 2 ** 20;

/** The target cannot be used; the message says which and why. */
export class TargetError extends Error {
  override readonly name = 'TargetError';
}

/** Something is there already, and nobody said that it may be overwritten. */
export class TargetExistsError extends TargetError {}

export interface TargetOptions {
  readonly sizeBytes: number;
  /** Whether a file or device that is there may be overwritten. A partial one of an earlier try always may. */
  readonly overwrite: boolean;
}

export class RestoreTarget {
  #unsyncedBytes = 0;
  #syncing: Promise<void> = Promise.resolve();

  private constructor(
    /** What to open when it is whole. */
    readonly path: string,
    /** Where the bytes go meanwhile: the same for a device. */
    readonly workPath: string,
    private readonly handle: FileHandle,
    readonly sizeBytes: number,
    /** Whether all of it is zeros so far. */
    readonly isFresh: boolean,
    private readonly isDevice: boolean,
  ) {}

  /** Throws `TargetError`. */
  static async open(path: string, { sizeBytes, overwrite }: TargetOptions): Promise<RestoreTarget> {
    const found = await statOf(path);
    if (found && !found.isFile() && !found.isBlockDevice())
      throw new TargetError(`${path} is neither a file nor a block device.`);
    if (found && !overwrite)
      throw new TargetExistsError(`${path} exists. Say --overwrite to lose what it holds, or name another.`);
    if (found?.isBlockDevice()) return RestoreTarget.#openDevice(path, sizeBytes);
    const workPath = path + PARTIAL_SUFFIX;
    const partial = await statOf(workPath);
    if (partial && !partial.isFile()) throw new TargetError(`${workPath} is not a file.`);
    const handle = await openFile(workPath, constants.O_RDWR | constants.O_CREAT);
    try {
      await handle.truncate(sizeBytes);
    } catch (cause) {
      await handle.close();
      throw new TargetError(`${workPath} cannot be given ${sizeBytes} bytes: ${messageOf(cause)}`, { cause });
    }
    return new RestoreTarget(path, workPath, handle, sizeBytes, partial === undefined, false);
  }

  static async #openDevice(path: string, sizeBytes: number): Promise<RestoreTarget> {
    const handle = await openFile(path, constants.O_RDWR | constants.O_EXCL);
    const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, sizeBytes - 1);
    if (bytesRead === 1) return new RestoreTarget(path, path, handle, sizeBytes, false, true);
    await handle.close();
    throw new TargetError(`${path} is smaller than the ${sizeBytes} bytes of the volume.`);
  }

  /** Exactly `length` bytes at `offset`, which lie within the target. */
  async read(offset: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) throw new TargetError(`${this.workPath} became shorter while it was written.`);
      done += bytesRead;
    }
    return bytes;
  }

  /** Throws `TargetError`, for example when the disk is full. */
  async write(offset: number, bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.handle.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
      await this.#syncNowAndThen(bytes.length);
    } catch (cause) {
      throw new TargetError(`${this.workPath} cannot be written: ${messageOf(cause)}`, { cause });
    }
  }

  /** In the background; a failure is thrown by every one that follows, and by `commit`. */
  async #syncNowAndThen(writtenBytes: number): Promise<void> {
    this.#unsyncedBytes += writtenBytes;
    if (this.#unsyncedBytes < SYNCED_BYTES) return;
    this.#unsyncedBytes = 0;
    const earlier = this.#syncing;
    // Linux tells a failure once: each that follows fails with it.
    this.#syncing = earlier.then(() => this.handle.datasync());
    this.#syncing.catch(() => undefined);
    await earlier;
  }

  /** Makes [start, end) hold zeros, and writes only where it does not. */
  async clear(start: number, end: number): Promise<void> {
    if (this.isFresh) return;
    for (let at = start; at < end; at += STRIDE) {
      const length = Math.min(STRIDE, end - at);
      const zeros = Buffer.alloc(length);
      if (!(await this.read(at, length)).equals(zeros)) await this.write(at, zeros);
    }
  }

  /** All bytes are right: makes them last, and gives a file its name. */
  async commit(): Promise<void> {
    await this.#syncing;
    await this.handle.sync();
    await this.handle.close();
    if (!this.isDevice) await rename(this.workPath, this.path);
  }

  /** Not all bytes are right: leaves them where they are, for another try. */
  async abandon(): Promise<void> {
    await this.#syncing.catch(() => undefined);
    await this.handle.close();
  }
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TargetError(`${path} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags, 0o600);
  } catch (cause) {
    throw new TargetError(`${path} cannot be opened: ${messageOf(cause)}`, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
