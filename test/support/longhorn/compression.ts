/** How a volume's blocks are compressed on their way to the backup target. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { compressFrame, decompressFrame } from 'lz4-napi';

/** Longhorn's setting `backup-compression-method`; lz4 is its default. */
export type CompressionMethod = 'lz4' | 'gzip' | 'none';

/** `lz4` writes an LZ4 frame with a content checksum, as Longhorn's own writer does. */
export async function compress(method: CompressionMethod, block: Buffer): Promise<Buffer> {
  switch (method) {
    case 'lz4':
      return compressFrame(block, { contentChecksum: true });
    case 'gzip':
      return gzipSync(block);
    case 'none':
      return block;
  }
}

export async function decompress(method: CompressionMethod, stored: Buffer): Promise<Buffer> {
  switch (method) {
    case 'lz4':
      return decompressFrame(stored);
    case 'gzip':
      return gunzipSync(stored);
    case 'none':
      return stored;
  }
}
