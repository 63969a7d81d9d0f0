/** Two locations in memory, and the gateway's store over them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { blockKey, checksumOf, volumeSet } from '../../gateway/backupstore/layout';
import type { MirrorReport } from '../../gateway/admin/mirror';
import { DEFAULT_ATTRIBUTES } from '../../gateway/store/object-record';
import { bodyOf, readAll } from './bodies';
import { MemoryTree } from './memory-tree';
import { StoreRig, type RigOptions } from './store-rig';

const SET = volumeSet('', 'pvc-1');
const PATIENCE_MS = 20_000;

/** The key of a block of this content. */
export const blockOf = (content: string): string => blockKey(SET, checksumOf(content));
/** The key of a document of a backup. */
export const documentOf = (name: string): string => `${SET.directory}backups/backup_${name}.cfg`;

export class Locations {
  readonly first = new MemoryTree();
  readonly second = new MemoryTree();
  readonly rig: StoreRig;

  constructor(options: Partial<RigOptions> = {}) {
    this.rig = new StoreRig({ tree: this.first, mirror: this.second, deleteGuard: 'off', ...options });
  }

  get report(): MirrorReport {
    const { mirror } = this.rig.store.stats;
    if (!mirror) throw new Error('there is no mirror');
    return mirror;
  }

  /** Lets the mirror work. */
  start(): void {
    this.rig.store.mirror?.start();
  }

  /** As after kill -9. */
  async restart(losesDisk = false, changes: Partial<RigOptions> = {}): Promise<void> {
    await this.rig.restart(losesDisk, changes);
    this.start();
  }

  async put(key: string, content = key): Promise<void> {
    await this.rig.store.put({ bucket: 'bucket', key }, bodyOf(content), DEFAULT_ATTRIBUTES);
  }

  async get(key: string): Promise<string> {
    const object = await this.rig.store.open({ bucket: 'bucket', key });
    return (await readAll(object.read())).toString();
  }

  async delete(key: string): Promise<void> {
    await this.rig.store.delete({ bucket: 'bucket', key });
  }

  async until(isSo: (report: MirrorReport) => boolean): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!isSo(this.report)) {
      if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(this.report)}`);
      await sleep(5);
    }
  }

  /** Resolves when both were compared at this time or later. */
  compared(at: number): Promise<void> {
    return this.until(({ comparison }) => (comparison.endedAt ?? 0) >= at);
  }

  /** Resolves when nothing is left to carry over, and both were compared. */
  caughtUp(): Promise<void> {
    return this.until(({ state }) => state === 'current');
  }

  /** Paths and bytes of the files that make objects. */
  objects(tree: MemoryTree): Record<string, string> {
    const own = /^\/root\/_longhaul\/(?!uploads\/|key-)/;
    const files = [...tree.files].filter(([path]) => !own.test(path));
    return Object.fromEntries(
      files
        .map(([path, bytes]) => [path, bytes.toString('base64')] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  close(): Promise<void> {
    return this.rig.close();
  }
}
