/** Writes the files of what clients store: where the account is full, the trash gives way to them. */

import type { Logger } from 'pino';
import { RemoteFull, RemoteUnavailable } from '../ftp/remote-tree';
import type { NewFile, ObjectFiles, StoredFile } from './object-files';

export interface ClientFilesOptions {
  readonly files: Pick<ObjectFiles, 'write'>;
  /** Deletes what may leave the trash early until so many bytes are free. Returns how many are. */
  readonly makeRoom: (bytes: number) => Promise<number>;
  readonly log: Logger;
}

/** More than the file needs is made free, for those that come after it. */
const SPARE_BYTES = 16 * 2 ** 20;

export class ClientFiles {
  /** Bytes made free so far, for whichever file. */
  #freedBytes = 0;

  constructor(private readonly options: ClientFilesOptions) {}

  /** As `ObjectFiles.write`. Throws `RemoteFull` once nothing may leave the trash any more. */
  async write(file: NewFile): Promise<StoredFile> {
    const { files, makeRoom, log } = this.options;
    for (;;) {
      const freedBefore = this.#freedBytes;
      try {
        return await files.write(file);
      } catch (error) {
        if (!(error instanceof RemoteFull)) throw error;
        const freedBytes = await makeRoom(file.size + SPARE_BYTES);
        this.#freedBytes += freedBytes;
        if (this.#freedBytes === freedBefore) throw error;
        if (freedBytes > 0)
          log.warn({ freedBytes }, 'the account is full: the oldest of the trash left it early');
        if (!file.replayable)
          throw new RemoteUnavailable('there was no room, and there is now: to be sent again', {
            cause: error,
          });
      }
    }
  }
}
