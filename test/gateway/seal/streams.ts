/** Streams and sealed files for the tests of this folder. */
import type { SealContext } from '../../../gateway/seal/context';
import { createKeyring } from '../../../gateway/seal/keyring';
import { openWhole, type OpenWholeOptions, type SealedFile } from '../../../gateway/seal/open';
import { seal, type SealOptions } from '../../../gateway/seal/seal';

export const MASTER_KEY = Buffer.alloc(32, 7);
export const KEYRING = createKeyring({ writeKey: MASTER_KEY });
export const CONTEXT: SealContext = { bucket: 'backups', key: 'backupstore/volumes/a1/b2/pvc/volume.cfg' };
export const METADATA = Buffer.from('{"v":1,"etag":"0123456789abcdef"}');
export const SEGMENT_LOG2 = 12;
export const SEGMENT = 2 ** SEGMENT_LOG2;

/** Cuts `bytes` into chunks of these sizes, over and over; an empty chunk for a size of 0. */
export async function* chunked(bytes: Buffer, sizes: readonly number[] = [65_536]): AsyncGenerator<Buffer> {
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(offset, offset + size));
    offset += size;
  }
}

export async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Distinct bytes in every segment and at every offset. */
export function pattern(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8) * 17) & 255));
}

export interface FileOptions extends Partial<SealOptions> {
  readonly context?: SealContext;
  readonly metadata?: Buffer;
}

/** The whole file of one sealed object, in small segments. */
export async function sealedFile(plaintext: Buffer, options: FileOptions = {}): Promise<Buffer> {
  const { context = CONTEXT, metadata = METADATA, ...rest } = options;
  const sealing = seal(KEYRING, context, { size: plaintext.length, segmentLog2: SEGMENT_LOG2, ...rest });
  return collect(sealing.stream(chunked(plaintext), () => metadata));
}

/** What a whole read yields, and what it returns. */
export async function readWhole(
  file: Buffer,
  options?: OpenWholeOptions,
): Promise<SealedFile & { plaintext: Buffer }> {
  const chunks: Buffer[] = [];
  const reading = openWhole(KEYRING, CONTEXT, chunked(file), options);
  for (;;) {
    const next = await reading.next();
    if (next.done === true) return { ...next.value, plaintext: Buffer.concat(chunks) };
    chunks.push(next.value);
  }
}

/** The reason of the refusal, or `opens`. Lets any other error through. */
export async function verdict(read: () => unknown): Promise<string> {
  try {
    await read();
    return 'opens';
  } catch (error) {
    if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return error.reason;
    throw error;
  }
}
