/** The raw request target, taken apart without normalising it: keys are opaque. */
import { S3Error } from '../errors';

export interface RequestTarget {
  /** Still percent-encoded; starts with `/`. */
  readonly path: string;
  readonly query: Query;
}

/** Decoded query parameters. Of a repeated one, the first counts. */
export type Query = ReadonlyMap<string, string>;

/** Throws `InvalidURI` for a malformed percent-encoding or what is not UTF-8. */
export function parseRequestTarget(target: string): RequestTarget {
  const origin = /^https?:\/\/[^/?]*/i.exec(target)?.[0] ?? '';
  const rest = target.slice(origin.length);
  const mark = rest.indexOf('?');
  const path = mark < 0 ? rest : rest.slice(0, mark);
  return { path: path === '' ? '/' : path, query: parseQuery(mark < 0 ? '' : rest.slice(mark + 1)) };
}

function parseQuery(text: string): Query {
  const query = new Map<string, string>();
  for (const pair of text.split('&').filter((each) => each !== '')) {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    const decoded = decodeQueryText(name);
    if (!query.has(decoded)) query.set(decoded, decodeQueryText(value));
  }
  return query;
}

function decodeQueryText(text: string): string {
  return decodePercent(text.replaceAll('+', ' '));
}

/** Throws `InvalidURI`. */
export function decodePercent(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new S3Error('InvalidURI');
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { cause });
  }
}
