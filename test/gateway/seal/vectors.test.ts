import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyring } from '../../../gateway/seal/keyring';
import { openTail, openWhole, TAIL_GUESS } from '../../../gateway/seal/open';
import { vectorFiles, type Vector } from '../../vectors/seal/generate';
import { readTailIndependently, readWholeIndependently } from './independent-reader';
import { chunked, collect, verdict } from './streams';

const FOLDER = join(__dirname, '../../vectors/seal');
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

function load(name: string): Vector & { bytes: Buffer; key: Buffer } {
  const vector = JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Vector;
  return { ...vector, bytes: Buffer.from(vector.file, 'base64'), key: Buffer.from(vector.masterKey, 'hex') };
}

describe('the test vectors', () => {
  it('are what their generator makes, no more and no less', async () => {
    const generated = await vectorFiles();
    expect([...NAMES].sort()).toEqual([...generated.keys()].sort());
    for (const [name, text] of generated) expect(readFileSync(join(FOLDER, name), 'utf8')).toBe(text);
  });
});

describe('the vector of a multipart object', () => {
  it('names its part so that the part can be found, told from an older one, and opened', () => {
    const [manifest, part] = [load('manifest.json'), load('part.json')];
    const { metadata, plaintext } = readWholeIndependently(manifest.key, manifest.context, manifest.bytes);
    expect(plaintext).toHaveLength(0);
    const { upload, size, parts } = JSON.parse(metadata.toString()) as {
      upload: string;
      size: number;
      parts: { partNumber: number; size: number; storedSize: number; header: string }[];
    };
    expect(parts).toMatchObject([
      { size, storedSize: part.bytes.length, header: part.bytes.toString('base64', 0, 128) },
    ]);
    const context = { ...manifest.context, uploadId: upload, partNumber: parts[0]?.partNumber };
    expect(readWholeIndependently(part.key, context, part.bytes).plaintext).toHaveLength(size);
  });
});

describe.each(NAMES)('vector %s', (name) => {
  const { bytes, key, context, expect: expected, object } = load(name);
  const keyring = createKeyring({ writeKey: key });
  const tail = bytes.subarray(-TAIL_GUESS);

  it.each([65_536, 1, 4096 + 16])('reads whole as it should in chunks of %d bytes', async (chunk) => {
    const read = async (): Promise<void> => {
      const plaintext = await collect(openWhole(keyring, context, chunked(bytes, [chunk])));
      expect(plaintext.toString('base64')).toBe(object?.plaintext);
    };
    expect(await verdict(read)).toBe(expected.whole);
  });

  it('reads from the tail as it should', async () => {
    const read = (): void => {
      expect(openTail(keyring, context, tail, bytes.length)).toMatchObject({
        cipher: { header: { manifest: object?.manifest, segmentLog2: object?.segmentLog2 } },
        metadata: Buffer.from(object?.metadata ?? '', 'base64'),
      });
    };
    expect(await verdict(read)).toBe(expected.tail);
  });

  it('means the same to the independent reader', async () => {
    const readWhole = (): void => {
      const { plaintext, metadata, ...rest } = readWholeIndependently(key, context, bytes);
      const read = {
        ...rest,
        metadata: metadata.toString('base64'),
        plaintext: plaintext.toString('base64'),
      };
      expect(read).toEqual(object);
    };
    const readTail = (): void => {
      expect(readTailIndependently(key, context, bytes).toString('base64')).toBe(object?.metadata);
    };
    expect([await verdict(readWhole), await verdict(readTail)]).toEqual([expected.whole, expected.tail]);
  });
});
