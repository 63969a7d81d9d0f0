import { effectOf } from '../../../gateway/s3/access-key';
import { IMPLEMENTED, type OperationType } from '../../../gateway/s3/operation-table';

const typesWith = (effect: string): string[] =>
  (Object.keys(IMPLEMENTED) as OperationType[]).filter((type) => effectOf(type) === effect).sort();

describe('what an operation does to what is stored', () => {
  it('deletes only where an object or a bucket goes', () => {
    expect(typesWith('delete')).toEqual(['DeleteBucket', 'DeleteObject', 'DeleteObjects']);
  });

  it('writes where something is stored, and where an upload in progress is given up', () => {
    expect(typesWith('write')).toEqual([
      'AbortMultipartUpload',
      'CompleteMultipartUpload',
      'CopyObject',
      'CreateBucket',
      'CreateMultipartUpload',
      'PutBucketAcl',
      'PutObject',
      'PutObjectAcl',
      'UploadPart',
      'UploadPartCopy',
    ]);
  });

  it('is nothing else in any operation', () => {
    const rest = typesWith('read');
    expect(rest.every((type) => /^(Get|Head|List)/.test(type))).toBe(true);
    expect(rest.length).toBe(Object.keys(IMPLEMENTED).length - 13);
  });
});
