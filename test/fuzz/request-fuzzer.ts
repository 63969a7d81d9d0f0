/** Makes requests that are almost right: good ones of every kind, damaged before they are signed, after, or both. */
import { createHash } from 'node:crypto';
import { signRequest, sha256Hex, type Signer } from '../support/sign-request';
import { encodeAwsChunked } from '../support/aws-chunked';
import { TEST_BUCKET } from '../support/app-server';
import type { SeededRandom } from '../chaos/random';

interface Seed {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** @default the hash of the body */
  readonly payloadHash?: string;
  /** The body goes out in signed chunks. */
  readonly chunked?: boolean;
}

const object = `/${TEST_BUCKET}/object`;
const xml = (text: string): Buffer => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`);
const trailing = encodeAwsChunked([Buffer.from('hello '), Buffer.from('world')], {
  trailers: { 'x-amz-checksum-crc32': 'DUoRhQ==' },
});

const SEEDS: readonly Seed[] = [
  { method: 'GET', target: '/' },
  {
    method: 'GET',
    target: `/${TEST_BUCKET}?list-type=2&prefix=o&delimiter=%2F&max-keys=5&start-after=a&encoding-type=url`,
  },
  { method: 'GET', target: `/${TEST_BUCKET}?versions&key-marker=a&max-keys=2` },
  { method: 'GET', target: `/${TEST_BUCKET}?uploads&prefix=a` },
  { method: 'GET', target: `/${TEST_BUCKET}?acl` },
  { method: 'GET', target: object, headers: { range: 'bytes=2-5', 'if-match': '*' } },
  { method: 'GET', target: `${object}?partNumber=1&response-content-type=text%2Fplain` },
  {
    method: 'GET',
    target: `${object}?attributes`,
    headers: { 'x-amz-object-attributes': 'ETag,ObjectParts' },
  },
  { method: 'HEAD', target: object, headers: { 'if-modified-since': 'Wed, 21 Oct 2015 07:28:00 GMT' } },
  {
    method: 'PUT',
    target: object,
    headers: {
      'x-amz-meta-color': 'blue',
      'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
      'x-amz-checksum-crc32': 'DUoRhQ==',
    },
    body: Buffer.from('hello world'),
  },
  { method: 'PUT', target: object, body: Buffer.from('hello'), headers: { expect: '100-continue' } },
  { method: 'PUT', target: object, body: Buffer.from('hello world'), chunked: true },
  {
    method: 'PUT',
    target: object,
    headers: {
      'content-encoding': 'aws-chunked',
      'x-amz-decoded-content-length': '11',
      'x-amz-trailer': 'x-amz-checksum-crc32',
    },
    body: trailing,
    payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
  },
  { method: 'PUT', target: `/${TEST_BUCKET}/copy`, headers: { 'x-amz-copy-source': object } },
  { method: 'POST', target: `${object}?uploads`, headers: { 'x-amz-checksum-algorithm': 'CRC32' } },
  { method: 'PUT', target: `${object}?partNumber=1&uploadId=u`, body: Buffer.from('part') },
  {
    method: 'POST',
    target: `${object}?uploadId=u`,
    body: xml(
      '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>',
    ),
  },
  {
    method: 'POST',
    target: `/${TEST_BUCKET}?delete`,
    headers: { 'x-amz-checksum-algorithm': 'CRC32', 'content-md5': '' },
    body: xml('<Delete><Object><Key>a&amp;b</Key></Object><Quiet>true</Quiet></Delete>'),
  },
  { method: 'DELETE', target: `/${TEST_BUCKET}/other?versionId=null` },
  { method: 'PUT', target: '/another-bucket' },
  { method: 'OPTIONS', target: object, headers: { origin: 'http://a' } },
];

/** Pieces that parsers stumble over. */
const TOKENS = [
  ...[
    '%',
    '%00',
    '%zz',
    '%ED%A0%80',
    '%F0%9F%98%80',
    '+',
    '//',
    '/../',
    '?',
    '&',
    '=',
    '#',
    ';',
    ',',
    '"',
    "'",
    '\\',
  ],
  ...[
    '<',
    '>',
    '</',
    '<![CDATA[',
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '&b;',
    '&#x0;',
    '&#1114112;',
    '<?',
    '-->',
    '__proto__',
  ],
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\t',
    ' ',
    '\u00e9',
    '\u00ff',
    '0',
    '-1',
    '1e9',
    'NaN',
    '99999999999999999999',
    'ffffffffffffffff',
  ],
  ...[
    '0\r\n\r\n',
    ';chunk-signature=',
    'bytes=',
    '-',
    '*',
    'W/"',
    'null',
    'true',
    'constructor',
    'x-amz-',
    'http://a/',
  ],
];

const HEADERS = [
  ...[
    'range',
    'if-match',
    'if-none-match',
    'if-unmodified-since',
    'content-md5',
    'content-type',
    'content-encoding',
  ],
  ...[
    'content-length',
    'transfer-encoding',
    'expect',
    'host',
    'date',
    'connection',
    'x-amz-acl',
    'x-amz-meta-',
    'x-amz-meta-a',
  ],
  ...[
    'x-amz-copy-source',
    'x-amz-copy-source-range',
    'x-amz-metadata-directive',
    'x-amz-checksum-sha256',
    'x-amz-checksum-type',
  ],
  ...[
    'x-amz-checksum-mode',
    'x-amz-decoded-content-length',
    'x-amz-trailer',
    'x-amz-mp-object-size',
    'x-amz-max-parts',
  ],
  ...[
    'x-amz-sdk-checksum-algorithm',
    'x-amz-part-number-marker',
    'x-amz-date',
    'x-amz-security-token',
    'origin',
  ],
];

export class RequestFuzzer {
  constructor(
    private readonly random: SeededRandom,
    private readonly signer: Signer,
  ) {}

  /** A whole request as bytes, or what is left of one. */
  next(): Buffer {
    const { random } = this;
    const seed = this.pick(SEEDS);
    const times = random.weighted([
      [1, 0],
      [4, 1],
      [2, 3],
    ]);
    const damaged = Array.from({ length: times }).reduce<Seed>((request) => this.damage(request), seed);
    const bytes = this.serialize(damaged);
    return random.chance(0.3) ? this.damageBytes(bytes) : bytes;
  }

  /** One change that its signature will cover. */
  private damage(request: Seed): Seed {
    const { headers = {}, body = Buffer.alloc(0) } = request;
    const changes: readonly (readonly [number, () => Seed])[] = [
      [3, () => ({ ...request, target: this.damageText(request.target) })],
      [
        1,
        () => ({
          ...request,
          method: this.pick(['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'PATCH']),
        }),
      ],
      [3, () => ({ ...request, headers: { ...headers, [this.pick(HEADERS)]: this.damageText('') } })],
      [2, () => ({ ...request, headers: this.damageOne(headers) })],
      [body.length > 0 ? 5 : 1, () => ({ ...request, body: this.damageBytes(body) })],
      [1, () => ({ ...request, payloadHash: this.damageText('STREAMING-AWS4-HMAC-SHA256-PAYLOAD') })],
      [1, () => ({ ...request, body: Buffer.from('<a>'.repeat(this.random.integer(1, 3_000))) })],
    ];
    return this.random.weighted(changes)();
  }

  private damageOne(headers: Readonly<Record<string, string>>): Record<string, string> {
    const names = Object.keys(headers);
    if (names.length === 0) return { ...headers };
    const name = this.pick(names);
    return { ...headers, [name]: this.damageText(headers[name] ?? '') };
  }

  private damageText(text: string): string {
    const { random } = this;
    const at = random.integer(0, text.length);
    const token = this.pick(TOKENS).repeat(random.chance(0.03) ? random.integer(1, 3_000) : 1);
    return random.chance(0.7) ? text.slice(0, at) + token + text.slice(at) : text.slice(0, at) + token;
  }

  private damageBytes(bytes: Buffer): Buffer {
    const { random } = this;
    const at = random.integer(0, bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
    const changes: readonly (readonly [number, () => Buffer])[] = [
      [3, () => Buffer.concat([before, Buffer.from(this.pick(TOKENS), 'latin1'), after])],
      [2, () => Buffer.concat([before, Buffer.from([random.integer(0, 255)]), after.subarray(1)])],
      [1, () => before],
      [1, () => Buffer.concat([before, after.subarray(random.integer(0, Math.min(after.length, 40)))])],
      [1, () => Buffer.concat([before, after.subarray(0, 40), after])],
    ];
    return random.weighted(changes)();
  }

  private serialize(request: Seed): Buffer {
    const { method, target, headers = {}, body = Buffer.alloc(0), chunked = false } = request;
    const payloadHash = chunked
      ? 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'
      : (request.payloadHash ?? sha256Hex(body));
    const framing = { 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': `${body.length}` };
    const all = {
      host: 'localhost',
      ...(chunked && framing),
      ...headers,
      ...(headers['content-md5'] === '' && { 'content-md5': md5Base64(body) }),
    };
    const { headers: signed, content } = this.sign(
      { method, target, headers: all, payloadHash },
      body,
      chunked,
    );
    const length =
      'content-length' in signed || 'transfer-encoding' in signed
        ? {}
        : { 'content-length': `${content.length}` };
    const lines = Object.entries({ ...signed, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`;
    return Buffer.concat([Buffer.from(head, 'latin1'), content]);
  }

  /** What cannot be signed goes out as it is. */
  private sign(
    request: { method: string; target: string; headers: Record<string, string>; payloadHash: string },
    body: Buffer,
    chunked: boolean,
  ): { headers: Readonly<Record<string, string>>; content: Buffer } {
    try {
      const { headers, signChunk } = signRequest(request, { ...this.signer, at: Date.now() });
      if (!chunked) return { headers, content: body };
      const chunk = (bytes: Buffer): Buffer =>
        Buffer.concat([
          Buffer.from(`${bytes.length.toString(16)};chunk-signature=${signChunk(bytes)}\r\n`),
          bytes,
          Buffer.from('\r\n'),
        ]);
      return { headers, content: Buffer.concat([chunk(body), chunk(Buffer.alloc(0))]) };
    } catch {
      return { headers: request.headers, content: body };
    }
  }

  private pick<T>(values: readonly T[]): T {
    return values[this.random.integer(0, values.length - 1)] as T;
  }
}

function md5Base64(body: Buffer): string {
  return createHash('md5').update(body).digest('base64');
}
