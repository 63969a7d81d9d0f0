/** What a sealed object is bound to: its file opens as this object, or this part, and as no other. */
export interface SealContext {
  readonly bucket: string;
  /** The S3 key. */
  readonly key: string;
  /** Only for a part of a multipart upload. @default '' */
  readonly uploadId?: string;
  /** Only for a part of a multipart upload, from 1. @default 0 */
  readonly partNumber?: number;
}

/**
 * The context as bytes, one to one: each text is preceded by its length in UTF-8 bytes.
 * Throws a RangeError for text that UTF-8 cannot carry (a lone surrogate), because two such texts would become the same bytes.
 */
export function encodeContext({ bucket, key, uploadId = '', partNumber = 0 }: SealContext): Buffer {
  return Buffer.concat([...[bucket, key, uploadId].flatMap(lengthPrefixed), uint32(partNumber)]);
}

function lengthPrefixed(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.toString('utf8') !== text) throw new RangeError('A context is not well-formed Unicode.');
  return [uint32(bytes.length), bytes];
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
