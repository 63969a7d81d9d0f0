import { parseHead } from '../../../gateway/sigv4/request-head';
import { refusal } from '../../support/refusal';

const parse = (target: string, rawHeaders: string[] = []) => parseHead({ method: 'GET', target, rawHeaders });

describe('a request head', () => {
  it.each(['/%', '/%4', '/%zz', '/a%2', '/\u00e9', '/a b', '/\u0000', '/?a=%', '/?%zz=1', '/?a=\u20ac'])(
    'is refused for the target %j, which is not percent-encoded',
    (target) => {
      expect(refusal(() => parse(target))).toBe('400 InvalidURI');
    },
  );

  it('is refused if its target is longer than any that S3 has', () => {
    expect(refusal(() => parse(`/${'a'.repeat(16 * 1024)}`))).toBe('400 InvalidURI');
  });

  it('is refused if its headers are larger than 32 KiB', () => {
    expect(refusal(() => parse('/', ['a', 'x'.repeat(32 * 1024)]))).toBe('400 RequestHeaderSectionTooLarge');
  });

  it('keeps repeated parameters and headers in order', () => {
    const head = parse('/?b=1&a&b=0', ['X', '2', 'x', '1']);
    expect(head.query).toEqual([
      { name: 'b', value: '1' },
      { name: 'a', value: '' },
      { name: 'b', value: '0' },
    ]);
    expect(head.headers.get('x')).toEqual(['2', '1']);
  });
});
