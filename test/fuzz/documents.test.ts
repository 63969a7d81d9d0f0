/** Parsers of what comes with a request: anything but what they read is an S3 error, and never another one. */
import fc from 'fast-check';
import { S3Error } from '../../gateway/errors';
import { writeCondition, checkRead } from '../../gateway/s3/conditions';
import { readCompleteRequest } from '../../gateway/s3/complete-request';
import { decodeContinuationToken } from '../../gateway/s3/continuation-token';
import { parseCopySource } from '../../gateway/s3/copy-source';
import { readDeleteRequest } from '../../gateway/s3/delete-request';
import { attributesOf } from '../../gateway/s3/object-headers';
import { parseCopyRange, parseRange } from '../../gateway/s3/range';
import { checkSupported } from '../../gateway/s3/unsupported-headers';
import { uploadChecksum } from '../../gateway/s3/upload-checksum';
import { decodeAwsChunked } from '../../gateway/sigv4/aws-chunked';

const RUNS = { numRuns: 400 };

/** What the parser gives, or the code of its S3 error; any other error is thrown on. */
function outcome(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    if (error instanceof S3Error && error.status < 500) return error.code;
    throw error;
  }
}

/** Documents whose elements have the right names in the wrong places. */
const { xml } = fc.letrec<{ xml: string }>((tie) => ({
  xml: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(
      '',
      'a',
      '&amp;',
      '&b;',
      '&#x41;',
      '&#xffffffff;',
      '<![CDATA[x]]>',
      '<!-- c -->',
      ' ',
      '1',
      '<',
    ),
    fc
      .tuple(
        fc.constantFrom(
          'Delete',
          'Object',
          'Key',
          'ETag',
          'Quiet',
          'CompleteMultipartUpload',
          'Part',
          'PartNumber',
          '__proto__',
          'ns:Key',
        ),
        fc.array(tie('xml'), { maxLength: 4 }),
      )
      .map(([name, children]) => `<${name}>${children.join('')}</${name}>`),
  ),
}));

describe('a request document', () => {
  it.each([
    ['DeleteObjects', readDeleteRequest, 'Delete'],
    ['CompleteMultipartUpload', readCompleteRequest, 'CompleteMultipartUpload'],
  ])('of %s is read or refused, whatever it is', (_name, read, root) => {
    fc.assert(
      fc.property(
        fc.oneof(
          xml,
          fc.string({ unit: 'binary' }),
          xml.map((inner) => `<${root}>${inner}</${root}>`),
        ),
        (text) => {
          outcome(() => read(text));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('is refused in no time however deep it nests', () => {
    const deep = '<Delete>'.repeat(200_000);
    expect(outcome(() => readDeleteRequest(deep))).toBe('MalformedXML');
    expect(
      outcome(() => readDeleteRequest(`<Delete>${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}</Delete>`)),
    ).toBe('MalformedXML');
  });
});

describe('a request header', () => {
  const info = { etag: 'e', lastModified: 0, size: 100 };
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.stringMatching(/^bytes=-?\d*-?\d*$/),
    fc.stringMatching(/^\/?\w*\/%?\w*$/),
  );
  it.each<[string, (text: string) => unknown]>([
    ['range', (text) => parseRange(text, 100)],
    ['x-amz-copy-source-range', (text) => parseCopyRange(text, 100)],
    ['x-amz-copy-source', parseCopySource],
    ['continuation token', decodeContinuationToken],
    ['if-match', (text) => checkRead({ 'if-match': text, 'if-unmodified-since': text }, info)],
    ['if-none-match', (text) => writeCondition({ 'if-none-match': text })?.(undefined)],
    ['content-encoding', (text) => attributesOf({ 'content-encoding': text, [`x-amz-meta-${text}`]: text })],
    ['x-amz-acl', (text) => checkSupported({ 'x-amz-acl': text, 'x-amz-storage-class': text })],
    [
      'x-amz-checksum-algorithm',
      (text) => uploadChecksum({ 'x-amz-checksum-algorithm': text, 'x-amz-checksum-type': text }),
    ],
  ])('%s is read or refused, whatever it is', (_name, parse) => {
    fc.assert(
      fc.property(value, (text) => void outcome(() => parse(text))),
      RUNS,
    );
  });
});

describe('an aws-chunked body', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(
        '5\r\n',
        'hello',
        '\r\n',
        '0\r\n',
        'ffffffffffffffff\r\n',
        '-1\r\n',
        'a: b\r\n',
        '5;chunk-signature=00\r\n',
      )
      .map((text) => Buffer.from(text)),
  );

  it('is taken apart or refused, whatever it is and however it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 12 }),
        fc.nat(30),
        fc.boolean(),
        async (pieces, decodedLength, trailer) => {
          let size = 0;
          try {
            const source = (async function* () {
              for (const each of pieces) yield await Promise.resolve(each);
            })();
            const options = { decodedLength, ...(trailer && { trailers: ['a'] }) };
            for await (const bytes of decodeAwsChunked(source, options)) size += bytes.length;
            expect(size).toBe(decodedLength);
          } catch (error) {
            if (!(error instanceof S3Error) || error.status >= 500) throw error;
          }
          expect(size).toBeLessThanOrEqual(decodedLength);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
