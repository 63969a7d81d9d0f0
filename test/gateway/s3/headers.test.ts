import { thrownBy } from '../../contract/refusal';
import { parseCopySource } from '../../../gateway/s3/copy-source';
import { formatHttpDate, parseHttpDate } from '../../../gateway/s3/http-date';
import { attributesOf, headerText } from '../../../gateway/s3/object-headers';
import { decodeContinuationToken, encodeContinuationToken } from '../../../gateway/s3/continuation-token';
import { sliceOf } from '../../../gateway/s3/slice';
import type { ObjectInfo } from '../../../gateway/store/object-store';
import fc from 'fast-check';

describe('an HTTP date', () => {
  const instant = Date.UTC(1994, 10, 6, 8, 49, 37);

  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'may be written as %s',
    (text) => {
      expect(parseHttpDate(text)).toBe(instant);
    },
  );

  it.each([undefined, '', '0', 'yesterday', '1994-11-06T08:49:37Z', 'Sun, 99 Nov 1994 08:49:37 GMT'])(
    'is not %s',
    (text) => {
      expect(parseHttpDate(text)).toBeUndefined();
    },
  );

  it('reads back as it was written, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseHttpDate(formatHttpDate(seconds * 1_000))).toBe(seconds * 1_000);
      }),
    );
  });
});

describe('the attributes of an object', () => {
  it('are its stored headers and its metadata, and nothing else', () => {
    const headers = {
      'content-type': 'text/plain',
      'content-encoding': 'aws-chunked,gzip',
      'x-amz-meta-a': '1',
      'content-length': '5',
      authorization: 'secret',
      'x-amz-date': 'x',
    };
    expect(attributesOf(headers)).toEqual({
      headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' },
      metadata: { a: '1' },
    });
  });

  it('have the content type that S3 gives to what has none', () => {
    expect(attributesOf({ 'content-encoding': 'aws-chunked' }).headers).toEqual({
      'content-type': 'binary/octet-stream',
    });
  });

  it('have no control characters when they come from a query', () => {
    expect(headerText('caf\u00e9')).toBe('caf\u00c3\u00a9');
    expect(thrownBy(() => headerText('a\r\nset-cookie: b'))).toBe('InvalidArgument');
  });
});

describe('a copy source', () => {
  it.each([
    ['bucket/key', 'key'],
    ['/bucket/key', 'key'],
    ['bucket/a%2Fb%20c?versionId=null', 'a/b c'],
    ['bucket//a', '/a'],
    ['bucket/a%3FversionId=1', 'a?versionId=1'],
    ['bucket/a+b', 'a+b'],
  ])('%s names the key %j', (header, key) => {
    expect(parseCopySource(header)).toEqual({ bucket: 'bucket', key });
  });

  it.each(['', 'bucket', '/bucket', 'bucket/', '/', 'B/key', 'bucket/key?versionId=1', 'bucket/%FF'])(
    'is not %j',
    (header) => {
      expect(['InvalidArgument', 'InvalidURI']).toContain(thrownBy(() => parseCopySource(header)));
    },
  );
});

describe('a continuation token', () => {
  it('leads back to its key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (key) => {
        const token = encodeContinuationToken(key);
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeContinuationToken(token)).toBe(key);
      }),
    );
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const outcome = thrownBy(() => encodeContinuationToken(decodeContinuationToken(text)));
        expect(['InvalidArgument', { returned: text }]).toContainEqual(outcome);
      }),
    );
  });
});

describe('a part of an object', () => {
  const info = {
    size: 12,
    parts: [
      { partNumber: 1, size: 7 },
      { partNumber: 5, size: 5 },
    ],
  } as unknown as ObjectInfo;
  const part = (partNumber: string) => sliceOf(info, undefined, new Map([['partNumber', partNumber]]));

  it('is where the parts before it end', () => {
    expect(part('5')).toMatchObject({ range: { start: 7, end: 12 }, partial: true, partsCount: 2 });
  });

  it.each([
    ['2', 'InvalidPart'],
    ['0', 'InvalidArgument'],
    ['x', 'InvalidArgument'],
  ])('%s is refused with %s', (partNumber, code) => {
    expect(thrownBy(() => part(partNumber))).toBe(code);
  });
});
