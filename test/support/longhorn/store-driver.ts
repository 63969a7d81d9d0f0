/** A backupstore right on an object store, without HTTP: where faults below the store are what matters. Errors read as they do over S3. */
import { readAll, bodyOf } from '../bodies';
import type { ObjectStore } from '../../../gateway/store/object-store';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import type { BackupstoreDriver } from './driver';

export class StoreDriver implements BackupstoreDriver {
  constructor(
    private readonly store: () => ObjectStore,
    private readonly bucket: string,
  ) {}

  async list(directory: string): Promise<string[]> {
    const prefix = directory === '' || directory.endsWith('/') ? directory : `${directory}/`;
    const { keys, prefixes } = await this.listAll(prefix, '/');
    return [...keys, ...prefixes]
      .map((entry) => entry.slice(prefix.length).replace(/\/$/, ''))
      .filter((entry) => entry !== '');
  }

  async size(path: string): Promise<number> {
    const info = await this.store()
      .stat(this.ref(path))
      .catch(() => undefined);
    return info?.size ?? -1;
  }

  async time(path: string): Promise<number> {
    const info = await this.store()
      .stat(this.ref(path))
      .catch(() => undefined);
    return info?.lastModified ?? 0;
  }

  async read(path: string): Promise<Buffer> {
    return readAll((await this.store().open(this.ref(path))).read());
  }

  async write(path: string, data: Buffer): Promise<void> {
    await this.store().put(this.ref(path), bodyOf(data), DEFAULT_ATTRIBUTES);
  }

  async remove(path: string): Promise<void> {
    const { keys } = await this.listAll(path, '');
    const failed: string[] = [];
    for (const key of keys)
      await this.store()
        .delete(this.ref(key))
        .catch(() => failed.push(key));
    if (failed.length > 0) throw new Error(`failed to delete objects ${failed.join(' ')}`);
  }

  private ref(key: string): { bucket: string; key: string } {
    return { bucket: this.bucket, key };
  }

  private async listAll(prefix: string, delimiter: string): Promise<{ keys: string[]; prefixes: string[] }> {
    const keys: string[] = [];
    const prefixes: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const page = await this.store().list(this.bucket, { prefix, delimiter, after, maxKeys: 1000 });
      keys.push(...page.objects.map(({ key }) => key));
      prefixes.push(...page.commonPrefixes);
      after = page.next;
    }
    return { keys, prefixes };
  }
}
