/** Takes aws-chunked framing off a body, and checks its chunk signatures. */
import { createHash } from 'node:crypto';
import { S3Error } from '../errors';
import type { ChunkSignatures } from './chunk-signatures';
import { brokenFraming, FramingReader } from './framing-reader';

export interface AwsChunkedOptions {
  /** What the client said the chunks hold together, in bytes: `x-amz-decoded-content-length`. */
  readonly decodedLength: number;
  /** Present for signed chunks. */
  readonly signatures?: ChunkSignatures;
  /** Lower-case names of the trailers that must come; absent for a body without a trailer section. */
  readonly trailers?: readonly string[];
  /** Told of each trailer, once they are checked, before the iteration ends. */
  readonly onTrailer?: (name: string, value: string) => void;
}

/** A chunk up to this many bytes is checked before any of it is yielded, a larger one when it ends. SDKs send 64 KiB to 1 MiB. */
const MAX_HELD_CHUNK = 1024 * 1024;
/** Hex size, extension, signature and CRLF take less. */
const MAX_CHUNK_HEADER = 128;
const MAX_TRAILERS = 4 * 1024;
const TRAILER_SIGNATURE = 'x-amz-trailer-signature';

/**
 * Yields the chunks' bytes. Throws `IncompleteBody` for broken framing, for an early end, and where the chunks do not hold `decodedLength`
 * bytes; `SignatureDoesNotMatch`; `MalformedTrailerError`.
 */
export async function* decodeAwsChunked(
  source: AsyncIterable<Buffer>,
  options: AwsChunkedOptions,
): AsyncGenerator<Buffer> {
  const reader = new FramingReader(source);
  try {
    let missing = options.decodedLength;
    for (let ended = false; !ended;) {
      const chunk = parseChunkHeader(await reader.line(MAX_CHUNK_HEADER), options.signatures !== undefined);
      if (chunk.size > missing) throw wrongDecodedLength();
      yield* chunkBytes(reader, chunk, options.signatures);
      missing -= chunk.size;
      ended = chunk.size === 0;
      if (!ended && (await reader.line(CRLF_SIZE)) !== '') throw brokenFraming();
    }
    if (missing > 0) throw wrongDecodedLength();
    const rest = await reader.remainder(MAX_TRAILERS);
    if (options.trailers) readTrailers(rest, options.trailers, options);
    else if (rest !== '\r\n') throw brokenFraming();
  } finally {
    await reader.close();
  }
}

const CRLF_SIZE = 2;

interface ChunkHeader {
  /** Bytes; 0 for the last chunk. */
  readonly size: number;
  /** Empty for an unsigned chunk. */
  readonly signature: string;
}

function parseChunkHeader(line: string, signed: boolean): ChunkHeader {
  const form = signed ? /^([0-9a-f]{1,16});chunk-signature=([0-9a-f]{64})$/i : /^([0-9a-f]{1,16})$/i;
  const [, size, signature = ''] = form.exec(line) ?? [];
  if (size === undefined) throw brokenFraming();
  return { size: Number.parseInt(size, 16), signature };
}

function wrongDecodedLength(): S3Error {
  return new S3Error('IncompleteBody', {
    message: 'The body does not have the number of bytes that x-amz-decoded-content-length states.',
  });
}

async function* chunkBytes(
  reader: FramingReader,
  { size, signature }: ChunkHeader,
  signatures: ChunkSignatures | undefined,
): AsyncGenerator<Buffer> {
  if (!signatures) {
    yield* reader.bytes(size);
    return;
  }
  const hash = createHash('sha256');
  const held: Buffer[] = [];
  for await (const piece of reader.bytes(size)) {
    hash.update(piece);
    if (size <= MAX_HELD_CHUNK) held.push(piece);
    else yield piece;
  }
  signatures.checkChunk(hash.digest('hex'), signature);
  yield* held;
}

/** Lines `name:value`, and an empty one. Some clients end a line with LF CRLF: the LF that is signed, and the CRLF of the framing. */
const TRAILER_SECTION = /^(?:[!-9;-~]+:[ -~]*(?:\n\r\n|\r\n))*\r\n$/;

function readTrailers(
  section: string,
  names: readonly string[],
  { signatures, onTrailer }: AwsChunkedOptions,
): void {
  if (!TRAILER_SECTION.test(section)) throw new S3Error('MalformedTrailerError');
  const lines = section.split(/[\r\n]+/).filter((line) => line !== '');
  const trailers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  if (signatures) checkTrailerSignature(trailers, signatures);
  const given = trailers.map(([name]) => name).sort();
  if (given.join() !== [...names].sort().join()) throw new S3Error('MalformedTrailerError');
  for (const [name, value] of trailers) onTrailer?.(name, value);
}

/** Takes the signature, which comes last, off the trailers. */
function checkTrailerSignature(trailers: [string, string][], signatures: ChunkSignatures): void {
  const [name, signature] = trailers.pop() ?? [];
  if (name !== TRAILER_SIGNATURE || signature === undefined) throw new S3Error('MalformedTrailerError');
  signatures.checkTrailers(trailers.map((trailer) => `${trailer.join(':')}\n`).join(''), signature);
}
