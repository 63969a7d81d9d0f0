/** S3 errors: one table, so that code, status and message cannot drift apart. */

const S3_ERRORS = {
  AccessControlListNotSupported: [400, 'The bucket does not allow ACLs; every object is private.'],
  AccessDenied: [403, 'Access denied.'],
  AccessForbidden: [403, 'CORSResponse: CORS is not enabled for this bucket.'],
  AuthorizationHeaderMalformed: [400, 'The Authorization header is malformed.'],
  AuthorizationQueryParametersError: [400, 'The query string authentication parameters are malformed.'],
  BadDigest: [
    400,
    'The Content-MD5 or checksum value that you specified did not match what the server received.',
  ],
  BadRequest: [400, 'The request cannot be understood.'],
  BucketAlreadyExists: [409, 'The bucket name is not available; choose another one.'],
  BucketAlreadyOwnedByYou: [409, 'The bucket exists already, and you own it.'],
  BucketNotEmpty: [409, 'The bucket is not empty.'],
  EntityTooLarge: [400, 'The object is larger than the largest allowed size.'],
  EntityTooSmall: [400, 'A part other than the last one is smaller than 5 MiB.'],
  IncompleteBody: [400, 'The body is shorter than its declared length.'],
  InternalError: [500, 'The gateway failed; its log has the cause under this request id.'],
  InvalidAccessKeyId: [403, 'The access key id is not known.'],
  InvalidArgument: [400, 'An argument is invalid.'],
  InvalidBucketName: [400, 'The bucket name is not valid.'],
  InvalidDigest: [400, 'The Content-MD5 that you specified is not valid.'],
  InvalidObjectState: [403, 'The operation is not valid for the state of the object.'],
  InvalidPart: [400, 'One or more parts could not be found, or their ETag did not match.'],
  InvalidPartOrder: [400, 'The parts are not in ascending order.'],
  InvalidRange: [416, 'The requested range lies outside the object.'],
  InvalidRequest: [400, 'The request is invalid.'],
  InvalidStorageClass: [400, 'The storage class is not valid; there is only STANDARD.'],
  InvalidURI: [400, 'The URI cannot be parsed.'],
  KeyTooLongError: [400, 'The key is longer than 1,024 bytes.'],
  MalformedTrailerError: [400, 'The trailers are not well formed, or are not the ones that were announced.'],
  MalformedXML: [400, 'The XML is not well formed or does not have the expected shape.'],
  MaxMessageLengthExceeded: [400, 'The request body is too large.'],
  MetadataTooLarge: [400, 'The user metadata is larger than 2 KiB.'],
  MethodNotAllowed: [405, 'The method is not allowed on this resource.'],
  MissingContentLength: [411, 'The Content-Length header is missing.'],
  NoSuchBucket: [404, 'The bucket does not exist.'],
  NoSuchBucketPolicy: [404, 'The bucket has no policy.'],
  NoSuchCORSConfiguration: [404, 'The bucket has no CORS configuration.'],
  NoSuchKey: [404, 'The key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The bucket has no lifecycle configuration.'],
  NoSuchPublicAccessBlockConfiguration: [404, 'The bucket has no public access block configuration.'],
  NoSuchTagSet: [404, 'The bucket has no tags.'],
  NoSuchUpload: [404, 'The upload does not exist; it may have been completed or aborted.'],
  NoSuchVersion: [404, 'The version does not exist; buckets have no versioning.'],
  NoSuchWebsiteConfiguration: [404, 'The bucket has no website configuration.'],
  NotImplemented: [501, 'This operation is not implemented.'],
  ObjectLockConfigurationNotFoundError: [404, 'The bucket has no object lock configuration.'],
  OwnershipControlsNotFoundError: [404, 'The bucket has no ownership controls.'],
  PreconditionFailed: [412, 'A precondition does not hold.'],
  QuotaExceeded: [
    507,
    'The FTP server has no space left for this account; free space there or enlarge the quota.',
  ],
  ReplicationConfigurationNotFoundError: [404, 'The bucket has no replication configuration.'],
  RequestHeaderSectionTooLarge: [400, 'The request headers are larger than the largest allowed size.'],
  RequestTimeTooSkewed: [403, "The request's time differs from the gateway's by more than 15 minutes."],
  RequestTimeout: [400, 'The client sent nothing for too long; the request was given up.'],
  ServerSideEncryptionConfigurationNotFoundError: [404, 'The bucket has no encryption configuration.'],
  ServiceUnavailable: [503, 'The gateway cannot serve this request now; retry later.'],
  SignatureDoesNotMatch: [
    403,
    'The signature does not match; check the secret access key and the signing method.',
  ],
  SlowDown: [503, 'The FTP server is busy or out of reach; retry with backoff.'],
  XAmzContentSHA256Mismatch: [400, 'The x-amz-content-sha256 header does not match the body.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3ErrorCode = keyof typeof S3_ERRORS;

export interface S3ErrorOptions {
  /** Public text that replaces the table's; never a secret, never an FTP path or reply. */
  readonly message?: string;
  /** What really happened: for the log, never for the client. */
  readonly cause?: unknown;
  /** Extra response elements, such as the offending argument's name. */
  readonly details?: Readonly<Record<string, string>>;
}

/** An answer for the S3 client. Its message is public; `cause` goes to the log only. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;

  constructor(
    readonly code: S3ErrorCode,
    options: S3ErrorOptions = {},
  ) {
    const [status, fallback] = S3_ERRORS[code];
    super(options.message ?? fallback, { cause: options.cause });
    this.status = status;
    this.details = options.details ?? {};
  }
}

/** Anything that is not an S3Error is a failure of our own: its cause goes to the log only. */
export function toS3Error(error: unknown): S3Error {
  return error instanceof S3Error ? error : new S3Error('InternalError', { cause: error });
}
