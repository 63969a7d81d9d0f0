/** A request's line and headers as they came over the wire: what a signature covers. */
import { S3Error } from '../errors';

export interface RequestHead {
  readonly method: string;
  /** As on the request line: raw, not normalised. */
  readonly target: string;
  /** Names and values in turn, as node's `rawHeaders` has them: one character per byte. */
  readonly rawHeaders: readonly string[];
}

/** A query parameter, percent-encoded as SigV4 wants it: everything but `A-Za-z0-9-._~`. */
export interface EncodedParameter {
  readonly name: string;
  readonly value: string;
}

export interface ParsedHead {
  readonly method: string;
  /** Percent-encoded as SigV4 wants it: everything but `A-Za-z0-9-._~/`. */
  readonly path: string;
  /** In the order of the request, repeated ones included. */
  readonly query: readonly EncodedParameter[];
  /** Values by lower-case name, in the order of the request. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** Bytes of all header names and values together; S3 allows less. */
const MAX_HEADERS_SIZE = 32 * 1024;
/** Longer than any key, encoded, with all the parameters that an operation takes. */
const MAX_TARGET_SIZE = 16 * 1024;

/** Throws `InvalidURI` for a malformed percent-encoding, `RequestHeaderSectionTooLarge`. */
export function parseHead({ method, target, rawHeaders }: RequestHead): ParsedHead {
  if (target.length > MAX_TARGET_SIZE) throw new S3Error('InvalidURI');
  const rest = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return {
    method,
    path: path === '' ? '/' : encodePath(path),
    query: mark < 0 ? [] : parseQuery(rest.slice(mark + 1)),
    headers: parseHeaders(rawHeaders),
  };
}

function parseHeaders(rawHeaders: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  let size = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = rawHeaders[i + 1] ?? '';
    size += name.length + value.length;
    const values = headers.get(name);
    if (values) values.push(value);
    else headers.set(name, [value]);
  }
  if (size > MAX_HEADERS_SIZE) throw new S3Error('RequestHeaderSectionTooLarge');
  return headers;
}

function parseQuery(text: string): EncodedParameter[] {
  const pairs = text.split('&').filter((pair) => pair !== '');
  return pairs.map((pair) => {
    const equals = pair.indexOf('=');
    if (equals < 0) return { name: encodeQuery(pair), value: '' };
    return { name: encodeQuery(pair.slice(0, equals)), value: encodeQuery(pair.slice(equals + 1)) };
  });
}

/** Decodes and encodes again, byte by byte: clients differ in what they leave unescaped, the canonical form does not. */
function encodePath(path: string): string {
  return reencode(path, (char) => char === '/' || isUnreserved(char));
}

/** As S3 reads a query, in which a plus sign is a space. */
function encodeQuery(text: string): string {
  return reencode(text.replaceAll('+', '%20'), isUnreserved);
}

function reencode(text: string, isPlain: (char: string) => boolean): string {
  return text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/g, (match) => {
    if (match === '%' || match < '!' || match > '~') throw new S3Error('InvalidURI');
    const char = match.length === 1 ? match : String.fromCharCode(Number.parseInt(match.slice(1), 16));
    return isPlain(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

function isUnreserved(char: string): boolean {
  return /^[A-Za-z0-9\-._~]$/.test(char);
}
