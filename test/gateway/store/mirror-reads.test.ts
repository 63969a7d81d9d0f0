/** Reads go on from the mirror where the first location cannot give the bytes, and never with another version's. */
import type { MemoryTree } from '../../support/memory-tree';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { blockOf, documentOf, Locations } from '../../support/locations';

const BLOCK = blockOf('one');
const DOCUMENT = documentOf('1');
const path = (key: string) => `/root/bucket/${key}`;
const away = (tree: MemoryTree) => (tree.fault = () => 'before');
const back = (tree: MemoryTree) => (tree.fault = () => undefined);
const slowDown = { code: 'SlowDown' };
const TIMING = { renewMs: 100, graceMs: 1_000, staleMs: 1_500 };

describe('a read beside a mirror', () => {
  let locations: Locations;
  const content = 'x'.repeat(50_000);

  beforeEach(async () => {
    locations = new Locations({ leaseTiming: TIMING, patienceMs: 1_000 });
    locations.start();
    await locations.put(BLOCK, content);
    await locations.put(DOCUMENT);
    await locations.caughtUp();
  });
  afterEach(() => locations.close());

  const outOfReach = async () => {
    away(locations.first);
    while (!locations.rig.root.isOutOfReach) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it.each([
    ['is missing', (tree: MemoryTree) => void tree.files.delete(path(BLOCK))],
    [
      'is cut',
      (tree: MemoryTree) =>
        void tree.files.set(path(BLOCK), tree.files.get(path(BLOCK))!.subarray(0, 20_000)),
    ],
    [
      'has a flipped bit in its middle',
      (tree: MemoryTree) => {
        const bytes = Buffer.from(tree.files.get(path(BLOCK))!);
        bytes[30_000]! ^= 1;
        tree.files.set(path(BLOCK), bytes);
      },
    ],
  ])('gives the right bytes when the file %s, and mends it', async (_how, harm) => {
    const good = locations.first.files.get(path(BLOCK))!;
    harm(locations.first);
    expect(await locations.get(BLOCK)).toBe(content);
    await locations.until(({ mended }) => mended === 1);
    expect(locations.report).toMatchObject({ reads: 1, mended: 1 });
    expect(locations.first.files.get(path(BLOCK))).toEqual(good);
    expect(await locations.rig.store.stat({ bucket: 'bucket', key: BLOCK })).toBeDefined();
    expect(await locations.get(BLOCK)).toBe(content);
    expect(locations.report.reads).toBe(1);
  });

  it('gives no bytes of a version that the mirror has from before', async () => {
    away(locations.second);
    await locations.put(BLOCK, content.replaceAll('x', 'y'));
    back(locations.second);
    // What was to be carried over is damaged before it was.
    const bytes = Buffer.from(locations.first.files.get(path(BLOCK))!);
    bytes[30_000]! ^= 1;
    locations.first.files.set(path(BLOCK), bytes);
    await expect(locations.get(BLOCK)).rejects.toMatchObject({ code: 'InternalError' });
    await locations.caughtUp();
    // The damage is not carried over: the older version is a whole one.
    expect(locations.second.files.get(path(BLOCK))).not.toEqual(bytes);
    expect(await locations.rig.store.stat({ bucket: 'bucket', key: BLOCK })).toBeUndefined();
  });

  it('goes on while the first location is out of reach; what would need it is refused', async () => {
    await outOfReach();
    expect(await locations.get(BLOCK)).toBe(content);
    expect(await locations.rig.store.stat({ bucket: 'bucket', key: DOCUMENT })).toMatchObject({
      key: DOCUMENT,
    });
    const { store } = locations.rig;
    const query = { prefix: '', delimiter: '', after: '', maxKeys: 10 };
    for (const refused of [
      () => store.list('bucket', query),
      () => store.listBuckets(),
      () => locations.put('new'),
      () => locations.delete(BLOCK),
      () => store.stat({ bucket: 'bucket', key: 'missing' }),
    ])
      await expect(refused()).rejects.toMatchObject(slowDown);
    back(locations.first);
    while (!locations.rig.root.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));
    await locations.put('new');
    expect((await store.list('bucket', query)).objects.length).toBe(3);
  });

  it('says nothing of what the mirror has not got yet, or of what is in doubt', async () => {
    away(locations.second);
    await locations.put(DOCUMENT, 'newer');
    await locations.put('new');
    locations.first.fault = ({ method }) => (method === 'putFile' ? 'after' : undefined);
    await expect(locations.put(BLOCK, 'in doubt')).rejects.toMatchObject(slowDown);
    await outOfReach();
    back(locations.second);
    for (const key of [BLOCK, DOCUMENT, 'new'])
      await expect(locations.rig.store.stat({ bucket: 'bucket', key })).rejects.toMatchObject(slowDown);
  });

  it('ends when another gateway has taken over both', async () => {
    const { first, second } = locations;
    await outOfReach();
    const other = new Locations({
      tree: first,
      mirror: second,
      holder: 'fedcba9876543210',
      leaseTiming: TIMING,
    });
    back(first);
    // The first one still cannot reach it.
    locations.rig.root.abandon();
    other.start();
    await other.rig.store.headBucket('bucket');
    await other.delete(BLOCK);
    await expect(locations.rig.store.stat({ bucket: 'bucket', key: BLOCK })).rejects.toMatchObject(slowDown);
    await expect(locations.rig.store.stat({ bucket: 'bucket', key: DOCUMENT })).rejects.toMatchObject(
      slowDown,
    );
    await other.close();
  });

  it('has the parts of multipart objects on the mirror, too', async () => {
    const ref = { bucket: 'bucket', key: 'large' };
    const { store } = locations.rig;
    const upload = { ...ref, uploadId: await store.createUpload(ref, DEFAULT_ATTRIBUTES) };
    const parts = [Buffer.alloc(5 * 1024 * 1024, 'one '), Buffer.from('end')];
    const named = [];
    for (const [i, part] of parts.entries()) {
      const { etag } = await store.putPart(upload, i + 1, bodyOf(part));
      named.push({ partNumber: i + 1, etag });
    }
    await store.completeUpload(upload, named);
    await locations.caughtUp();
    expect(locations.objects(locations.second)).toEqual(locations.objects(locations.first));
    const partFile = [...locations.first.files.keys()].find((file) =>
      file.includes(`${upload.uploadId}/1-`),
    )!;
    locations.first.files.delete(partFile);
    const object = await store.open(ref);
    expect((await readAll(object.read())).equals(Buffer.concat(parts))).toBe(true);
    await locations.until(({ mended }) => mended === 1);
    expect(locations.first.files.has(partFile)).toBe(true);
    await locations.delete('large');
    await locations.caughtUp();
    expect([...locations.second.files.keys()].filter((file) => file.includes('/uploads/'))).toEqual([]);
  });
});
