/** What the catalog keeps of multipart uploads in progress. */

import type { Database } from 'lmdb';
import type { CatalogEnvironment } from './catalog-environment';
import type { StoredPart } from './object-record';
import type { PartInfo, UploadInfo } from './object-store';

export interface UploadRow extends UploadInfo {
  /** Set once completed: the ETag of the object, so that completing again finds it. */
  readonly completed?: string;
}

export interface PartRow extends PartInfo, StoredPart {}

export class MultipartRows {
  readonly #uploads: Database<UploadRow, string>;
  readonly #parts: Database<PartRow, [uploadId: string, partNumber: number]>;

  constructor(private readonly environment: CatalogEnvironment) {
    this.#uploads = environment.database('uploads');
    this.#parts = environment.database('parts');
  }

  uploads(): UploadRow[] {
    return [...this.#uploads.getRange({})].map(({ value }) => value);
  }

  upload(uploadId: string): UploadRow | undefined {
    return this.#uploads.get(uploadId);
  }

  async putUpload(row: UploadRow): Promise<void> {
    await this.environment.write(this.#uploads.put(row.uploadId, row));
  }

  async removeUpload(uploadId: string): Promise<void> {
    const parts = this.parts(uploadId).map(({ partNumber }) => this.#parts.remove([uploadId, partNumber]));
    await this.environment.write(...parts, this.#uploads.remove(uploadId));
  }

  /** In part order. */
  parts(uploadId: string): PartRow[] {
    return [...this.#parts.getRange({ start: [uploadId, 0], end: [uploadId, Infinity] })].map(
      ({ value }) => value,
    );
  }

  part(uploadId: string, partNumber: number): PartRow | undefined {
    return this.#parts.get([uploadId, partNumber]);
  }

  async putPart(uploadId: string, row: PartRow): Promise<void> {
    await this.environment.write(this.#parts.put([uploadId, row.partNumber], row));
  }
}
