/** What the AWS SDK signs and really sends, verified: over HTTP, since that is where characters get lost. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import fc from 'fast-check';
import type { PayloadHash } from '../../../gateway/sigv4/payload-hash';
import type { RequestHead } from '../../../gateway/sigv4/request-head';
import { createVerifier, type Authentication } from '../../../gateway/sigv4/verify';
import { s3Client } from '../../support/s3';

const target = { accessKeyId: 'access', secretAccessKey: 'secret/+key', bucket: 'bucket' };
const Bucket = target.bucket;
const verify = createVerifier({
  secretOf: (id) => (id === target.accessKeyId ? target.secretAccessKey : undefined),
});

let server: Server;
let client: S3Client;
let endpoint: string;
/** The verdicts on the requests since the last look: who each is from, or why it was refused. */
let verdicts: (Authentication | Error)[] = [];
let head: RequestHead | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    head = { method: request.method ?? '', target: request.url ?? '', rawHeaders: request.rawHeaders };
    try {
      verdicts.push(verify(head));
    } catch (error) {
      verdicts.push(error as Error);
    }
    request.resume().on('end', () => response.end(request.method === 'GET' ? '<a/>' : ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = s3Client({ ...target, endpoint });
});

afterAll(async () => {
  client.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function verified(sent: Promise<unknown>): Promise<PayloadHash['kind']> {
  verdicts = [];
  await sent;
  const verdict = verdicts.at(-1);
  if (verdict === undefined || verdict instanceof Error) throw verdict ?? new Error('nothing was received');
  return verdict.payloadHash.kind;
}

/** Any Unicode, lone surrogates aside: those have no UTF-8. */
const keys = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        '/',
        '.',
        '..',
        '+',
        ' ',
        '%',
        '%2F',
        'ü',
        '€',
        '🌍',
        '?',
        '#',
        '&',
        '=',
        ';',
        '*',
        "'",
        '~',
      ),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    .map((parts) => parts.join('')),
);

/** Header values must be printable; S3 takes ASCII metadata. */
const asciiValues = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });

describe('requests of the AWS SDK', () => {
  it('are verified for keys of any Unicode', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (Key) => {
        expect(await verified(client.send(new HeadObjectCommand({ Bucket, Key })))).toBe('sha256');
      }),
      { numRuns: 200, examples: [['a//b'], ['./x'], ['/'], ['../..'], ['a b+c%20d'], ['\u0000\u007f']] },
    );
  });

  it('are verified for any prefix, delimiter and token', async () => {
    await fc.assert(
      fc.asyncProperty(keys, keys, keys, async (Prefix, Delimiter, ContinuationToken) => {
        const list = new ListObjectsV2Command({ Bucket, Prefix, Delimiter, ContinuationToken });
        expect(await verified(client.send(list))).toBe('sha256');
      }),
      { numRuns: 60 },
    );
  });

  it('are verified with metadata', async () => {
    await fc.assert(
      fc.asyncProperty(asciiValues, asciiValues, async (a, b) => {
        const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'hello', Metadata: { a, b } });
        expect(await verified(client.send(put))).toBe('sha256');
      }),
      { numRuns: 60, examples: [['  two  blanks  ', '']] },
    );
  });

  it('are verified for a body that is streamed', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: Readable.from(['hello']), ContentLength: 5 });
    expect(await verified(client.send(put))).toBe('streaming');
  });

  it('are verified when presigned, for keys of any Unicode', async () => {
    await fc.assert(
      fc.asyncProperty(keys, async (Key) => {
        const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 });
        expect(url.startsWith(`${endpoint}/`)).toBe(true);
        const rawHeaders = ['Host', new URL(endpoint).host];
        const authentication = verify({ method: 'GET', target: url.slice(endpoint.length), rawHeaders });
        expect(authentication).toMatchObject({ via: 'query', payloadHash: { kind: 'unsigned' } });
      }),
      { numRuns: 200 },
    );
  });

  it('are verified as curl would send a presigned upload', async () => {
    const put = new PutObjectCommand({ Bucket, Key: 'a b', ContentType: 'text/plain' });
    const url = await getSignedUrl(client, put, {
      expiresIn: 60,
      signableHeaders: new Set(['content-type']),
    });
    const rawHeaders = ['Host', new URL(endpoint).host, 'Content-Type', 'text/plain', 'Accept', '*/*'];
    const presigned = { method: 'PUT', target: url.slice(endpoint.length), rawHeaders };
    expect(verify(presigned)).toMatchObject({ via: 'query' });
    const changed = rawHeaders.map((value) => value.replace('text/plain', 'text/html'));
    expect(() => verify({ ...presigned, rawHeaders: changed })).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    );
  });

  it('are refused if a proxy rewrites a header that was signed', async () => {
    await verified(
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'hello', ContentType: 'a/b' })),
    );
    const sent = head as RequestHead;
    const rewritten = sent.rawHeaders.map((value) => (value === 'a/b' ? 'a/c' : value));
    expect(rewritten).not.toEqual(sent.rawHeaders);
    expect(() => verify({ ...sent, rawHeaders: rewritten })).toThrow(
      expect.objectContaining({ code: 'SignatureDoesNotMatch' }),
    );
  });
});
