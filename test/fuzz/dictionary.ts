/** What fuzzed requests are made of: good ones of every kind, and pieces that parsers stumble over. */
import { TEST_BUCKET } from '../support/app-server';
import { encodeAwsChunked } from '../support/aws-chunked';

export interface Seed {
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

export const SEEDS: readonly Seed[] = [
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
export const TOKENS = [
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

export const HEADERS = [
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
