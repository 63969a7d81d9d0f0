/** The body of DeleteObjects. */
import { S3Error } from '../errors';
import { childrenOf, readDocument, textOf } from './xml-read';

/** S3's limit on the keys of one request. */
const MAX_DELETES = 1_000;

export interface DeleteRequest {
  readonly objects: readonly DeleteEntry[];
  /** Whether only errors are reported. */
  readonly quiet: boolean;
}

export interface DeleteEntry {
  readonly key: string;
  readonly versionId?: string;
  /** Delete only if the object has this ETag, or `*`. */
  readonly etag?: string;
}

/** Throws `MalformedXML`, also for no key and for more than 1,000. */
export function readDeleteRequest(xml: string): DeleteRequest {
  const root = readDocument(xml, 'Delete');
  const objects = childrenOf(root, 'Object').map((object) => {
    const key = textOf(object, 'Key');
    const versionId = textOf(object, 'VersionId');
    const etag = textOf(object, 'ETag');
    if (key === undefined || key === '') throw new S3Error('MalformedXML');
    return { key, ...(versionId !== undefined && { versionId }), ...(etag !== undefined && { etag }) };
  });
  if (objects.length === 0 || objects.length > MAX_DELETES) throw new S3Error('MalformedXML');
  return { objects, quiet: textOf(root, 'Quiet')?.trim().toLowerCase() === 'true' };
}
