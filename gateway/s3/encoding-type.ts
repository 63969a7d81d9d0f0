/** `encoding-type=url`: keys that XML cannot hold, percent-encoded. */
import { invalidArgument } from './query-parameters';
import type { Query } from './request-target';

/** How a listing writes keys, prefixes and delimiters. */
export interface KeyEncoding {
  /** What the response says; absent for plain text. */
  readonly name?: 'url';
  encode(text: string): string;
}

/** Throws `InvalidArgument` for an encoding other than `url`. */
export function keyEncoding(query: Query): KeyEncoding {
  const name = query.get('encoding-type') ?? '';
  if (name === '') return { encode: (text) => text };
  if (name !== 'url')
    throw invalidArgument('encoding-type', name, 'Invalid Encoding Method specified in Request');
  return { name, encode: urlEncode };
}

/** Slashes stay, as S3 leaves them; so do the unreserved characters and `*`. */
function urlEncode(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (char) =>
      char === '~' ? char : `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}
