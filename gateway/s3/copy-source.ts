/** The `x-amz-copy-source` header. */
import type { ObjectRef } from '../store/object-store';
import { isBucketName } from './bucket-name';
import { invalidArgument, NULL_VERSION } from './query-parameters';
import { decodePercent } from './request-target';

/** `bucket/key`, URL-encoded, with or without a slash before it. Throws `InvalidArgument`, also for any version but `null`. */
export function parseCopySource(header: string): ObjectRef {
  const [, path = '', versionId] = /^\/?(.*?)(?:\?versionId=(.*))?$/s.exec(header) ?? [];
  const slash = path.indexOf('/');
  const bucket = decodePercent(path.slice(0, Math.max(slash, 0)));
  const key = decodePercent(path.slice(slash + 1));
  if (slash < 0 || key === '' || !isBucketName(bucket)) {
    throw invalidArgument(
      'x-amz-copy-source',
      header,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey.',
    );
  }
  if (versionId !== undefined && versionId !== NULL_VERSION) {
    throw invalidArgument('x-amz-copy-source', header, 'Invalid version id specified.');
  }
  return { bucket, key };
}
