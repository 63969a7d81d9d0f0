/** Backups through a gateway, or any other S3 server that Longhorn was pointed at. */

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, readDocument, textOf, type XmlChildren } from '../s3/xml-read';
import { signRequest } from '../sigv4/sign-request';
import {
  DamagedObjectError,
  SourceUnavailableError,
  type BackupSource,
  type FoundObject,
  type SourceEntry,
} from './source';

export interface S3SourceOptions {
  /** `http://host:port` or `https://…`, without a path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** @default 'us-east-1' */
  readonly region?: string;
  /** Milliseconds before the second attempt of a request; doubles with each of the further three. @default 1,000 */
  readonly firstPauseMs?: number;
}

const ATTEMPTS = 5;
const EMPTY_SHA256 = createHash('sha256').update('').digest('hex');
/** A page of 1,000 keys of 1,024 bytes, escaped, and more. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

type Query = Readonly<Record<string, string>>;

export class S3Source implements BackupSource {
  readonly description: string;

  constructor(private readonly options: S3SourceOptions) {
    this.description = `bucket ${options.bucket} at ${options.endpoint}`;
  }

  async list(prefix: string): Promise<readonly SourceEntry[]> {
    const entries: SourceEntry[] = [];
    for await (const page of this.#pages({ prefix, delimiter: '/' })) {
      for (const key of keysOf(page, 'Contents', 'Key'))
        entries.push({ name: key.slice(prefix.length), kind: 'object' });
      for (const found of keysOf(page, 'CommonPrefixes', 'Prefix'))
        entries.push({ name: found.slice(prefix.length, -1), kind: 'directory' });
    }
    return entries;
  }

  async find(key: string): Promise<FoundObject | undefined> {
    const response = await this.#request('HEAD', key, {});
    if (response.ok) {
      const storedSize = Number(response.headers.get('content-length'));
      return { storedSize, read: () => this.#read(key) };
    }
    if (response.status !== 404) throw await unexpected(response, `HEAD of ${key}`);
    // A gateway lists an object that it found damaged, and answers 404 to its HEAD.
    for await (const page of this.#pages({ prefix: key, 'max-keys': '1' })) {
      if (!keysOf(page, 'Contents', 'Key').includes(key)) break;
      throw new DamagedObjectError('The gateway lists the object and does not find it: it is damaged.');
    }
    return undefined;
  }

  async close(): Promise<void> {
    // Connections are shared by the process, and end with it.
  }

  async *#read(key: string): AsyncGenerator<Buffer, void, undefined> {
    const response = await this.#request('GET', key, {});
    if (!response.ok || !response.body) throw await unexpected(response, `GET of ${key}`);
    const size = Number(response.headers.get('content-length'));
    let received = 0;
    try {
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        received += chunk.length;
        yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      }
    } catch (cause) {
      throw new SourceUnavailableError(`the connection broke after ${received} of ${size} bytes of ${key}`, {
        cause,
      });
    }
    if (received !== size) throw new SourceUnavailableError(`${received} of ${size} bytes of ${key} came`);
  }

  async *#pages(query: Query): AsyncGenerator<XmlChildren, void, undefined> {
    let next: string | undefined;
    do {
      const response = await this.#request('GET', undefined, {
        'list-type': '2',
        'encoding-type': 'url',
        ...query,
        ...(next !== undefined && { 'continuation-token': next }),
      });
      if (!response.ok) throw await unexpected(response, 'the listing');
      const page = readListing(await readText(response));
      yield page;
      next = textOf(page, 'IsTruncated') === 'true' ? textOf(page, 'NextContinuationToken') : undefined;
    } while (next !== undefined);
  }

  /** Repeats what may pass. Throws `SourceUnavailableError` if no answer comes. */
  async #request(method: string, key: string | undefined, query: Query): Promise<Response> {
    let pauseMs = this.options.firstPauseMs ?? 1_000;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#send(method, key, query);
      const mayPass = outcome instanceof Error || outcome.status === 503 || outcome.status === 429;
      if (!mayPass || attempt === ATTEMPTS) {
        if (outcome instanceof Response) return outcome;
        throw new SourceUnavailableError(`${this.options.endpoint} does not answer: ${reasonOf(outcome)}`, {
          cause: outcome,
        });
      }
      if (outcome instanceof Response) await outcome.body?.cancel();
      await sleep(pauseMs);
      pauseMs *= 2;
    }
  }

  async #send(method: string, key: string | undefined, query: Query): Promise<Response | Error> {
    const { endpoint, bucket } = this.options;
    const path = [bucket, ...(key?.split('/') ?? [])].map(encode).join('/');
    const search = Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`);
    const target = `/${path}${search.length > 0 ? `?${search.join('&')}` : ''}`;
    const { headers } = signRequest(
      { method, target, headers: { host: new URL(endpoint).host }, payloadHash: EMPTY_SHA256 },
      { ...this.options, at: Date.now() },
    );
    try {
      return await fetch(endpoint + target, { method, headers });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function readListing(xml: string): XmlChildren {
  try {
    return readDocument(xml, 'ListBucketResult');
  } catch (cause) {
    throw new SourceUnavailableError('the listing is not one of S3', { cause });
  }
}

function keysOf(page: XmlChildren, element: string, field: string): string[] {
  return childrenOf(page, element).map((child) =>
    decodeURIComponent((textOf(child, field) ?? '').replaceAll('+', ' ')),
  );
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MAX_DOCUMENT_BYTES) throw new SourceUnavailableError('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What an answer means that is not the one that was hoped for. */
async function unexpected(response: Response, what: string): Promise<Error> {
  const text = await readText(response).catch(() => '');
  const message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? '';
  if (response.status === 500 && /damaged/.test(message)) return new DamagedObjectError(message);
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
  return new SourceUnavailableError(`${what}: ${response.status} ${code} ${message}`.trim());
}

function reasonOf({ message, cause }: Error): string {
  return cause instanceof Error ? `${message} (${cause.message})` : message;
}
