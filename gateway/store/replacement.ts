/** The version of an object that a new one is about to replace. */

import type { RemoteTree } from '../ftp/remote-tree';
import type { ReplacedFile } from './object-files';
import type { FileRecord } from './object-record';
import type { ObjectRef } from './object-store';
import type { Trash } from './trash';
import type { TrashEntry } from './trash-rows';

export class Replacement implements ReplacedFile {
  /** Where it went, once that happened. */
  entry: TrashEntry | undefined;

  constructor(
    private readonly tree: RemoteTree,
    private readonly trash: Trash,
    private readonly ref: ObjectRef,
    private readonly record: FileRecord,
  ) {}

  /** What is replaced by the same content is not worth keeping: a full backup sends every block again as it is. */
  keeps(size: number, etag: string): boolean {
    const { record } = this;
    return !(record.kind === 'object' && record.size === size && record.etag === etag);
  }

  async keep(aside: string): Promise<void> {
    const entry = await this.trash.reserve(this.ref, this.record);
    await this.tree.rename(aside, this.trash.pathOf(entry));
    this.entry = entry;
  }
}
