/** Reads which checksum of its body a request declares. */
import { S3Error } from '../errors';
import type { PayloadHash } from '../sigv4/payload-hash';
import type { ChecksumAlgorithm } from '../store/object-store';
import { checksumHeader, isChecksumValue, parseChecksumAlgorithm } from './checksum';
import type { Headers } from './conditions';

export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64; absent if it comes in a trailer. */
  readonly value?: string;
}

const PREFIX = 'x-amz-checksum-';
/** Headers with the prefix that are no values. */
const SETTINGS = [`${PREFIX}algorithm`, `${PREFIX}mode`, `${PREFIX}type`];

/** Throws `InvalidRequest`, `BadDigest` for a malformed value, and `MalformedTrailerError` for a trailer on a body that can have none. */
export function parseDeclaredChecksum(headers: Headers, payload: PayloadHash): DeclaredChecksum | undefined {
  const inHeaders = Object.keys(headers).filter(
    (name) => name.startsWith(PREFIX) && headers[name] !== undefined && !SETTINGS.includes(name),
  );
  const inTrailers = parseTrailerNames(headers);
  if (inHeaders.length > 1 || inTrailers.length > 1) {
    throw invalid('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const [inHeader] = inHeaders;
  const [inTrailer] = inTrailers;
  if (inHeader !== undefined && inTrailer !== undefined)
    throw invalid('Expecting a single x-amz-checksum- header');
  const algorithm = parseName(inHeader ?? inTrailer);
  checkSdkAlgorithm(headers, algorithm);
  if (algorithm === undefined) return undefined;
  if (inHeader === undefined) return trailing(algorithm, payload);
  const value = headers[inHeader]?.trim() ?? '';
  if (!isChecksumValue(algorithm, value)) throw invalidChecksumValue(algorithm);
  return { algorithm, value };
}

/** Lower-case, in the client's order. */
export function parseTrailerNames(headers: Headers): string[] {
  const names = (headers['x-amz-trailer'] ?? '').split(',').map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '');
}

/** For a malformed value in the checksum's header or trailer: it can be no body's. */
export function invalidChecksumValue(algorithm: ChecksumAlgorithm): S3Error {
  const message = `Value for ${checksumHeader(algorithm)} header is invalid.`;
  return new S3Error('BadDigest', { message });
}

function parseName(name: string | undefined): ChecksumAlgorithm | undefined {
  if (name === undefined) return undefined;
  if (!name.startsWith(PREFIX))
    throw invalid('The value specified in the x-amz-trailer header is not supported');
  const algorithm = parseChecksumAlgorithm(name.slice(PREFIX.length));
  if (!algorithm) throw invalid('The algorithm type you specified in x-amz-checksum- header is invalid.');
  return algorithm;
}

function checkSdkAlgorithm(headers: Headers, found: ChecksumAlgorithm | undefined): void {
  const stated = headers['x-amz-sdk-checksum-algorithm'];
  if (stated === undefined) return;
  if (found === undefined) {
    throw invalid(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (parseChecksumAlgorithm(stated) !== found) {
    throw invalid('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
}

function trailing(algorithm: ChecksumAlgorithm, payload: PayloadHash): DeclaredChecksum {
  if (payload.kind === 'streaming' && payload.trailer) return { algorithm };
  throw new S3Error('MalformedTrailerError');
}

function invalid(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
