/**
 * The end of a file, from which it can be read backwards: FORMAT.md section 7.
 *
 *     header copy 128 | length of the sealed metadata 4 | end magic 8
 */
import { IntegrityError } from './errors';
import { looksSealed } from './header';
import { FOOTER_SIZE, HEADER_SIZE, MAX_METADATA_SIZE, TAG_SIZE } from './layout';

const END_MAGIC = Buffer.from('LONGHEND', 'latin1');
const END_MAGIC_OFFSET = FOOTER_SIZE - END_MAGIC.length;

export interface Footer {
  readonly headerBytes: Buffer;
  /** Bytes of the metadata's ciphertext and tag. */
  readonly sealedMetadataSize: number;
}

export function encodeFooter({ headerBytes, sealedMetadataSize }: Footer): Buffer {
  const bytes = Buffer.alloc(FOOTER_SIZE);
  headerBytes.copy(bytes, 0, 0, HEADER_SIZE);
  bytes.writeUInt32BE(sealedMetadataSize, HEADER_SIZE);
  END_MAGIC.copy(bytes, END_MAGIC_OFFSET);
  return bytes;
}

/** Reads the footer off the end of `tail`, which has at least its length. Throws an IntegrityError `footer`. */
export function decodeFooter(tail: Buffer): Footer {
  const bytes = tail.subarray(tail.length - FOOTER_SIZE);
  if (!looksSealed(bytes) || !endsInEndMagic(bytes)) throw new IntegrityError('footer');
  const sealedMetadataSize = bytes.readUInt32BE(HEADER_SIZE);
  if (sealedMetadataSize < TAG_SIZE || sealedMetadataSize > MAX_METADATA_SIZE + TAG_SIZE) {
    throw new IntegrityError('footer', `${sealedMetadataSize} bytes of metadata`);
  }
  return { headerBytes: bytes.subarray(0, HEADER_SIZE), sealedMetadataSize };
}

export function endsInEndMagic(bytes: Buffer): boolean {
  return bytes.subarray(-END_MAGIC.length).equals(END_MAGIC);
}
