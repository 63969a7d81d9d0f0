/** Configuration that buckets and objects do not have: clients ask for it, and get S3's answer for "none". */
import { S3Error, type S3ErrorCode } from '../errors';
import { checkVersionId } from '../s3/query-parameters';
import { checkPrivateAcl, OWNER } from '../s3/unsupported-headers';
import type { Elements } from '../s3/xml-write';
import type { ObjectStore } from '../store/object-store';
import { emptyResponse, existingBucket, existingObject, xmlResponse, type Handlers } from './handler';

const ABSENT = {
  GetBucketCors: 'NoSuchCORSConfiguration',
  GetBucketEncryption: 'ServerSideEncryptionConfigurationNotFoundError',
  GetBucketLifecycleConfiguration: 'NoSuchLifecycleConfiguration',
  GetBucketOwnershipControls: 'OwnershipControlsNotFoundError',
  GetBucketPolicy: 'NoSuchBucketPolicy',
  GetBucketPolicyStatus: 'NoSuchBucketPolicy',
  GetBucketReplication: 'ReplicationConfigurationNotFoundError',
  GetBucketTagging: 'NoSuchTagSet',
  GetBucketWebsite: 'NoSuchWebsiteConfiguration',
  GetObjectLockConfiguration: 'ObjectLockConfigurationNotFoundError',
  GetPublicAccessBlock: 'NoSuchPublicAccessBlockConfiguration',
} as const satisfies Partial<Record<keyof Handlers, S3ErrorCode>>;

/** What every object and bucket has: its owner may do everything, nobody else anything. */
const PRIVATE_ACL: Elements = {
  Owner: OWNER,
  AccessControlList: {
    Grant: {
      Grantee: {
        '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
        '@xsi:type': 'CanonicalUser',
        ...OWNER,
      },
      Permission: 'FULL_CONTROL',
    },
  },
};

type ConfigurationHandlers = Pick<
  Handlers,
  | keyof typeof ABSENT
  | 'GetBucketVersioning'
  | 'GetBucketRequestPayment'
  | 'GetBucketAcl'
  | 'PutBucketAcl'
  | 'GetObjectAcl'
  | 'PutObjectAcl'
  | 'GetObjectTagging'
>;

export function configurationRoutes(store: ObjectStore): ConfigurationHandlers {
  const absent = Object.fromEntries(
    Object.entries(ABSENT).map(([type, code]) => [type, absentConfiguration(store, code)]),
  ) as Pick<Handlers, keyof typeof ABSENT>;
  return {
    ...absent,

    /** Empty: never turned on. */
    async GetBucketVersioning(c, { bucket }) {
      await existingBucket(store, bucket);
      return xmlResponse(c, 'VersioningConfiguration', {});
    },

    async GetBucketRequestPayment(c, { bucket }) {
      await existingBucket(store, bucket);
      return xmlResponse(c, 'RequestPaymentConfiguration', { Payer: 'BucketOwner' });
    },

    async GetBucketAcl(c, { bucket }) {
      await existingBucket(store, bucket);
      return xmlResponse(c, 'AccessControlPolicy', PRIVATE_ACL);
    },

    /** A no-op that only says yes to what holds anyway. */
    async PutBucketAcl(c, { bucket }) {
      checkPrivateAcl(c.var.headers);
      await existingBucket(store, bucket);
      return emptyResponse(c, 200);
    },

    async GetObjectAcl(c, operation) {
      checkVersionId(operation.query);
      await existingObject(store, operation);
      return xmlResponse(c, 'AccessControlPolicy', PRIVATE_ACL);
    },

    async PutObjectAcl(c, operation) {
      checkPrivateAcl(c.var.headers);
      checkVersionId(operation.query);
      await existingObject(store, operation);
      return emptyResponse(c, 200);
    },

    async GetObjectTagging(c, operation) {
      checkVersionId(operation.query);
      await existingObject(store, operation);
      return xmlResponse(c, 'Tagging', { TagSet: {} });
    },
  };
}

function absentConfiguration(store: ObjectStore, code: S3ErrorCode): Handlers[keyof typeof ABSENT] {
  return async function absentConfiguration(_c, { bucket }) {
    await existingBucket(store, bucket);
    throw new S3Error(code, { details: { BucketName: bucket } });
  };
}
