/** SigV4's first stage, in S3's flavour: the path is escaped once and never normalised. */
import type { EncodedParameter, ParsedHead } from './request-head';

/** The parameter that carries a presigned URL's signature, the only one that the signature does not cover. */
export const SIGNATURE_PARAMETER = 'X-Amz-Signature';

/** `signedHeaders` are lower-case names, in the client's order. */
export function canonicalRequest(
  head: ParsedHead,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  return [
    head.method,
    head.path,
    canonicalQuery(head.query),
    ...signedHeaders.map((name) => `${name}:${canonicalValue(head.headers.get(name) ?? [])}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

function canonicalQuery(query: readonly EncodedParameter[]): string {
  return query
    .filter(({ name }) => name !== SIGNATURE_PARAMETER)
    .sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&');
}

/** Encoded text is ASCII, so that this is the order of its bytes. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Only ASCII blanks count: a no-break space is part of some character's UTF-8 here. */
function canonicalValue(values: readonly string[]): string {
  return values.map((value) => value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '')).join(',');
}
