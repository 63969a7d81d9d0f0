/** The chain of signatures over an aws-chunked body: each covers a chunk and the signature before it. */
import { S3Error } from '../errors';
import { isSameSignature, sign } from './signing-key';
import { chunkStringToSign, trailerStringToSign, type SigningContext } from './string-to-sign';

export interface ChunkSigner extends SigningContext {
  readonly signingKey: Buffer;
  /** The signature of the request itself. */
  readonly seedSignature: string;
}

export class ChunkSignatures {
  #previous: string;

  constructor(private readonly signer: ChunkSigner) {
    this.#previous = signer.seedSignature;
  }

  /** `chunkHash` is the hex SHA-256 of the next chunk's bytes. Throws `SignatureDoesNotMatch`. */
  checkChunk(chunkHash: string, signature: string): void {
    this.#check(chunkStringToSign(this.signer, this.#previous, chunkHash), signature);
  }

  /** `trailers` has one line `name:value` for each, with a line feed after it. Throws `SignatureDoesNotMatch`. */
  checkTrailers(trailers: string, signature: string): void {
    this.#check(trailerStringToSign(this.signer, this.#previous, trailers), signature);
  }

  #check(text: string, signature: string): void {
    if (!isSameSignature(sign(this.signer.signingKey, text), signature)) {
      throw new S3Error('SignatureDoesNotMatch', { details: { StringToSign: text } });
    }
    this.#previous = signature;
  }
}
