/**
 * Longhorn's file locks: the same type shares, different types exclude, and a lock lives 150 s after its Last-Modified.
 * Source: github.com/longhorn/backupstore, `lock.go`.
 */
import { randomBytes } from 'node:crypto';
import { type Backupstore, load } from './driver';
import { extractNames, layout } from './layout';

const LOCK_DURATION_MS = 150_000;
const LOCK_REFRESH_INTERVAL_MS = 60_000;
const LOCK_CHECK_WAIT_MS = 2_000;

export const LockType = { backupOrRestore: 1, deletion: 2 } as const;
export type LockType = (typeof LockType)[keyof typeof LockType];

/** What decides between two locks. */
interface LockState {
  readonly name: string;
  readonly type: LockType;
  readonly acquired: boolean;
  /** Last-Modified of the lock file, in milliseconds since the epoch. */
  readonly serverTime: number;
}

interface LockDocument {
  Name: string;
  Type: LockType;
  Acquired: boolean;
}

/** Negative if `a` goes first: acquired before not, then the earlier, then by name. */
function compareLocks(a: LockState, b: LockState): number {
  if (a.acquired !== b.acquired) return a.acquired ? -1 : 1;
  if (a.serverTime !== b.serverTime) return a.serverTime - b.serverTime;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

export class FileLock {
  private readonly name = `lock-${randomBytes(8).toString('hex')}`;
  private readonly path: string;
  private acquired = false;
  private serverTime = 0;
  private refreshing: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: Backupstore,
    private readonly volume: string,
    private readonly type: LockType,
  ) {
    this.path = layout.lock(volume, this.name);
  }

  /** Tries once. */
  async lock(): Promise<void> {
    await this.save();
    await this.store.sleep(LOCK_CHECK_WAIT_MS);
    if (!(await this.canAcquire())) {
      await this.store.driver.remove(this.path).catch(() => undefined);
      throw new Error(`failed to acquire lock ${this.path}, please try again later`);
    }
    this.acquired = true;
    await this.save();
    this.refreshing = setInterval(() => void this.refresh(), LOCK_REFRESH_INTERVAL_MS).unref();
  }

  /** Renews Last-Modified; a failure is left to the next time, which is why a lock outlives two of them. */
  async refresh(): Promise<void> {
    await this.save().catch(() => undefined);
  }

  async unlock(): Promise<void> {
    this.acquired = false;
    clearInterval(this.refreshing);
    await this.store.driver.remove(this.path);
  }

  private async save(): Promise<void> {
    const document: LockDocument = { Name: this.name, Type: this.type, Acquired: this.acquired };
    await this.store.driver.write(this.path, Buffer.from(JSON.stringify(document)));
    this.serverTime = await this.store.driver.time(this.path);
  }

  private async canAcquire(): Promise<boolean> {
    const mine: LockState = {
      name: this.name,
      type: this.type,
      acquired: this.acquired,
      serverTime: this.serverTime,
    };
    const others = await this.storedLocks();
    return !others.some(
      (other) => other.type !== mine.type && compareLocks(other, mine) < 0 && !this.isExpired(other),
    );
  }

  private isExpired(lock: LockState): boolean {
    return this.store.now() - lock.serverTime > LOCK_DURATION_MS;
  }

  /** A listing that fails counts as empty, and a lock that cannot be read does not count: as in Longhorn. */
  private async storedLocks(): Promise<LockState[]> {
    const { driver } = this.store;
    const entries = await driver.list(layout.locks(this.volume)).catch(() => []);
    const locks: LockState[] = [];
    for (const name of extractNames(entries, '', '.lck')) {
      const lock = await this.loadLock(name).catch(() => undefined);
      if (lock) locks.push(lock);
    }
    return locks;
  }

  private async loadLock(name: string): Promise<LockState> {
    const path = layout.lock(this.volume, name);
    const document = await load(
      this.store.driver,
      path,
      (bytes) => JSON.parse(bytes.toString()) as LockDocument,
    );
    const serverTime = await this.store.driver.time(path);
    return { name: document.Name, type: document.Type, acquired: document.Acquired, serverTime };
  }
}

/** Runs `work` under a lock of the volume, and unlocks whatever happens. */
export async function withLock<T>(
  store: Backupstore,
  volume: string,
  type: LockType,
  work: (lock: FileLock) => Promise<T>,
): Promise<T> {
  const lock = new FileLock(store, volume, type);
  await lock.lock();
  try {
    return await work(lock);
  } finally {
    await lock.unlock();
  }
}
