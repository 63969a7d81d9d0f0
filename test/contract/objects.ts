import fc from 'fast-check';
import { S3Error } from '../../gateway/errors';
import type { ObjectInfo, ObjectStore } from '../../gateway/store/object-store';
import { bodyOf, brokenBody, bytesOf, md5Hex } from './bodies';
import { NASTY_KEYS } from './keys';
import type { ContractOptions } from './object-store';
import { refusalOf } from './refusal';

const bucket = 'bucket';
const NO_ATTRIBUTES = { headers: {}, metadata: {} };

export function objectContract(store: () => ObjectStore, { runs = 50 }: ContractOptions): void {
  beforeEach(async () => {
    await store().createBucket(bucket);
  });

  const put = (key: string, content: Buffer | string): Promise<ObjectInfo> =>
    store().put({ bucket, key }, bodyOf(content), NO_ATTRIBUTES);
  const contentOf = async (key: string): Promise<string> =>
    (await bytesOf((await store().open({ bucket, key })).read())).toString();

  it('come back with their bytes, attributes, checksum and ETag', async () => {
    const attributes = {
      headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
      metadata: { owner: 'caf\u00e9', empty: '' },
    };
    const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'AAAAAA==' } as const;
    const expected = { ...attributes, key: 'object', size: 5, etag: md5Hex('hello'), checksum };
    const body = bodyOf('hello', { replayable: false, checksum });
    expect(await store().put({ bucket, key: 'object' }, body, attributes)).toMatchObject(expected);
    expect(await store().stat({ bucket, key: 'object' })).toMatchObject(expected);
    const object = await store().open({ bucket, key: 'object' });
    expect(object.info).toMatchObject(expected);
    expect((await bytesOf(object.read())).toString()).toBe('hello');
  });

  it.each([true, false])('may be empty (replayable body: %s)', async (replayable) => {
    await store().put({ bucket, key: 'empty' }, bodyOf('', { replayable }), NO_ATTRIBUTES);
    expect(await store().stat({ bucket, key: 'empty' })).toMatchObject({ size: 0, etag: md5Hex('') });
    expect(await contentOf('empty')).toBe('');
  });

  it.each([true, false])(
    'may be larger than any buffer on the way (replayable body: %s)',
    async (replayable) => {
      const content = Buffer.alloc(1_300_001, 'large object ');
      await store().put({ bucket, key: 'large' }, bodyOf(content, { replayable }), NO_ATTRIBUTES);
      const object = await store().open({ bucket, key: 'large' });
      expect((await bytesOf(object.read())).equals(content)).toBe(true);
    },
  );

  it('that do not exist have no information and cannot be opened', async () => {
    await put('a/b', 'x');
    for (const key of ['missing', 'a', 'a/', 'a/b/', 'a/b/c', 'A/b']) {
      expect(await store().stat({ bucket, key })).toBeUndefined();
      expect(await refusalOf(store().open({ bucket, key }))).toBe('NoSuchKey');
    }
  });

  it('are replaced as a whole, with a later time', async () => {
    const first = await store().put({ bucket, key: 'object' }, bodyOf('the first, longer one'), {
      headers: { 'content-type': 'text/plain' },
      metadata: { version: '1' },
    });
    const second = await put('object', 'second');
    expect(second.lastModified).toBeGreaterThan(first.lastModified);
    expect(second.lastModified % 1_000).toBe(0);
    const stored = await store().stat({ bucket, key: 'object' });
    expect(stored).toEqual(second);
    expect(stored).toMatchObject({ size: 6, headers: {}, metadata: {} });
    expect(await contentOf('object')).toBe('second');
  });

  it('stay as they were if a write fails its check, and do not appear', async () => {
    await put('old', 'the old content');
    expect(await refusalOf(store().put({ bucket, key: 'old' }, brokenBody('new'), NO_ATTRIBUTES))).toBe(
      'BadDigest',
    );
    expect(await refusalOf(store().put({ bucket, key: 'new' }, brokenBody('new'), NO_ATTRIBUTES))).toBe(
      'BadDigest',
    );
    expect(await contentOf('old')).toBe('the old content');
    expect(await store().stat({ bucket, key: 'new' })).toBeUndefined();
  });

  it('are gone once deleted, and deleting them again succeeds', async () => {
    await put('object', 'x');
    await store().delete({ bucket, key: 'object' });
    expect(await store().stat({ bucket, key: 'object' })).toBeUndefined();
    expect(await refusalOf(store().open({ bucket, key: 'object' }))).toBe('NoSuchKey');
    await store().delete({ bucket, key: 'object' });
    await put('object', 'again');
    expect(await contentOf('object')).toBe('again');
  });

  it('can be read in any range', async () => {
    const content = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 7) % 251));
    await put('object', content);
    const object = await store().open({ bucket, key: 'object' });
    const position = fc.nat({ max: content.length });
    await fc.assert(
      fc.asyncProperty(position, position, async (a, b) => {
        const range = { start: Math.min(a, b), end: Math.max(a, b) };
        const bytes = await bytesOf(object.read(range));
        expect(bytes.equals(content.subarray(range.start, range.end))).toBe(true);
      }),
      { numRuns: runs },
    );
  });

  it('can be left half read', async () => {
    await put('object', Buffer.alloc(600_000));
    const object = await store().open({ bucket, key: 'object' });
    for await (const chunk of object.read()) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    await store().delete({ bucket, key: 'object' });
    expect(await store().stat({ bucket, key: 'object' })).toBeUndefined();
  });

  describe('conditions', () => {
    const refuse = () => {
      throw new S3Error('PreconditionFailed');
    };

    it('see what is stored just before the write', async () => {
      const seen: (ObjectInfo | undefined)[] = [];
      const condition = (current: ObjectInfo | undefined) => void seen.push(current);
      const first = await store().put({ bucket, key: 'object' }, bodyOf('1'), NO_ATTRIBUTES, { condition });
      await store().put({ bucket, key: 'object' }, bodyOf('2'), NO_ATTRIBUTES, { condition });
      await store().delete({ bucket, key: 'object' }, { condition });
      expect(seen.map((info) => info?.etag)).toEqual([undefined, first.etag, md5Hex('2')]);
    });

    it('that refuse leave everything as it was', async () => {
      await put('object', 'stays');
      const options = { condition: refuse };
      const refused = [
        store().put({ bucket, key: 'object' }, bodyOf('new'), NO_ATTRIBUTES, options),
        store().put({ bucket, key: 'other' }, bodyOf('new'), NO_ATTRIBUTES, options),
        store().delete({ bucket, key: 'object' }, options),
      ];
      expect(await Promise.all(refused.map(refusalOf))).toEqual(Array(3).fill('PreconditionFailed'));
      expect(await contentOf('object')).toBe('stays');
      expect(await store().stat({ bucket, key: 'other' })).toBeUndefined();
    });

    it('let only one of several writers make an object', async () => {
      const condition = (current: ObjectInfo | undefined) => {
        if (current) refuse();
      };
      const writes = Array.from({ length: 5 }, (_, i) =>
        store().put({ bucket, key: 'object' }, bodyOf(`writer ${i}`), NO_ATTRIBUTES, { condition }),
      );
      const outcomes = await Promise.allSettled(writes);
      const winners = outcomes.flatMap((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value.etag : [],
      );
      expect(winners).toHaveLength(1);
      expect(md5Hex(await contentOf('object'))).toBe(winners[0]);
    });
  });

  it('are each their own, however alike their keys', async () => {
    for (const key of NASTY_KEYS) await put(key, `content of ${key}`);
    for (const key of NASTY_KEYS) {
      expect(await store().stat({ bucket, key })).toMatchObject({ key });
      expect(await contentOf(key)).toBe(`content of ${key}`);
    }
    const { objects } = await store().list(bucket, { prefix: '', delimiter: '', after: '', maxKeys: 1_000 });
    expect(objects.map((info) => info.key).sort()).toEqual([...NASTY_KEYS].sort());
    for (const key of NASTY_KEYS) await store().delete({ bucket, key });
    await store().deleteBucket(bucket);
  });
}
