/** A backupstore in memory, to test the client itself. */
import type { BackupstoreDriver } from './driver';

export class MemoryDriver implements BackupstoreDriver {
  readonly objects = new Map<string, { data: Buffer; time: number }>();
  /** Calls so far, by method. */
  readonly calls = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  list(directory: string): Promise<string[]> {
    this.count('list');
    const prefix = directory === '' || directory.endsWith('/') ? directory : `${directory}/`;
    const entries = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length).split('/')[0] ?? '');
    return Promise.resolve([...new Set(entries)].sort());
  }

  size(path: string): Promise<number> {
    this.count('head');
    return Promise.resolve(this.objects.get(path)?.data.length ?? -1);
  }

  time(path: string): Promise<number> {
    this.count('head');
    return Promise.resolve(this.objects.get(path)?.time ?? 0);
  }

  read(path: string): Promise<Buffer> {
    this.count('get');
    const object = this.objects.get(path);
    return object ? Promise.resolve(object.data) : Promise.reject(new Error(`NoSuchKey ${path}`));
  }

  write(path: string, data: Buffer): Promise<void> {
    this.count('put');
    this.objects.set(path, { data, time: Math.floor(this.now() / 1000) * 1000 });
    return Promise.resolve();
  }

  remove(path: string): Promise<void> {
    this.count('list');
    for (const key of [...this.objects.keys()].filter((found) => found.startsWith(path))) {
      this.count('delete');
      this.objects.delete(key);
    }
    return Promise.resolve();
  }

  private count(call: string): void {
    this.calls.set(call, (this.calls.get(call) ?? 0) + 1);
  }
}
