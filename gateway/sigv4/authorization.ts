/** Reads who signed a request, and how: from the Authorization header or a presigned URL. Both in one file, so that no rule holds for one alone. */
import { S3Error } from '../errors';
import { parseHttpDate } from '../s3/http-date';
import { decodePercent } from '../s3/request-target';
import { formatAmzDate, parseAmzDate } from './amz-date';
import { SIGNATURE_PARAMETER } from './canonical-request';
import type { CredentialScope } from './credential-scope';
import { parsePayloadHash, UNSIGNED_PAYLOAD, type PayloadHash } from './payload-hash';
import type { ParsedHead } from './request-head';
import { ALGORITHM } from './string-to-sign';

interface Signed {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  /** The same instant, in milliseconds since the epoch. */
  readonly signedAt: number;
  /** Lower-case names. */
  readonly signedHeaders: readonly string[];
  /** As the client wrote it. */
  readonly signature: string;
  readonly payloadHash: PayloadHash;
}

export interface HeaderSignedRequest extends Signed {
  readonly via: 'header';
}

export interface PresignedRequest extends Signed {
  readonly via: 'query';
  /** How long the URL is good for, in seconds from its timestamp: up to a week; not at all if negative. */
  readonly expiresInS: number;
}

export type SignedRequest = HeaderSignedRequest | PresignedRequest;

/** A week, S3's limit on a presigned URL's life. */
const MAX_EXPIRES_S = 604_800;
const MAX_ACCESS_KEY_ID_SIZE = 128;
const MAX_REGION_SIZE = 64;
const MAX_SIGNED_HEADERS = 200;

/**
 * Throws `AccessDenied` for an anonymous request; `AuthorizationHeaderMalformed`, `AuthorizationQueryParametersError`, `InvalidArgument` or
 * `InvalidRequest` for one that is not signed as S3 wants it.
 */
export function parseAuthorization(head: ParsedHead): SignedRequest {
  const headers = head.headers.get('authorization') ?? [];
  const presigned = head.query.some(({ name }) => PRESIGNING_PARAMETERS.has(name));
  const presignedV2 = head.query.some(({ name }) => name === 'AWSAccessKeyId' || name === 'Signature');
  if (headers.length + Number(presigned) + Number(presignedV2) > 1) throw severalMechanisms();
  if (presigned) return parsePresigned(head);
  if (presignedV2) throw oldMechanism();
  if (headers[0] === undefined) throw new S3Error('AccessDenied');
  return parseHeader(head, headers[0].trim());
}

const PRESIGNING_PARAMETERS: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  SIGNATURE_PARAMETER,
]);

function severalMechanisms(): S3Error {
  return new S3Error('InvalidArgument', {
    message:
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    details: { ArgumentName: 'Authorization' },
  });
}

function oldMechanism(): S3Error {
  return new S3Error('InvalidRequest', {
    message: `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  });
}

function parseHeader(head: ParsedHead, text: string): HeaderSignedRequest {
  const space = text.indexOf(' ');
  checkScheme(space < 0 ? text : text.slice(0, space));
  const components = parseComponents(space < 0 ? '' : text.slice(space + 1));
  const payloadHash = single(head, 'x-amz-content-sha256');
  const { accessKeyId, scope } = parseCredential(components.Credential, headerMalformed);
  const signedAt = dateOf(head);
  const timestamp = formatAmzDate(signedAt);
  checkScopeDate(scope, timestamp, headerMalformed);
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  }
  return {
    via: 'header',
    accessKeyId,
    scope,
    timestamp,
    signedAt,
    signedHeaders: parseSignedHeaders(components.SignedHeaders, headerMalformed),
    signature: components.Signature,
    payloadHash: parsePayloadHash(payloadHash),
  };
}

function checkScheme(scheme: string): void {
  if (scheme === ALGORITHM) return;
  if (scheme === 'AWS') throw oldMechanism();
  if (scheme.startsWith('AWS4-ECDSA-')) {
    throw new S3Error('NotImplemented', { message: 'Signature Version 4A is not implemented.' });
  }
  throw new S3Error('InvalidArgument', {
    message: 'Unsupported Authorization Type',
    details: { ArgumentName: 'Authorization' },
  });
}

interface Components {
  Credential: string;
  SignedHeaders: string;
  Signature: string;
}

function parseComponents(text: string): Components {
  const components: Partial<Components> = {};
  for (const part of text.split(',')) {
    const [, name, value] = /^\s*(Credential|SignedHeaders|Signature)=(\S+)\s*$/.exec(part) ?? [];
    if (name === undefined || components[name as keyof Components] !== undefined) throw threeComponents();
    components[name as keyof Components] = value ?? '';
  }
  const { Credential, SignedHeaders, Signature } = components;
  if (Credential === undefined || SignedHeaders === undefined || Signature === undefined)
    throw threeComponents();
  return { Credential, SignedHeaders, Signature };
}

function threeComponents(): S3Error {
  return headerMalformed('the header requires three components: Credential, SignedHeaders, and Signature.');
}

type Malformed = (reason: string) => S3Error;

function headerMalformed(reason: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', {
    message: `The authorization header is malformed; ${reason}`,
  });
}

function queryMalformed(reason: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', {
    message: `Error parsing the X-Amz-* query parameters; ${reason}`,
  });
}

/** An access key id holds no slash, a region none either. */
function parseCredential(
  text: string,
  malformed: Malformed,
): { accessKeyId: string; scope: CredentialScope } {
  const [accessKeyId = '', date = '', region = '', service = '', terminal = '', ...more] = text.split('/');
  const wellFormed =
    accessKeyId !== '' &&
    accessKeyId.length <= MAX_ACCESS_KEY_ID_SIZE &&
    /^\d{8}$/.test(date) &&
    region.length <= MAX_REGION_SIZE &&
    more.length === 0;
  if (!wellFormed) {
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (service !== 's3') throw malformed('incorrect service. This endpoint belongs to "s3".');
  if (terminal !== 'aws4_request') {
    throw malformed('incorrect terminal. This endpoint uses "aws4_request".');
  }
  return { accessKeyId, scope: { date, region, service } };
}

function checkScopeDate(scope: CredentialScope, timestamp: string, malformed: Malformed): void {
  if (timestamp.startsWith(scope.date)) return;
  throw malformed(
    `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
  );
}

function parseSignedHeaders(text: string, malformed: Malformed): string[] {
  const names = text.split(';');
  const wellFormed = names.every((name) => /^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name));
  if (!wellFormed || new Set(names).size < names.length || names.length > MAX_SIGNED_HEADERS) {
    throw malformed('SignedHeaders must name lower-case headers, each once, with semicolons between them.');
  }
  return names;
}

/** From `x-amz-date`, or from `Date` where that is missing. */
function dateOf(head: ParsedHead): number {
  const amzDate = single(head, 'x-amz-date');
  const ms = amzDate === undefined ? parseHttpDate(single(head, 'date')) : parseAmzDate(amzDate);
  if (ms === undefined) {
    throw new S3Error('AccessDenied', {
      message: 'AWS authentication requires a valid Date or x-amz-date header',
    });
  }
  return ms;
}

function parsePresigned(head: ParsedHead): PresignedRequest {
  const algorithm = parameter(head, 'X-Amz-Algorithm');
  if (algorithm !== ALGORITHM) throw queryMalformed(`X-Amz-Algorithm only supports "${ALGORITHM}".`);
  const { accessKeyId, scope } = parseCredential(parameter(head, 'X-Amz-Credential'), queryMalformed);
  const timestamp = parameter(head, 'X-Amz-Date');
  const signedAt = parseAmzDate(timestamp);
  if (signedAt === undefined) {
    throw queryMalformed(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'".`);
  }
  checkScopeDate(scope, timestamp, queryMalformed);
  const payloadHash =
    single(head, 'x-amz-content-sha256') ??
    optionalParameter(head, 'X-Amz-Content-Sha256') ??
    UNSIGNED_PAYLOAD;
  return {
    via: 'query',
    accessKeyId,
    scope,
    timestamp,
    signedAt,
    expiresInS: parseExpires(parameter(head, 'X-Amz-Expires')),
    signedHeaders: parseSignedHeaders(parameter(head, 'X-Amz-SignedHeaders'), queryMalformed),
    signature: parameter(head, SIGNATURE_PARAMETER),
    payloadHash: parsePayloadHash(payloadHash),
  };
}

/** A negative one is a URL that was never good: it has expired. */
function parseExpires(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw queryMalformed('X-Amz-Expires should be a number.');
  const seconds = Number(text);
  if (seconds > MAX_EXPIRES_S) {
    throw queryMalformed('X-Amz-Expires must be less than a week (in seconds), 604800.');
  }
  return seconds;
}

function parameter(head: ParsedHead, name: string): string {
  const value = optionalParameter(head, name);
  if (value !== undefined) return value;
  throw queryMalformed(
    'a presigned URL needs X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires.',
  );
}

function optionalParameter(head: ParsedHead, name: string): string | undefined {
  const [first, ...others] = head.query.filter((each) => each.name === name);
  if (others.length > 0) throw queryMalformed(`${name} must not be repeated.`);
  return first && decodePercent(first.value);
}

/** The value of a header that may come once. */
function single(head: ParsedHead, name: string): string | undefined {
  const [first, ...others] = head.headers.get(name) ?? [];
  if (others.length > 0) throw new S3Error('BadRequest', { message: `Header ${name} must not be repeated.` });
  return first?.trim();
}
