/** Amazon's published SigV4 examples for S3, stage by stage; each file names its source. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestHead } from '../../gateway/sigv4/request-head';

export interface SigV4Vector {
  readonly title: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly request: {
    readonly method: string;
    readonly target: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
  readonly body?: string;
  /** Each is `byte`, `size` times. */
  readonly chunks?: readonly { readonly byte: string; readonly size: number; readonly signature: string }[];
  readonly trailers?: readonly string[];
  readonly trailerSignature?: string;
}

const directory = join(__dirname, '../vectors/sigv4');

export const SIGV4_VECTORS = readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as SigV4Vector);

/** When all examples were signed. */
export const VECTOR_TIME_MS = Date.UTC(2013, 4, 24);

export function vectorHead({ request: { method, target, headers } }: SigV4Vector): RequestHead {
  return { method, target, rawHeaders: headers.flat() };
}

/** The example as it goes over the wire after its headers. */
export function vectorBody({ body = '', chunks = [], trailers, trailerSignature }: SigV4Vector): Buffer {
  const framed = chunks.map(({ byte, size, signature }) => {
    const data = size > 0 ? `${byte.repeat(size)}\r\n` : '';
    return `${size.toString(16)};chunk-signature=${signature}\r\n${data}`;
  });
  const lines = trailers && [...trailers, `x-amz-trailer-signature:${trailerSignature ?? ''}`];
  const ending = chunks.length === 0 ? [] : [...(lines ?? []).map((line) => `${line}\r\n`), '\r\n'];
  return Buffer.from([body, ...framed, ...ending].join(''));
}
