/** One page of multipart uploads in progress. */
import type { UploadInfo } from '../store/object-store';
import { compareKeys } from './key-order';
import { commonPrefixOf } from './list';

export interface UploadQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Uploads of this key only if their id sorts after `uploadIdMarker`; of keys before it, none. */
  readonly keyMarker: string;
  /** Empty for none: then no upload of `keyMarker` itself. */
  readonly uploadIdMarker: string;
  /** Uploads and common prefixes together. */
  readonly maxUploads: number;
}

export interface UploadPage {
  readonly uploads: readonly UploadInfo[];
  readonly commonPrefixes: readonly string[];
  readonly next?: { readonly keyMarker: string; readonly uploadIdMarker: string };
}

/** `uploads` by key and then upload id. */
export function uploadPage(uploads: readonly UploadInfo[], query: UploadQuery): UploadPage {
  const page = { uploads: [] as UploadInfo[], commonPrefixes: [] as string[] };
  let last = { keyMarker: '', uploadIdMarker: '' };
  for (const upload of uploads.filter((each) => isAfterMarker(each, query))) {
    const commonPrefix = commonPrefixOf(upload.key, query);
    if (commonPrefix !== undefined && commonPrefix === page.commonPrefixes.at(-1)) continue;
    if (page.uploads.length + page.commonPrefixes.length === query.maxUploads) {
      return query.maxUploads === 0 ? page : { ...page, next: last };
    }
    if (commonPrefix === undefined) page.uploads.push(upload);
    else page.commonPrefixes.push(commonPrefix);
    last =
      commonPrefix === undefined
        ? { keyMarker: upload.key, uploadIdMarker: upload.uploadId }
        : { keyMarker: commonPrefix, uploadIdMarker: '' };
  }
  return page;
}

function isAfterMarker({ key, uploadId }: UploadInfo, query: UploadQuery): boolean {
  if (!key.startsWith(query.prefix)) return false;
  const order = compareKeys(commonPrefixOf(key, query) ?? key, query.keyMarker);
  if (order !== 0) return order > 0;
  return query.uploadIdMarker !== '' && compareKeys(uploadId, query.uploadIdMarker) > 0;
}
