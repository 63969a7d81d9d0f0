import fc from 'fast-check';
import { decodeAwsChunked } from '../../../gateway/sigv4/aws-chunked';
import { ChunkSignatures, type ChunkSigner } from '../../../gateway/sigv4/chunk-signatures';
import { deriveSigningKey } from '../../../gateway/sigv4/signing-key';
import { createVerifier } from '../../../gateway/sigv4/verify';
import { bytesOf } from '../../contract/bodies';
import { encodeAwsChunked } from '../../support/aws-chunked';
import { LET_IN, refusalOf } from '../../support/refusal';
import { SIGV4_VECTORS, VECTOR_TIME_MS, vectorBody, vectorHead } from '../../support/sigv4-vectors';
import { chunked } from '../seal/streams';

const scope = { date: '20130524', region: 'us-east-1', service: 's3' } as const;
const signer: ChunkSigner = {
  timestamp: '20130524T000000Z',
  scope,
  signingKey: deriveSigningKey('secret', scope),
  seedSignature: 'ab'.repeat(32),
};
const TRAILERS = { 'x-amz-checksum-crc32': 'NhCmhg==' };

type Variant = 'signed' | 'signed with trailers' | 'unsigned with trailers';
const VARIANTS: Variant[] = ['signed', 'signed with trailers', 'unsigned with trailers'];
const isSigned = (variant: Variant) => variant.startsWith('signed');
const hasTrailers = (variant: Variant) => variant.endsWith('trailers');

function encode(pieces: readonly Buffer[], variant: Variant): Buffer {
  return encodeAwsChunked(pieces, {
    ...(isSigned(variant) && { signer }),
    ...(hasTrailers(variant) && { trailers: TRAILERS }),
  });
}

interface Decoding {
  readonly decodedLength: number;
  readonly trailers?: readonly string[];
  /** How the framed bytes are cut, over and over. */
  readonly sizes?: readonly number[];
}

interface Decoded {
  readonly data: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
}

async function decode(framed: Buffer, variant: Variant, decoding: Decoding): Promise<Decoded> {
  const { decodedLength, sizes, trailers: names = Object.keys(TRAILERS) } = decoding;
  const trailers: Record<string, string> = {};
  const data = await bytesOf(
    decodeAwsChunked(chunked(framed, sizes), {
      decodedLength,
      onTrailer: (name, value) => (trailers[name] = value),
      ...(isSigned(variant) && { signatures: new ChunkSignatures(signer) }),
      ...(hasTrailers(variant) && { trailers: names }),
    }),
  );
  return { data, trailers };
}

const buffers = (constraints: { minLength?: number; maxLength: number }) =>
  fc.uint8Array(constraints).map((bytes) => Buffer.from(bytes));
const chunkLists = fc.array(buffers({ minLength: 1, maxLength: 300 }), { maxLength: 5 });
const variants = fc.constantFrom(...VARIANTS);
const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 6 });

describe("Amazon's example", () => {
  it.each(SIGV4_VECTORS.filter(({ chunks }) => chunks))('is decoded: $title', async (vector) => {
    const verify = createVerifier({ secretOf: () => vector.secretAccessKey, now: () => VECTOR_TIME_MS });
    const trailers: string[] = [];
    const decoded = decodeAwsChunked(chunked(vectorBody(vector)), {
      decodedLength: 66_560,
      signatures: new ChunkSignatures(verify(vectorHead(vector))),
      ...(vector.trailers && { trailers: ['x-amz-checksum-crc32c'] }),
      onTrailer: (name, value) => trailers.push(`${name}:${value}`),
    });
    expect(await bytesOf(decoded)).toEqual(Buffer.alloc(66_560, 'a'));
    expect(trailers).toEqual(vector.trailers ?? []);
  });

  it('is as long on the wire as its Content-Length says', () => {
    const plain = SIGV4_VECTORS.find(({ title }) => title.endsWith('in signed chunks'));
    expect(plain && vectorBody(plain).length).toBe(66_824);
  });
});

describe('an aws-chunked body', () => {
  it('is the same however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(chunkLists, variants, cuts, async (pieces, variant, sizes) => {
        const data = Buffer.concat(pieces);
        const decoded = decode(encode(pieces, variant), variant, { decodedLength: data.length, sizes });
        expect(await decoded).toEqual({ data, trailers: hasTrailers(variant) ? TRAILERS : {} });
      }),
    );
  });

  it('does not end if it is cut short', async () => {
    await fc.assert(
      fc.asyncProperty(chunkLists, variants, fc.nat(), async (pieces, variant, at) => {
        const decodedLength = Buffer.concat(pieces).length;
        const framed = encode(pieces, variant);
        const short = framed.subarray(0, at % framed.length);
        expect(await refusalOf(decode(short, variant, { decodedLength }))).toMatch(
          /^400 (IncompleteBody|MalformedTrailerError)$/,
        );
      }),
    );
  });

  it('does not end if anything follows it', async () => {
    await fc.assert(
      fc.asyncProperty(
        chunkLists,
        variants,
        buffers({ minLength: 1, maxLength: 40 }),
        async (pieces, variant, more) => {
          const decodedLength = Buffer.concat(pieces).length;
          const framed = Buffer.concat([encode(pieces, variant), more]);
          expect(await refusalOf(decode(framed, variant, { decodedLength }))).toMatch(
            /^400 (IncompleteBody|MalformedTrailerError)$/,
          );
        },
      ),
    );
  });

  it('holds what was declared, no more and no less', async () => {
    await fc.assert(
      fc.asyncProperty(
        chunkLists,
        variants,
        fc.integer({ min: -300, max: 300 }),
        async (pieces, variant, off) => {
          const decodedLength = Math.max(0, Buffer.concat(pieces).length + off);
          fc.pre(decodedLength !== Buffer.concat(pieces).length);
          expect(await refusalOf(decode(encode(pieces, variant), variant, { decodedLength }))).toBe(
            '400 IncompleteBody',
          );
        },
      ),
    );
  });

  it('fails with an S3 error whatever a peer sends', async () => {
    await fc.assert(
      fc.asyncProperty(variants, buffers({ maxLength: 400 }), cuts, async (variant, framed, sizes) => {
        expect(await refusalOf(decode(framed, variant, { decodedLength: 100, sizes }))).toMatch(
          /^40[03] \w+$/,
        );
      }),
    );
  });
});

describe('a signed aws-chunked body', () => {
  it('is refused if a byte differs, unless only in the case of a size or a name', async () => {
    await fc.assert(
      fc.asyncProperty(
        chunkLists,
        fc.boolean(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (pieces, trailers, position, difference) => {
          const variant = trailers ? 'signed with trailers' : 'signed';
          const data = Buffer.concat(pieces);
          const framed = encode(pieces, variant);
          const at = position % framed.length;
          const old = framed.readUInt8(at);
          framed.writeUInt8(old ^ difference, at);
          const result = decode(framed, variant, { decodedLength: data.length });
          if (difference === 0x20 && /[a-z]/i.test(String.fromCharCode(old))) {
            const verdict = await refusalOf(result);
            if (verdict === LET_IN)
              expect(await result).toEqual({ data, trailers: trailers ? TRAILERS : {} });
            else expect(verdict).toMatch(/^40[03] \w+$/);
          } else {
            expect(await refusalOf(result)).toMatch(
              /^(403 SignatureDoesNotMatch|400 IncompleteBody|400 MalformedTrailerError)$/,
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('yields no byte of a chunk before its signature is checked', async () => {
    const pieces = [Buffer.from('right'), Buffer.alloc(100_000, 'x')];
    const framed = encode(pieces, 'signed');
    framed.writeUInt8(0x79, framed.lastIndexOf('x'));
    const yielded: Buffer[] = [];
    const reading = async () => {
      const options = { decodedLength: 100_005, signatures: new ChunkSignatures(signer) };
      for await (const piece of decodeAwsChunked(chunked(framed, [1_000]), options)) yielded.push(piece);
    };
    expect(await refusalOf(reading())).toBe('403 SignatureDoesNotMatch');
    expect(Buffer.concat(yielded).toString()).toBe('right');
  });

  it('streams a chunk too large to be held, and fails before it ends', async () => {
    const piece = Buffer.alloc(1024 * 1024 + 1, 'x');
    const framed = encode([piece], 'signed');
    const decoding = { decodedLength: piece.length, sizes: [65_536] };
    expect((await decode(framed, 'signed', decoding)).data.equals(piece)).toBe(true);
    framed.writeUInt8(0x79, framed.lastIndexOf('x'));
    expect(await refusalOf(decode(framed, 'signed', decoding))).toBe('403 SignatureDoesNotMatch');
  });

  it('is refused if its chunks are swapped, left out or repeated', async () => {
    const [a, b] = [Buffer.alloc(10, 'a'), Buffer.alloc(10, 'b')];
    const framed = encode([a, b], 'signed');
    const size = framed.indexOf('a;', 90); // Where the second chunk's header starts.
    const [first, second, last] = [
      framed.subarray(0, size),
      framed.subarray(size, 2 * size),
      framed.subarray(2 * size),
    ];
    for (const parts of [
      [second, first, last],
      [first, last],
      [first, first, last],
      [first, second, second, last],
    ]) {
      const decodedLength = (parts.length - 1) * 10;
      expect(await refusalOf(decode(Buffer.concat(parts), 'signed', { decodedLength }))).toBe(
        '403 SignatureDoesNotMatch',
      );
    }
    expect(
      await refusalOf(decode(Buffer.concat([first, second, last]), 'signed', { decodedLength: 20 })),
    ).toBe(LET_IN);
  });

  it('needs the signature of its trailers', async () => {
    const framed = encode([], 'signed with trailers').toString('latin1');
    const without = framed.replace(/x-amz-trailer-signature:.*\r\n/, '');
    expect(without).not.toBe(framed);
    const decoding = decode(Buffer.from(without), 'signed with trailers', { decodedLength: 0 });
    expect(await refusalOf(decoding)).toBe('400 MalformedTrailerError');
  });

  it('may end each trailer with the LF that is signed and the CRLF of the framing', async () => {
    const framed = encode([], 'signed with trailers').toString('latin1');
    const doubled = framed.replace('NhCmhg==\r\n', 'NhCmhg==\n\r\n');
    expect(doubled).not.toBe(framed);
    const decoded = decode(Buffer.from(doubled), 'signed with trailers', { decodedLength: 0 });
    expect(await decoded).toEqual({ data: Buffer.alloc(0), trailers: TRAILERS });
  });
});

describe('framing', () => {
  const unsigned = (framed: string, decodedLength: number, trailers: readonly string[] = []) =>
    refusalOf(decode(Buffer.from(framed, 'latin1'), 'unsigned with trailers', { decodedLength, trailers }));

  it.each([
    ['5\r\nhello\r\n0\r\n\r\n', 5],
    ['005\r\nhello\r\n000\r\n\r\n', 5],
    ['A\r\n0123456789\r\n0\r\n\r\n', 10],
    ['0\r\n\r\n', 0],
  ])('%j is right', async (framed, decodedLength) => {
    expect(await unsigned(framed, decodedLength)).toBe(LET_IN);
  });

  it.each([
    ['a size that is none', 'x\r\nhello\r\n0\r\n\r\n'],
    ['no size', '\r\nhello\r\n0\r\n\r\n'],
    ['a negative size', '-5\r\nhello\r\n0\r\n\r\n'],
    ['a size with a prefix', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['a blank before the size', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['a size of 17 digits', '00000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['a size beyond all numbers', 'ffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
    ['LF for CRLF', '5\nhello\r\n0\r\n\r\n'],
    ['no CRLF after the data', '5\r\nhello0\r\n\r\n'],
    ['a size that is too small', '4\r\nhello\r\n0\r\n\r\n'],
    ['a size that is too large', '6\r\nhello\r\n0\r\n\r\n'],
    ['an extension', '5;a=b\r\nhello\r\n0\r\n\r\n'],
    [
      'a chunk signature where there should be none',
      `5;chunk-signature=${'0'.repeat(64)}\r\nhello\r\n0\r\n\r\n`,
    ],
    ['a header that never ends', '5'.repeat(200)],
    ['no last chunk', '5\r\nhello\r\n'],
    ['nothing', ''],
  ])('with %s is refused', async (_name, framed) => {
    expect(await unsigned(framed, 5)).toBe('400 IncompleteBody');
  });

  it.each([
    ['without the trailer that was announced', '\r\n'],
    ['with a trailer that was not announced', 'x-a:1\r\nx-b:2\r\n\r\n'],
    ['with a trailer twice', 'x-a:1\r\nx-a:1\r\n\r\n'],
    ['with a line that is no trailer', 'x-a:1\r\nnonsense\r\n\r\n'],
    ['with a trailer without a name', 'x-a:1\r\n:1\r\n\r\n'],
    ['with a control character', 'x-a:\u00011\r\n\r\n'],
    ['without the empty line', 'x-a:1\r\n'],
    ['with two empty lines', 'x-a:1\r\n\r\n\r\n'],
    ['with nothing at all', ''],
  ])('%s is refused', async (_name, section) => {
    expect(await unsigned(`0\r\n${section}`, 0, ['x-a'])).toBe('400 MalformedTrailerError');
  });

  it('with trailers that never end is refused', async () => {
    expect(await unsigned(`0\r\nx-a:${'1'.repeat(5_000)}\r\n\r\n`, 0, ['x-a'])).toBe('400 IncompleteBody');
  });

  it('takes a trailer in any case, with blanks around its value', async () => {
    const framed = Buffer.from('0\r\nX-A: 1 \r\n\r\n');
    const decoded = decode(framed, 'unsigned with trailers', { decodedLength: 0, trailers: ['x-a'] });
    expect(await decoded).toMatchObject({ trailers: { 'x-a': '1' } });
  });

  it('lets its source go when the reader loses interest, and when it is refused', async () => {
    for (const framed of ['3\r\nabc\r\n', 'nonsense\r\n']) {
      let freed = false;
      const source = async function* () {
        try {
          for (;;) yield await Promise.resolve(Buffer.from(framed));
        } finally {
          freed = true;
        }
      };
      const reading = decodeAwsChunked(source(), { decodedLength: 1_000, trailers: [] });
      await reading.next().catch(() => undefined);
      await reading.return(undefined);
      expect(freed).toBe(true);
    }
  });
});
