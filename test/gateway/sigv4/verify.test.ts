import fc from 'fast-check';
import type { S3Error } from '../../../gateway/errors';
import type { RequestHead } from '../../../gateway/sigv4/request-head';
import { createVerifier, type Authentication } from '../../../gateway/sigv4/verify';
import { refusal } from '../../support/refusal';
import { signRequest } from '../../support/sign-request';
import { SIGV4_VECTORS, VECTOR_TIME_MS, vectorHead } from '../../support/sigv4-vectors';

const ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const MINUTE_MS = 60_000;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const secretOf = (accessKeyId: string) => (accessKeyId === ACCESS_KEY_ID ? SECRET : undefined);
const verifyAt = (head: RequestHead, now: number) => createVerifier({ secretOf, now: () => now })(head);

function vector(title: RegExp): RequestHead {
  const found = SIGV4_VECTORS.find((each) => title.test(each.title));
  if (!found) throw new Error(`no vector ${title.source}`);
  return vectorHead(found);
}
const byHeader = vector(/^GET Object/);
const byQuery = vector(/^Presigned/);

const verdict = (head: RequestHead, now = VECTOR_TIME_MS) => refusal(() => verifyAt(head, now));

/** Replaces the value of a header, or takes the header out. */
function withHeader(head: RequestHead, name: string, value?: string): RequestHead {
  const rawHeaders: string[] = [];
  for (let i = 0; i < head.rawHeaders.length; i += 2) {
    const [key = '', old = ''] = head.rawHeaders.slice(i, i + 2);
    if (key.toLowerCase() !== name) rawHeaders.push(key, old);
  }
  return { ...head, rawHeaders: value === undefined ? rawHeaders : [...rawHeaders, name, value] };
}

function withAuthorization(change: (old: string) => string): RequestHead {
  const at = byHeader.rawHeaders.indexOf('Authorization');
  return withHeader(byHeader, 'authorization', change(byHeader.rawHeaders[at + 1] ?? ''));
}

function withQuery(change: (target: string) => string): RequestHead {
  return { ...byQuery, target: change(byQuery.target) };
}

function signed(headers: Readonly<Record<string, string>>): RequestHead {
  const signer = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET, at: VECTOR_TIME_MS };
  const unsigned = { method: 'GET', target: '/bucket/key', headers, payloadHash: EMPTY_SHA256 };
  const request = signRequest(unsigned, signer);
  return { ...unsigned, rawHeaders: Object.entries(request.headers).flat() };
}

describe('the verifier', () => {
  it.each(SIGV4_VECTORS)("lets in Amazon's example: $title", (example) => {
    const authentication = verifyAt(vectorHead(example), VECTOR_TIME_MS);
    expect(authentication).toMatchObject({
      accessKeyId: ACCESS_KEY_ID,
      scope: { date: '20130524', region: 'us-east-1', service: 's3' },
      timestamp: '20130524T000000Z',
      via: example.title.startsWith('Presigned') ? 'query' : 'header',
      seedSignature: example.signature,
    } satisfies Partial<Authentication>);
  });

  it('takes part in whichever region the client names, with one key per region', () => {
    const verify = createVerifier({ secretOf, now: () => VECTOR_TIME_MS });
    const atHome = verify(byHeader);
    expect(verify(byHeader).signingKey).toBe(atHome.signingKey);
    expect(refusal(() => verify(withAuthorization((old) => old.replace('us-east-1', 'homelab'))))).toBe(
      '403 SignatureDoesNotMatch',
    );
  });

  it('goes by the secret of the moment', () => {
    let secret = SECRET;
    const verify = createVerifier({ secretOf: () => secret, now: () => VECTOR_TIME_MS });
    verify(byHeader);
    secret = 'another';
    expect(refusal(() => verify(byHeader))).toBe('403 SignatureDoesNotMatch');
  });

  it('goes by the bytes of a header, also where they are no ASCII', () => {
    const utf8 = Buffer.from('größe €\u00a0').toString('latin1');
    expect(verdict(signed({ host: 'h', 'x-amz-meta-a': utf8 }))).toBe('let in');
  });

  it('takes the Date header where there is no x-amz-date', () => {
    const head = withHeader(byHeader, 'x-amz-date');
    expect(verdict(head)).toBe('403 AccessDenied');
    // The header was signed, so that leaving it out is found out; but the date is taken.
    const dated = withHeader(head, 'date', 'Fri, 24 May 2013 00:00:00 GMT');
    expect(verdict(dated)).toBe('403 SignatureDoesNotMatch');
  });
});

describe('a request signed in its header', () => {
  it.each([
    ['without any signature', withHeader(byHeader, 'authorization'), '403 AccessDenied'],
    ['by an unknown key', withAuthorization((old) => old.replace('AKIA', 'AKIB')), '403 InvalidAccessKeyId'],
    [
      'with another signature',
      withAuthorization((old) => old.replace(/.$/, '0')),
      '403 SignatureDoesNotMatch',
    ],
    ['with half a signature', withAuthorization((old) => old.slice(0, -32)), '403 SignatureDoesNotMatch'],
    ['with another method', { ...byHeader, method: 'DELETE' }, '403 SignatureDoesNotMatch'],
    ['with another path', { ...byHeader, target: '/test.tx' }, '403 SignatureDoesNotMatch'],
    ['with another query', { ...byHeader, target: '/test.txt?acl' }, '403 SignatureDoesNotMatch'],
    [
      'with another value of a signed header',
      withHeader(byHeader, 'range', 'bytes=0-8'),
      '403 SignatureDoesNotMatch',
    ],
    ['without a signed header', withHeader(byHeader, 'range'), '403 SignatureDoesNotMatch'],
    [
      'with a signed header twice',
      { ...byHeader, rawHeaders: [...byHeader.rawHeaders, 'Range', 'bytes=0-9'] },
      '403 SignatureDoesNotMatch',
    ],
    [
      'with an x-amz header that is not signed',
      withHeader(byHeader, 'x-amz-acl', 'public-read'),
      '403 AccessDenied',
    ],
    [
      'without host among the signed headers',
      withAuthorization((old) => old.replace('host;', '')),
      '403 AccessDenied',
    ],
    [
      'for another service',
      withAuthorization((old) => old.replace('/s3/', '/ec2/')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with another terminal',
      withAuthorization((old) => old.replace('aws4_request', 'aws5_request')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with a scope of another day',
      withAuthorization((old) => old.replace('/20130524/', '/20130523/')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with a credential of four parts',
      withAuthorization((old) => old.replace('/aws4_request', '')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with a slash in the access key id',
      withAuthorization((old) => old.replace('AKIA', 'AK/IA')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with an access key id of 129 characters',
      withAuthorization((old) => old.replace(ACCESS_KEY_ID, 'a'.repeat(129))),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'without Signature',
      withAuthorization((old) => old.replace(/,Signature=.*/, '')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with two Signatures',
      withAuthorization((old) => old.replace(/(,Signature=.*)/, '$1$1')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with an unknown component',
      withAuthorization((old) => `${old},More=1`),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with upper-case signed headers',
      withAuthorization((old) => old.replace('host;', 'Host;')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with a signed header named twice',
      withAuthorization((old) => old.replace('host;', 'host;host;')),
      '400 AuthorizationHeaderMalformed',
    ],
    [
      'with nothing after the scheme',
      withAuthorization(() => 'AWS4-HMAC-SHA256'),
      '400 AuthorizationHeaderMalformed',
    ],
    ['by Signature Version 2', withAuthorization(() => 'AWS AKIA:c2ln'), '400 InvalidRequest'],
    [
      'by Signature Version 4A',
      withAuthorization((old) => old.replace('HMAC-SHA256', 'ECDSA-P256-SHA256')),
      '501 NotImplemented',
    ],
    ['by another scheme', withAuthorization(() => 'Bearer token'), '400 InvalidArgument'],
    [
      'twice',
      { ...byHeader, rawHeaders: [...byHeader.rawHeaders, 'Authorization', 'AWS4-HMAC-SHA256'] },
      '400 InvalidArgument',
    ],
    ['and in its query', { ...byQuery, rawHeaders: byHeader.rawHeaders }, '400 InvalidArgument'],
    ['without a payload hash', withHeader(byHeader, 'x-amz-content-sha256'), '400 InvalidRequest'],
    [
      'with a malformed payload hash',
      withHeader(byHeader, 'x-amz-content-sha256', 'x'),
      '400 InvalidArgument',
    ],
    [
      'with two payload hashes',
      { ...byHeader, rawHeaders: [...byHeader.rawHeaders, 'x-amz-content-sha256', EMPTY_SHA256] },
      '400 BadRequest',
    ],
    ['with a malformed date', withHeader(byHeader, 'x-amz-date', 'yesterday'), '403 AccessDenied'],
  ])('%s is refused', (_name, head, expected) => {
    expect(verdict(head)).toBe(expected);
  });

  it('may be 15 minutes old or early, and no more', () => {
    expect(verdict(byHeader, VECTOR_TIME_MS + 15 * MINUTE_MS)).toBe('let in');
    expect(verdict(byHeader, VECTOR_TIME_MS - 15 * MINUTE_MS)).toBe('let in');
    expect(verdict(byHeader, VECTOR_TIME_MS + 15 * MINUTE_MS + 1)).toBe('403 RequestTimeTooSkewed');
    expect(verdict(byHeader, VECTOR_TIME_MS - 15 * MINUTE_MS - 1)).toBe('403 RequestTimeTooSkewed');
  });

  it('is told what was signed here if its signature is wrong, and no secret', () => {
    const example = SIGV4_VECTORS.find(({ title }) => title.startsWith('GET Object'));
    expect.assertions(2);
    try {
      verifyAt(
        withAuthorization((old) => old.replace(/.$/, '0')),
        VECTOR_TIME_MS,
      );
    } catch (error) {
      const { details } = error as S3Error;
      expect(details).toEqual({
        AWSAccessKeyId: ACCESS_KEY_ID,
        StringToSign: example?.stringToSign,
        CanonicalRequest: example?.canonicalRequest,
      });
      expect(JSON.stringify(details)).not.toContain(example?.signature);
    }
  });
});

describe('a presigned URL', () => {
  const DAY_MS = 24 * 60 * MINUTE_MS;

  it('is good for as long as it says', () => {
    expect(verdict(byQuery, VECTOR_TIME_MS + DAY_MS - 1)).toBe('let in');
    expect(verdict(byQuery, VECTOR_TIME_MS + DAY_MS)).toBe('403 AccessDenied');
    expect(() => verifyAt(byQuery, VECTOR_TIME_MS + DAY_MS)).toThrow('Request has expired');
  });

  it('may be 15 minutes early, and no more', () => {
    expect(verdict(byQuery, VECTOR_TIME_MS - 15 * MINUTE_MS)).toBe('let in');
    expect(() => verifyAt(byQuery, VECTOR_TIME_MS - 15 * MINUTE_MS - 1)).toThrow('Request is not valid yet');
  });

  it.each([
    ['with another signature', withQuery((url) => url.replace(/.$/, '0')), '403 SignatureDoesNotMatch'],
    ['with another path', withQuery((url) => url.replace('test', 'rest')), '403 SignatureDoesNotMatch'],
    ['with another parameter', withQuery((url) => `${url}&a=1`), '403 SignatureDoesNotMatch'],
    ['with a longer life', withQuery((url) => url.replace('86400', '86401')), '403 SignatureDoesNotMatch'],
    ['for no time', withQuery((url) => url.replace('86400', '0')), '403 AccessDenied'],
    [
      'for more than a week',
      withQuery((url) => url.replace('86400', '604801')),
      '400 AuthorizationQueryParametersError',
    ],
    ['for a negative time', withQuery((url) => url.replace('86400', '-1')), '403 AccessDenied'],
    [
      'for a time that is no number',
      withQuery((url) => url.replace('86400', '1e3')),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'without a signature',
      withQuery((url) => url.replace(/&X-Amz-Signature.*/, '')),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'without a date',
      withQuery((url) => url.replace(/&X-Amz-Date[^&]*/, '')),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'with a malformed date',
      withQuery((url) => url.replace('T000000Z', '')),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'with a parameter twice',
      withQuery((url) => `${url}&X-Amz-Expires=1`),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'by another algorithm',
      withQuery((url) => url.replace('HMAC', 'MD5')),
      '400 AuthorizationQueryParametersError',
    ],
    [
      'for another service',
      withQuery((url) => url.replace('%2Fs3%2F', '%2Fiam%2F')),
      '400 AuthorizationQueryParametersError',
    ],
    ['with a parameter that is not UTF-8', withQuery((url) => url.replace('AKIA', '%FF')), '400 InvalidURI'],
    [
      'with a malformed payload hash',
      withQuery((url) => `${url}&X-Amz-Content-Sha256=x`),
      '400 InvalidArgument',
    ],
    ['sent with an x-amz header', withHeader(byQuery, 'x-amz-acl', 'private'), '403 AccessDenied'],
    [
      'by Signature Version 2',
      withQuery(() => '/b/k?AWSAccessKeyId=A&Expires=1&Signature=s'),
      '400 InvalidRequest',
    ],
    ['by an unknown key', withQuery((url) => url.replace('AKIA', 'AKIB')), '403 InvalidAccessKeyId'],
  ])('%s is refused', (_name, head, expected) => {
    expect(verdict(head)).toBe(expected);
  });
});

describe('whatever a peer sends', () => {
  const authorization = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string().map((text) => `AWS4-HMAC-SHA256 ${text}`),
    fc
      .tuple(fc.string(), fc.string(), fc.string())
      .map(([a, b, c]) => `AWS4-HMAC-SHA256 Credential=${a},SignedHeaders=${b},Signature=${c}`),
  );

  it('is refused with an S3 error', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webPath(),
          fc.string().map((text) => `${byQuery.target}${text}`),
        ),
        fc.array(fc.string({ unit: 'binary' })),
        fc.option(authorization, { nil: undefined }),
        (method, target, rawHeaders, auth) => {
          const head = {
            method,
            target,
            rawHeaders: auth ? ['authorization', auth, ...rawHeaders] : rawHeaders,
          };
          expect(verdict(head)).toMatch(/^(4\d\d|501) \w+$/);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused if one character of what is signed differs', () => {
    const raw = byHeader.rawHeaders.join('\n');
    const positions = fc.integer({ min: 0, max: raw.length - 1 });
    const characters = fc.constantFrom(...'aZ09-/,;=%');
    fc.assert(
      fc.property(positions, characters, (at, character) => {
        fc.pre(/[^\s,]/.test(raw[at] ?? '') && raw[at]?.toLowerCase() !== character.toLowerCase());
        const changed = `${raw.slice(0, at)}${character}${raw.slice(at + 1)}`;
        expect(verdict({ ...byHeader, rawHeaders: changed.split('\n') })).not.toBe('let in');
      }),
      { numRuns: 500 },
    );
  });
});
