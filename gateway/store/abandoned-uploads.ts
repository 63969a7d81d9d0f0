/** Multipart uploads in progress: what they take, and the end of those that nobody goes on with. */

import type { Logger } from 'pino';
import { S3Error } from '../errors';
import type { Catalog } from './catalog';
import type { PartRow } from './multipart-rows';
import type { UploadRef } from './object-store';

export interface UploadStats {
  /** Uploads in progress. */
  readonly uploads: number;
  /** Parts of uploads in progress. */
  readonly parts: number;
  /** What those take on the FTP server. */
  readonly partBytes: number;
  /** Uploads removed because nobody went on with them, since the start. */
  readonly expired: number;
}

export interface AbandonedUploadsOptions {
  readonly catalog: Catalog;
  readonly abort: (upload: UploadRef) => Promise<void>;
  readonly log: Logger;
}

export class AbandonedUploads {
  #expired = 0;

  constructor(private readonly options: AbandonedUploadsOptions) {}

  /** Removes the uploads that nobody went on with since `before`, in milliseconds since the epoch, and forgets those that were completed before. */
  async expire(before: number): Promise<void> {
    const { catalog, log, abort } = this.options;
    for (const upload of catalog.multipart.uploads()) {
      const parts = catalog.multipart.parts(upload.uploadId);
      const touchedAt = Math.max(upload.initiatedAt, ...parts.map(({ lastModified }) => lastModified));
      if (touchedAt >= before) continue;
      if (upload.completed !== undefined) {
        await catalog.multipart.removeUpload(upload.uploadId);
        continue;
      }
      try {
        await abort(upload);
      } catch (error) {
        if (error instanceof S3Error && error.code === 'NoSuchUpload') continue;
        throw error;
      }
      this.#expired += 1;
      const { bucket, key } = upload;
      const size = { parts: parts.length, bytes: storedBytes(parts) };
      log.info({ bucket, key, ...size }, 'an abandoned multipart upload has been removed');
    }
  }

  get stats(): UploadStats {
    const { catalog } = this.options;
    const inProgress = catalog.multipart.uploads().filter(({ completed }) => completed === undefined);
    const parts = inProgress.flatMap(({ uploadId }) => catalog.multipart.parts(uploadId));
    return {
      uploads: inProgress.length,
      parts: parts.length,
      partBytes: storedBytes(parts),
      expired: this.#expired,
    };
  }
}

function storedBytes(parts: readonly PartRow[]): number {
  return parts.reduce((sum, { storedSize }) => sum + storedSize, 0);
}
