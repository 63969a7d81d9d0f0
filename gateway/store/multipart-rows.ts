/** What the catalog keeps of multipart uploads in progress. */

import type { StoredPart } from './object-record';
import type { PartInfo, UploadInfo } from './object-store';

export interface UploadRow extends UploadInfo {
  /** Set once completed: the ETag of the object, so that completing again finds it. */
  readonly completed?: string;
}

export interface PartRow extends PartInfo, StoredPart {}
