/** Every S3 operation by level, method and selecting query parameters: what a request means is looked up here and nowhere else. */

export type Level = 'service' | 'bucket' | 'object';
export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

interface Row {
  readonly level: Level;
  readonly method: Method;
  /** Query parameters that must all be there, `name` or `name=value`. More of them win over fewer. */
  readonly selectors: readonly string[];
  /** A request header that must be there too. */
  readonly header?: string;
  /** Other query parameters that the operation understands. One that is neither here nor ignored answers 501. */
  readonly parameters?: readonly string[];
}

/** Parameters that ListObjects, ListObjectsV2 and ListObjectVersions share. */
const LISTING = ['prefix', 'delimiter', 'encoding-type', 'max-keys'];
const OVERRIDES = [
  'response-content-type',
  'response-content-language',
  'response-expires',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
];
const LIST_BUCKETS = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'];
const LIST_UPLOADS = [
  'prefix',
  'delimiter',
  'encoding-type',
  'max-uploads',
  'key-marker',
  'upload-id-marker',
];

export const IMPLEMENTED = {
  ListBuckets: { level: 'service', method: 'GET', selectors: [], parameters: LIST_BUCKETS },

  CreateBucket: { level: 'bucket', method: 'PUT', selectors: [] },
  HeadBucket: { level: 'bucket', method: 'HEAD', selectors: [] },
  DeleteBucket: { level: 'bucket', method: 'DELETE', selectors: [] },
  GetBucketLocation: { level: 'bucket', method: 'GET', selectors: ['location'] },
  GetBucketVersioning: { level: 'bucket', method: 'GET', selectors: ['versioning'] },
  PutBucketAcl: { level: 'bucket', method: 'PUT', selectors: ['acl'] },
  GetBucketAcl: { level: 'bucket', method: 'GET', selectors: ['acl'] },
  GetBucketOwnershipControls: { level: 'bucket', method: 'GET', selectors: ['ownershipControls'] },
  GetBucketRequestPayment: { level: 'bucket', method: 'GET', selectors: ['requestPayment'] },
  GetBucketCors: { level: 'bucket', method: 'GET', selectors: ['cors'] },
  GetBucketEncryption: { level: 'bucket', method: 'GET', selectors: ['encryption'] },
  GetBucketLifecycleConfiguration: { level: 'bucket', method: 'GET', selectors: ['lifecycle'] },
  GetBucketPolicy: { level: 'bucket', method: 'GET', selectors: ['policy'] },
  GetBucketPolicyStatus: { level: 'bucket', method: 'GET', selectors: ['policyStatus'] },
  GetBucketReplication: { level: 'bucket', method: 'GET', selectors: ['replication'] },
  GetBucketTagging: { level: 'bucket', method: 'GET', selectors: ['tagging'] },
  GetBucketWebsite: { level: 'bucket', method: 'GET', selectors: ['website'] },
  GetObjectLockConfiguration: { level: 'bucket', method: 'GET', selectors: ['object-lock'] },
  GetPublicAccessBlock: { level: 'bucket', method: 'GET', selectors: ['publicAccessBlock'] },

  ListObjects: { level: 'bucket', method: 'GET', selectors: [], parameters: [...LISTING, 'marker'] },
  ListObjectsV2: {
    level: 'bucket',
    method: 'GET',
    selectors: ['list-type=2'],
    parameters: [...LISTING, 'continuation-token', 'fetch-owner', 'start-after'],
  },
  ListObjectVersions: {
    level: 'bucket',
    method: 'GET',
    selectors: ['versions'],
    parameters: [...LISTING, 'key-marker', 'version-id-marker'],
  },
  ListMultipartUploads: { level: 'bucket', method: 'GET', selectors: ['uploads'], parameters: LIST_UPLOADS },
  DeleteObjects: { level: 'bucket', method: 'POST', selectors: ['delete'] },

  PutObject: { level: 'object', method: 'PUT', selectors: [] },
  CopyObject: { level: 'object', method: 'PUT', selectors: [], header: 'x-amz-copy-source' },
  GetObject: {
    level: 'object',
    method: 'GET',
    selectors: [],
    parameters: ['versionId', 'partNumber', ...OVERRIDES],
  },
  HeadObject: {
    level: 'object',
    method: 'HEAD',
    selectors: [],
    parameters: ['versionId', 'partNumber', ...OVERRIDES],
  },
  DeleteObject: { level: 'object', method: 'DELETE', selectors: [], parameters: ['versionId'] },
  GetObjectAttributes: {
    level: 'object',
    method: 'GET',
    selectors: ['attributes'],
    parameters: ['versionId'],
  },
  PutObjectAcl: { level: 'object', method: 'PUT', selectors: ['acl'], parameters: ['versionId'] },
  GetObjectAcl: { level: 'object', method: 'GET', selectors: ['acl'], parameters: ['versionId'] },
  GetObjectTagging: { level: 'object', method: 'GET', selectors: ['tagging'], parameters: ['versionId'] },

  CreateMultipartUpload: { level: 'object', method: 'POST', selectors: ['uploads'] },
  UploadPart: { level: 'object', method: 'PUT', selectors: ['partNumber', 'uploadId'] },
  UploadPartCopy: {
    level: 'object',
    method: 'PUT',
    selectors: ['partNumber', 'uploadId'],
    header: 'x-amz-copy-source',
  },
  CompleteMultipartUpload: { level: 'object', method: 'POST', selectors: ['uploadId'] },
  AbortMultipartUpload: { level: 'object', method: 'DELETE', selectors: ['uploadId'] },
  ListParts: {
    level: 'object',
    method: 'GET',
    selectors: ['uploadId'],
    parameters: ['max-parts', 'part-number-marker', 'encoding-type'],
  },
} as const satisfies Record<string, Row>;

export type OperationType = keyof typeof IMPLEMENTED;

export const ROWS: readonly (Row & { readonly type: OperationType })[] = Object.entries(IMPLEMENTED).map(
  ([type, row]) => ({ ...row, type: type as OperationType }),
);
