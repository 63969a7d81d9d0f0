/** Turns a stored block into the volume's bytes, as Longhorn does, within bounds. Source: github.com/longhorn/backupstore, `util.go`. */

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { ByteReader } from '../seal/byte-reader';
import { decodeLz4Frame, Lz4Error } from './lz4-frame';
import { DamagedObjectError } from './source';

const LZ4_MAGIC = 0x184d2204;
const GZIP_MAGIC = 0x8b1f;

const gunzipBounded = promisify(gunzip);

/**
 * Reads `source` to its end, so that whoever checks it there has done so. At most `maxBytes` leave.
 * @param method as the backup's document has it; between lz4 and gzip the block's first bytes decide, as in Longhorn
 * Throws `DamagedObjectError`, and what the source throws.
 */
export async function decompress(
  source: AsyncIterable<Buffer>,
  method: string,
  maxBytes: number,
): Promise<Buffer> {
  const reader = new ByteReader(source);
  try {
    if (method === 'none') return await takeAll(reader, maxBytes);
    const magic = await reader.takeBuffer(4);
    if (magic.length === 4 && magic.readUInt32LE() === LZ4_MAGIC)
      return await decodeLz4Frame(reader, maxBytes);
    if (magic.length < 4 || magic.readUInt16LE() !== GZIP_MAGIC)
      throw new DamagedObjectError(
        `The block is compressed with neither lz4 nor gzip (it should be ${method}).`,
      );
    // Gzip makes what it cannot shrink only a little larger.
    const rest = await takeAll(reader, maxBytes + maxBytes / 16 + 1024);
    return await gunzipBounded(Buffer.concat([magic, rest]), { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof Lz4Error || isZlibError(error))
      throw new DamagedObjectError(`The block does not decompress: ${error.message}.`, { cause: error });
    throw error;
  } finally {
    await reader.close();
  }
}

async function takeAll(reader: ByteReader, maxBytes: number): Promise<Buffer> {
  const bytes = await reader.takeBuffer(Math.floor(maxBytes));
  if (!(await reader.isAtEnd())) throw new DamagedObjectError(`The block has more than ${maxBytes} bytes.`);
  return bytes;
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(Z_|ERR_BUFFER_TOO_LARGE)/.test(String(error.code));
}
