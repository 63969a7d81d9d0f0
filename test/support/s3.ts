/** The AWS SDK pointed at a gateway under test. */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';

/** All that an S3 client has to be told. */
export interface S3Target {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly bucket: string;
}

export const REGION = 'us-east-1';

/** A path-style client with the SDK's own defaults, checksums included. */
export function s3Client(target: S3Target, config: Partial<S3ClientConfig> = {}): S3Client {
  return new S3Client({
    endpoint: target.endpoint,
    region: REGION,
    credentials: { accessKeyId: target.accessKeyId, secretAccessKey: target.secretAccessKey },
    forcePathStyle: true,
    ...config,
  });
}

/** The whole body of a GetObject reply. Rejects if it ends early. */
export async function bodyBytes(
  body: { transformToByteArray(): Promise<Uint8Array> } | undefined,
): Promise<Buffer> {
  if (!body) throw new Error('the reply has no body');
  return Buffer.from(await body.transformToByteArray());
}
