/** Learns which blocks a backup's document names, from its bytes as they pass. A document that cannot be understood is not an error here: it names who knows what. */

import { BackupConfigError, BackupConfigParser, isInProgress } from '../backupstore/backup-config';
import { BlockNames, type BackupEntry } from './block-index';

export class BackupReading {
  readonly names = new BlockNames();
  readonly #parser = new BackupConfigParser(({ checksum }) => {
    if (!this.names.add(checksum))
      throw new BackupConfigError('it names more blocks than can be kept in memory');
  });
  #trouble: string | undefined;

  /** Passes the bytes on, and learns from them. What `source` throws reaches the caller. */
  async *pass(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      this.#attempt(() => this.#parser.write(chunk));
      yield chunk;
    }
  }

  /** Once all bytes have passed. */
  state(): { readonly state: BackupEntry['state']; readonly trouble?: string } {
    const config = this.#attempt(() => this.#parser.end());
    if (!config)
      return { state: 'unreadable', ...(this.#trouble !== undefined && { trouble: this.#trouble }) };
    return { state: isInProgress(config) ? 'in-progress' : 'complete' };
  }

  #attempt<T>(step: () => T): T | undefined {
    if (this.#trouble !== undefined) return undefined;
    try {
      return step();
    } catch (error) {
      if (!(error instanceof BackupConfigError)) throw error;
      this.#trouble = error.message;
      return undefined;
    }
  }
}
