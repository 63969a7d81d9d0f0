/** Frames bodies as aws-chunked, for tests of those who take the framing off. */
import { chunkStringToSign, trailerStringToSign } from '../../gateway/sigv4/string-to-sign';
import type { ChunkSigner } from '../../gateway/sigv4/chunk-signatures';
import { sign } from '../../gateway/sigv4/signing-key';
import { sha256Hex } from './sign-request';

export interface Framing {
  /** Present to sign the chunks. */
  readonly signer?: ChunkSigner;
  /** Present for a body with a trailer section. */
  readonly trailers?: Readonly<Record<string, string>>;
}

/** One chunk of each piece, and the last one, which is empty. */
export function encodeAwsChunked(pieces: readonly Buffer[], { signer, trailers }: Framing): Buffer {
  let previous = signer?.seedSignature ?? '';
  const extension = (data: Buffer) => {
    if (!signer) return '';
    previous = sign(signer.signingKey, chunkStringToSign(signer, previous, sha256Hex(data)));
    return `;chunk-signature=${previous}`;
  };
  const framed = [...pieces, Buffer.alloc(0)].map((data, i) => {
    const header = Buffer.from(`${data.length.toString(16)}${extension(data)}\r\n`);
    return i < pieces.length ? Buffer.concat([header, data, CRLF]) : header;
  });
  const lines = Object.entries(trailers ?? {}).map((trailer) => trailer.join(':'));
  if (signer && trailers) {
    const signed = trailerStringToSign(signer, previous, lines.map((line) => `${line}\n`).join(''));
    lines.push(`x-amz-trailer-signature:${sign(signer.signingKey, signed)}`);
  }
  return Buffer.concat([...framed, Buffer.from(lines.map((line) => `${line}\r\n`).join('')), CRLF]);
}

const CRLF = Buffer.from('\r\n');
