import { parseAuthorization } from '../../../gateway/sigv4/authorization';
import { canonicalRequest } from '../../../gateway/sigv4/canonical-request';
import { parseHead } from '../../../gateway/sigv4/request-head';
import { SIGV4_VECTORS, vectorHead } from '../../support/sigv4-vectors';

const canonical = (target: string, rawHeaders: string[] = [], signedHeaders: string[] = []) =>
  canonicalRequest(parseHead({ method: 'GET', target, rawHeaders }), signedHeaders, 'HASH').split('\n');

describe('the canonical request', () => {
  it.each(SIGV4_VECTORS)('is the published one: $title', (vector) => {
    const head = parseHead(vectorHead(vector));
    const { signedHeaders, payloadHash } = parseAuthorization(head);
    expect(canonicalRequest(head, signedHeaders, payloadHash.text)).toBe(vector.canonicalRequest);
  });

  it.each([
    ['/bucket/a%20b', '/bucket/a%20b'],
    ['/bucket/a+b', '/bucket/a%2Bb'],
    ['/bucket/a%2bb', '/bucket/a%2Bb'],
    ['/bucket//a/./../b/', '/bucket//a/./../b/'],
    ['/bucket/%61%7E~', '/bucket/a~~'],
    ['/bucket/a%2Fb', '/bucket/a/b'],
    ['/bucket/%E2%82%AC%f0%9f%8c%8d', '/bucket/%E2%82%AC%F0%9F%8C%8D'],
    ["/bucket/!'()*;:@&=$,", '/bucket/%21%27%28%29%2A%3B%3A%40%26%3D%24%2C'],
    ['http://host:9000/bucket/key', '/bucket/key'],
    ['http://host', '/'],
    ['', '/'],
  ])('escapes the path %s once, and does not normalise it', (target, path) => {
    expect(canonical(target)[1]).toBe(path);
  });

  it.each([
    ['b=2&a=1', 'a=1&b=2'],
    ['a-b=1&a=2', 'a=2&a-b=1'],
    ['a=2&a=1&a=10', 'a=1&a=10&a=2'],
    ['uploads', 'uploads='],
    ['a=b=c', 'a=b%3Dc'],
    ['&&a=1&', 'a=1'],
    ['prefix=%2F&delimiter=/', 'delimiter=%2F&prefix=%2F'],
    ['a=x+y', 'a=x%20y'],
    ['B=1&a=2', 'B=1&a=2'],
    ['X-Amz-Signature=f00&a=1', 'a=1'],
  ])('sorts and escapes the query %s', (query, expected) => {
    expect(canonical(`/?${query}`)[2]).toBe(expected);
  });

  it('joins repeated headers, and trims blanks but no other byte', () => {
    const raw = ['X-Amz-Meta-A', '  one   two ', 'x-amz-meta-a', 'three', 'Host', '\u00a0h\u00a0\u00a0'];
    const lines = canonical('/', raw, ['host', 'x-amz-meta-a', 'absent']);
    expect(lines.slice(3)).toEqual([
      'host:\u00a0h\u00a0\u00a0',
      'x-amz-meta-a:one two,three',
      'absent:',
      '',
      'host;x-amz-meta-a;absent',
      'HASH',
    ]);
  });
});
