/**
 * What the backupstore asks of a store, and how it reads the answers: errors of `size` and `time` mean "absent".
 * Source: github.com/longhorn/backupstore, `driver.go` and `s3/s3.go`.
 */
export interface BackupstoreDriver {
  /** Names directly below `directory`, objects and directories alike. Throws when the listing fails. */
  list(directory: string): Promise<string[]>;
  /** Bytes, or -1 whatever the reason. */
  size(path: string): Promise<number>;
  /** Milliseconds since the epoch, or 0 whatever the reason. */
  time(path: string): Promise<number>;
  read(path: string): Promise<Buffer>;
  write(path: string, data: Buffer): Promise<void>;
  /** Removes everything whose key starts with `path`, as `rm -rf` would. */
  remove(path: string): Promise<void>;
}

/** A client at work: its store, its clock and its number of block threads. */
export interface Backupstore {
  readonly driver: BackupstoreDriver;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Longhorn's `backup-concurrent-limit` and `restore-concurrent-limit`; its default is 2. */
  readonly threads: number;
}

export async function exists(driver: BackupstoreDriver, path: string): Promise<boolean> {
  return (await driver.size(path)) >= 0;
}

/** HEAD, then GET: a document whose HEAD fails is reported as missing. */
export async function load<T>(
  driver: BackupstoreDriver,
  path: string,
  decode: (bytes: Buffer) => T,
): Promise<T> {
  if (!(await exists(driver, path))) throw new Error(`cannot find ${path} in backupstore`);
  return decode(await driver.read(path));
}

/** Every command of Longhorn starts with a listing of the target's root; failing it, the target is unavailable. */
export async function probe(driver: BackupstoreDriver): Promise<void> {
  await driver.list('');
}

/** RFC 3339 in UTC with whole seconds. */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Runs `work` over `items` on `threads` workers. The first error stops them all. */
export async function inThreads<T>(
  threads: number,
  items: Iterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); !next.done && !failed; next = queue.next()) {
      try {
        await work(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: threads }, worker));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}
