/** The checksums that a client announces for an upload, and expects of what it becomes. */
import { S3Error } from '../errors';
import type {
  Checksum,
  ChecksumAlgorithm,
  ObjectPart,
  UploadInfo,
  UploadOptions,
} from '../store/object-store';
import {
  CHECKSUM_ALGORITHMS,
  checksumHeader,
  defaultChecksumType,
  isMultipartChecksum,
  multipartChecksum,
  parseChecksumAlgorithm,
} from './checksum';
import type { Headers } from './conditions';
import { headerOneOf } from './unsupported-headers';

/** `x-amz-checksum-algorithm`. Throws `InvalidRequest` for one that is not there. */
export function announcedChecksum(headers: Headers): ChecksumAlgorithm | undefined {
  const text = headers['x-amz-checksum-algorithm'];
  if (text === undefined) return undefined;
  const algorithm = parseChecksumAlgorithm(text);
  if (!algorithm) {
    throw new S3Error('InvalidRequest', {
      message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
    });
  }
  return algorithm;
}

/** What CreateMultipartUpload says about checksums. Throws `InvalidRequest` for a pair that S3 does not have. */
export function uploadChecksum(headers: Headers): UploadOptions {
  const checksumAlgorithm = announcedChecksum(headers);
  const type = checksumType(headers);
  if (!checksumAlgorithm) {
    if (type === undefined) return {};
    const message =
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.';
    throw new S3Error('InvalidRequest', { message });
  }
  const chosen = type ?? defaultChecksumType(checksumAlgorithm);
  if (!isMultipartChecksum(checksumAlgorithm, chosen)) {
    const message = `The ${chosen} checksum type cannot be used with the ${checksumAlgorithm.toLowerCase()} checksum algorithm.`;
    throw new S3Error('InvalidRequest', { message });
  }
  return { checksumAlgorithm, checksumType: chosen };
}

/** The checksum that CompleteMultipartUpload expects of the object. */
export function declaredChecksum(headers: Headers): Checksum | undefined {
  const algorithm = CHECKSUM_ALGORITHMS.find((each) => headers[checksumHeader(each)] !== undefined);
  const value = algorithm && headers[checksumHeader(algorithm)];
  if (!algorithm || value === undefined) return undefined;
  const type = checksumType(headers) ?? (/-\d+$/.test(value) ? 'COMPOSITE' : 'FULL_OBJECT');
  return { algorithm, type, value };
}

function checksumType(headers: Headers): Checksum['type'] | undefined {
  return headerOneOf(headers, 'x-amz-checksum-type', ['FULL_OBJECT', 'COMPOSITE']);
}

/**
 * The checksum of an object made of these parts, if its upload announced one and every part has one.
 * Throws `BadDigest` if the client expects another, `InvalidRequest` if it expects one of another kind.
 */
export async function completedChecksum(
  upload: Pick<UploadInfo, 'checksumAlgorithm' | 'checksumType'>,
  parts: readonly ObjectPart[],
  expected: Checksum | undefined,
): Promise<Checksum | undefined> {
  const algorithm = upload.checksumAlgorithm ?? expected?.algorithm;
  if (!algorithm) return undefined;
  const type = upload.checksumType ?? expected?.type ?? defaultChecksumType(algorithm);
  const values = parts.flatMap(({ checksum, size }) =>
    checksum?.algorithm === algorithm ? [{ value: checksum.value, size }] : [],
  );
  if (values.length < parts.length) {
    if (!expected) return undefined;
    throw new S3Error('InvalidRequest', {
      message: 'The parts do not have the checksum that the request expects.',
    });
  }
  const checksum = await multipartChecksum(algorithm, type, values);
  if (expected) checkExpected(checksum, expected);
  return checksum;
}

function checkExpected(actual: Checksum, expected: Checksum): void {
  if (actual.algorithm !== expected.algorithm) {
    const message = `Checksum Type mismatch occurred, expected checksum Type: ${actual.algorithm.toLowerCase()}, actual checksum Type: ${expected.algorithm.toLowerCase()}`;
    throw new S3Error('InvalidRequest', { message });
  }
  // A client may leave out the number of parts.
  const stated = expected.value.includes('-') ? actual.value : actual.value.replace(/-\d+$/, '');
  if (expected.value !== stated) throw new S3Error('BadDigest');
}
