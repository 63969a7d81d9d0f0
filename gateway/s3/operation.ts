/** Turns a request's method, target and headers into one of a closed set of operations, before any handler runs. */
import { S3Error } from '../errors';
import { isBucketName } from './bucket-name';
import { ROWS, type IMPLEMENTED, type Level, type OperationType } from './operation-table';
import { decodePercent, parseRequestTarget, type Query } from './request-target';

/** S3's limit on a key, in UTF-8 bytes. */
const MAX_KEY_SIZE = 1_024;

type TypeAt<L extends Level> = {
  [T in OperationType]: (typeof IMPLEMENTED)[T]['level'] extends L ? T : never;
}[OperationType];

export type ServiceOperation = { readonly type: TypeAt<'service'>; readonly query: Query };
export type BucketOperation = {
  readonly type: TypeAt<'bucket'>;
  readonly bucket: string;
  readonly query: Query;
};
export type ObjectOperation = {
  readonly type: TypeAt<'object'>;
  readonly bucket: string;
  readonly key: string;
  readonly query: Query;
};
/** What S3 has and the gateway has not. */
export interface NotImplementedOperation {
  readonly type: 'NotImplemented';
  readonly bucket?: string;
  readonly key?: string;
}

export type Operation = ServiceOperation | BucketOperation | ObjectOperation | NotImplementedOperation;
/** The operations of one type, as its handler gets them. */
export type OperationOf<T extends OperationType> = (typeof IMPLEMENTED)[T]['level'] extends 'service'
  ? ServiceOperation
  : (typeof IMPLEMENTED)[T]['level'] extends 'bucket'
    ? BucketOperation
    : ObjectOperation;

export interface OperationRequest {
  readonly method: string;
  /** As on the request line: raw, not normalised. */
  readonly target: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Path-style, and virtual-hosted style below `domain` if one is given.
 * Throws `InvalidURI`, `InvalidBucketName`, `KeyTooLongError`, and `MethodNotAllowed` where S3 does.
 */
export function parseOperation(request: OperationRequest, domain?: string): Operation {
  const { path, query } = parseRequestTarget(request.target);
  const resource = resourceOf(path, hostBucket(request.headers.host, domain));
  const level: Level = resource.key ? 'object' : resource.bucket ? 'bucket' : 'service';
  const type = typeOf(level, request, query);
  if (type === 'NotImplemented') return { type, ...resource };
  return { type, ...resource, query } as Operation;
}

interface Resource {
  readonly bucket?: string;
  readonly key?: string;
}

function resourceOf(path: string, bucketOfHost: string | undefined): Resource {
  const slash = path.indexOf('/', 1);
  const pathBucket = slash < 0 ? path.slice(1) : path.slice(1, slash);
  const bucket = bucketOfHost ?? decodePercent(pathBucket);
  const key = decodePercent(
    bucketOfHost === undefined ? (slash < 0 ? '' : path.slice(slash + 1)) : path.slice(1),
  );
  if (bucket === '' && key === '') return {};
  if (!isBucketName(bucket)) throw new S3Error('InvalidBucketName', { details: { BucketName: bucket } });
  if (key === '') return { bucket };
  const size = Buffer.byteLength(key);
  if (size > MAX_KEY_SIZE) {
    throw new S3Error('KeyTooLongError', { details: { Size: `${size}`, MaxSizeAllowed: `${MAX_KEY_SIZE}` } });
  }
  return { bucket, key };
}

function hostBucket(host: string | string[] | undefined, domain: string | undefined): string | undefined {
  if (domain === undefined || typeof host !== 'string') return undefined;
  const name = host.replace(/:\d+$/, '').toLowerCase();
  return name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : undefined;
}

function typeOf(level: Level, request: OperationRequest, query: Query): OperationType | 'NotImplemented' {
  const asked = [...query].filter(([name]) => !isIgnored(name));
  const rows = ROWS.filter((row) => row.level === level);
  const known = (name: string, row: (typeof ROWS)[number]) =>
    row.parameters?.includes(name) === true || row.selectors.some((each) => each.split('=')[0] === name);
  const fitting = rows
    .filter((row) => row.selectors.every((selector) => isSelected(selector, query)))
    .filter((row) => asked.every(([name]) => known(name, row)));
  const match = fitting
    .filter((row) => row.method === request.method)
    .filter((row) => row.header === undefined || request.headers[row.header] !== undefined)
    .sort((a, b) => weight(b) - weight(a))[0];
  if (match) return match.type;
  if (isMethodNotAllowed(level, request.method, asked.length > 0)) {
    throw new S3Error('MethodNotAllowed', {
      details: { Method: request.method, ResourceType: level.toUpperCase() },
    });
  }
  return 'NotImplemented';
}

const weight = (row: (typeof ROWS)[number]): number => row.selectors.length * 2 + (row.header ? 1 : 0);

function isSelected(selector: string, query: Query): boolean {
  const [name = '', value] = selector.split('=');
  return value === undefined ? query.has(name) : query.get(name) === value;
}

/** The name of the operation, which an SDK adds, and what signs a presigned URL. */
function isIgnored(parameter: string): boolean {
  return parameter === 'x-id' || /^(x-amz-.+|awsaccesskeyid|signature|expires)$/i.test(parameter);
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS'];

/** Methods that no operation of S3 has at all there. POST on a bucket is the browser upload form: not implemented. */
function isMethodNotAllowed(level: Level, method: string, subResource: boolean): boolean {
  if (!METHODS.includes(method)) return true;
  if (method === 'OPTIONS' || subResource) return false;
  return level === 'service' ? method !== 'GET' : level === 'object' && method === 'POST';
}
