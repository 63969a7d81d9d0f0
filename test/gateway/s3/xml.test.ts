import { XMLParser } from 'fast-xml-parser';
import fc from 'fast-check';
import { S3Error } from '../../../gateway/errors';
import { readCompleteRequest } from '../../../gateway/s3/complete-request';
import { readDeleteRequest } from '../../../gateway/s3/delete-request';
import { childrenOf, readDocument, textOf } from '../../../gateway/s3/xml-read';
import { thrownBy } from '../../contract/refusal';
import { document, escapeText } from '../../../gateway/s3/xml-write';

const malformed = 'MalformedXML';

describe('a response document', () => {
  it('nests, repeats and leaves out elements', () => {
    const xml = document('Root', { A: 1, B: [{ C: true }, { C: false }], D: undefined, E: {}, F: [] });
    expect(xml).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n<Root xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        '<A>1</A><B><C>true</C></B><B><C>false</C></B><E></E></Root>',
    );
  });

  it('escapes markup and control characters', () => {
    expect(escapeText('<a & "b">\r\n\t\u0001')).toBe('&lt;a &amp; &quot;b&quot;&gt;&#xd;\n\t&#x1;');
  });

  it('gives a parser back the text that went in, wherever XML can hold it', () => {
    const texts = fc.string({ unit: 'binary' }).filter((text) => !/[\x00-\x1f\x7f\ufffe\uffff]/.test(text));
    const parser = new XMLParser({ parseTagValue: false, trimValues: false });
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parser.parse(document('R', { K: text })) as { R: { K: string } };
        expect(parsed.R.K).toBe(text);
      }),
    );
  });
});

describe('a request document', () => {
  it('gives back every text that was escaped, whitespace included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const root = readDocument(`<R><K>${escapeText(text)}</K></R>`, 'R');
        expect(textOf(root, 'K')).toBe(text);
      }),
    );
  });

  it('may have a declaration, a namespace, comments, attributes and blanks', () => {
    const xml = `<?xml version="1.0"?>\n<!-- c --><s3:R xmlns:s3="u">\n  <s3:K a="b">v</s3:K>\n</s3:R>\n`;
    expect(textOf(readDocument(xml, 'R'), 'K')).toBe('v');
  });

  it.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['another root', '<X><K>v</K></X>'],
    ['two roots', '<R></R><R></R>'],
    ['an open element', '<R><K>v</R>'],
    ['a document type', '<!DOCTYPE R [<!ENTITY a "b">]><R><K>&a;</K></R>'],
    ['depth beyond any S3 document', `${'<R>'.repeat(50)}${'</R>'.repeat(50)}`],
    ['a name that JavaScript gives a meaning', '<R><__proto__>v</__proto__></R>'],
  ])('refuses %s', (_name, xml) => {
    expect(thrownBy(() => readDocument(xml, 'R'))).toBe(malformed);
  });

  it.each([
    ['an unknown entity', '<R><K>&unknown;</K></R>'],
    ['a character that there is not', '<R><K>&#x110000;</K></R>'],
    ['an element given twice', '<R><K>a</K><K>b</K></R>'],
    ['an element in place of text', '<R><K><L>a</L></K></R>'],
  ])('refuses %s', (_name, xml) => {
    expect(thrownBy(() => textOf(readDocument(xml, 'R'), 'K'))).toBe(malformed);
  });

  it('refuses text in place of elements', () => {
    expect(thrownBy(() => childrenOf(readDocument('<R><K>a</K></R>', 'R'), 'K'))).toBe(malformed);
  });

  it('ends in elements or in MalformedXML, whatever comes in', () => {
    const piece = fc.constantFrom(
      '<R>',
      '</R>',
      '<K>',
      '</K>',
      '<K/>',
      '&amp;',
      '&#x',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '"',
      'a',
      '<?',
      '?>',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 }))), (pieces) => {
        try {
          textOf(readDocument(pieces.join(''), 'R'), 'K');
        } catch (error) {
          expect(error).toBeInstanceOf(S3Error);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the body of DeleteObjects', () => {
  const object = (key: string) => `<Object><Key>${key}</Key></Object>`;

  it('names keys, versions and ETags', () => {
    const xml = `<Delete><Object><Key> a&#13;</Key><VersionId>null</VersionId></Object>${object('b')}<Quiet>true</Quiet></Delete>`;
    expect(readDeleteRequest(xml)).toEqual({
      objects: [{ key: ' a\r', versionId: 'null' }, { key: 'b' }],
      quiet: true,
    });
  });

  it('has one to 1,000 keys', () => {
    const request = (n: number) => `<Delete>${object('a').repeat(n)}</Delete>`;
    expect(readDeleteRequest(request(1_000)).objects).toHaveLength(1_000);
    expect(thrownBy(() => readDeleteRequest(request(1_001)))).toBe(malformed);
    expect(thrownBy(() => readDeleteRequest(request(0)))).toBe(malformed);
    expect(thrownBy(() => readDeleteRequest(`<Delete>${object('')}</Delete>`))).toBe(malformed);
  });
});

describe('the body of CompleteMultipartUpload', () => {
  const part = (number: string, extra = '') =>
    `<Part><PartNumber>${number}</PartNumber><ETag>&quot;abc&quot;</ETag>${extra}</Part>`;
  const request = (parts: string) => `<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`;

  it('names parts in its own order, with or without checksums', () => {
    expect(
      readCompleteRequest(request(part('2') + part('1', '<ChecksumCRC32>AAAAAA==</ChecksumCRC32>'))),
    ).toEqual([
      { partNumber: 2, etag: 'abc' },
      { partNumber: 1, etag: 'abc', checksum: 'AAAAAA==' },
    ]);
  });

  it('takes the last of a part that it names twice in a row', () => {
    const again = part('1').replace('abc', 'def');
    expect(readCompleteRequest(request(part('1') + again + part('2')))).toEqual([
      { partNumber: 1, etag: 'def' },
      { partNumber: 2, etag: 'abc' },
    ]);
  });

  it.each(['', '<Part></Part>', part('x'), part(''), '<Part><PartNumber>1</PartNumber></Part>'])(
    'refuses %j',
    (parts) => {
      expect(thrownBy(() => readCompleteRequest(request(parts)))).toBe(malformed);
    },
  );

  it.each(['0', '10001'])('refuses part number %s', (number) => {
    expect(thrownBy(() => readCompleteRequest(request(part(number))))).toBe('InvalidArgument');
  });
});
