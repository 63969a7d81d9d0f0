import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { S3Error } from '../../../gateway/errors';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const ref = (key: string) => ({ bucket: 'bucket', key });
const listing = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };

describe.each([
  ['sealed', true],
  ['plain', false],
])('store on an FTP tree, %s', (_name, sealed) => {
  let tree: MemoryTree;
  let rig: StoreRig;

  beforeEach(() => {
    tree = new MemoryTree();
    rig = new StoreRig({ tree, sealed });
  });
  afterEach(() => rig.close());

  const put = (key: string, content: string | Buffer = key) =>
    rig.store.put(ref(key), bodyOf(content), DEFAULT_ATTRIBUTES);
  const get = async (key: string) => (await readAll((await rig.store.open(ref(key))).read())).toString();
  const keys = async (query = {}) =>
    (await rig.store.list('bucket', { ...listing, ...query })).objects.map(({ key }) => key);

  it.each([
    ['in order', false],
    ['with its catalog lost', true],
  ])('gives back everything after a crash %s', async (_how, losesDisk) => {
    const big = Buffer.alloc(50_000, 'big');
    await put('a/b/c.cfg', 'one');
    await put('a', 'two');
    await put('a/b', 'three');
    await put('a//./..', big);
    await put('a/b/c.cfg', 'four');
    const long = `${'long '.repeat(60)}/${'é'.repeat(300)}`;
    await put(long, 'five');
    const before = await rig.store.stat(ref('a/b/c.cfg'));
    await rig.restart(losesDisk);
    expect(await get('a/b/c.cfg')).toBe('four');
    expect(await get('a')).toBe('two');
    expect(await get('a//./..')).toBe(big.toString());
    expect(await get(long)).toBe('five');
    expect(await keys()).toEqual(['a', 'a/b', 'a//./..', 'a/b/c.cfg', long].sort());
    const after = await rig.store.stat(ref('a/b/c.cfg'));
    expect(after?.etag).toBe(before?.etag);
    expect(after?.size).toBe(4);
    if (sealed || !losesDisk) expect(after?.lastModified).toBe(before?.lastModified);
  });

  it('stores any number of objects at once into directories that none of them has seen yet', async () => {
    const written = Array.from({ length: 24 }, (_, i) => `new/${i % 2}/${i % 3}/${i % 12}`);
    await Promise.all(written.map((key) => put(key)));
    const expected = [...new Set(written)].sort();
    expect(await keys()).toEqual(expected);
    for (const key of expected) expect(await get(key)).toBe(key);
    await rig.restart(true);
    expect(await keys()).toEqual(expected);
    expect([...rig.catalog.intents.all()]).toEqual([]);
  });

  it('lets the later of two writes win, however long the first is on its way', async () => {
    const makeDirs = tree.makeDirs.bind(tree);
    let delayed = false;
    tree.makeDirs = async (paths) => {
      const outcomes = await makeDirs(paths);
      if (!delayed) {
        delayed = true;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      return outcomes;
    };
    const streamed = { ...bodyOf('first'), replayable: false };
    const first = rig.store.put(ref('n/x'), streamed, DEFAULT_ATTRIBUTES);
    await put('n/other');
    expect(delayed).toBe(true);
    await put('n/x', 'second');
    await first;
    expect(await get('n/x')).toBe('second');
  });

  it('hears the condition of a PUT on what it finds in a directory that was made behind it', async () => {
    await put('b/old', 'old');
    await put('other/x');
    for (const [path, bytes] of [...tree.files])
      if (path.startsWith('/root/bucket/b/')) tree.files.set(path.replace('/bucket/b/', '/bucket/c/'), bytes);
    tree.directories.add('/root/bucket/c');
    const condition = (current: unknown): void => {
      if (current) throw new S3Error('PreconditionFailed');
    };
    const write = rig.store.put(ref('c/old'), bodyOf('new'), DEFAULT_ATTRIBUTES, { condition });
    // A sealed file of another name is no object of this one.
    if (sealed) await write;
    else await expect(write).rejects.toMatchObject({ code: 'PreconditionFailed' });
    expect(await get('c/old')).toBe(sealed ? 'new' : 'old');
    await put('c/next');
    expect(await keys({ prefix: 'c/' })).toEqual(['c/next', 'c/old']);
  });

  it('has nothing of an object whose new directories were made, and whose file was not stored', async () => {
    tree.fault = ({ method, path }) => (method === 'putFile' && path.includes('/n/') ? 'before' : undefined);
    await expect(put('n/m/x')).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    expect(await rig.store.stat(ref('n/m/x'))).toBeUndefined();
    await put('n/m/x', 'again');
    expect(await keys()).toEqual(['n/m/x']);
    expect(await get('n/m/x')).toBe('again');
  });

  it.each(['new/object', 'object'])(
    'lets no file come to its place before a crash would show it: %s',
    async (key) => {
      await put('other');
      const { intents } = rig.catalog;
      const add = intents.add.bind(intents);
      const path = `/root/bucket/${key}%o`;
      let isWritten = (): void => undefined;
      intents.add = (intent) => {
        const { id, written } = add(intent);
        return {
          id,
          written: Promise.all([written, new Promise<void>((done) => (isWritten = done))]).then() as never,
        };
      };
      const putting = put(key);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(tree.files.has(path)).toBe(false);
      isWritten();
      await putting;
      expect(tree.files.has(path)).toBe(true);
      intents.add = () => ({ id: 1_000, written: Promise.reject(new Error('the disk is full')) });
      await expect(put('second')).rejects.toThrow('the disk is full');
      expect(tree.files.has('/root/bucket/second%o')).toBe(false);
      // Nothing was changed, so nothing is in doubt.
      tree.calls.length = 0;
      expect(await rig.store.stat(ref('second'))).toBeUndefined();
      expect(tree.calls).toEqual([]);
    },
  );

  it.each(['new/object', 'object'])(
    'stores nothing, and doubts nothing, of a body that proves at its end not to be what was announced: %s',
    async (key) => {
      if (key === 'object') await put(key, 'before');
      const wrong = new S3Error('BadDigest');
      const body = {
        ...bodyOf('not what was announced'),
        async *open() {
          yield* bodyOf('not what was announced').open();
          await Promise.resolve();
          throw wrong;
        },
      };
      await expect(rig.store.put(ref(key), body, DEFAULT_ATTRIBUTES)).rejects.toBe(wrong);
      tree.calls.length = 0;
      expect((await rig.store.stat(ref(key)))?.size).toBe(key === 'object' ? 6 : undefined);
      expect(tree.calls).toEqual([]);
      expect([...tree.files.keys()].filter((path) => path.startsWith('/root/bucket/new'))).toEqual([]);
      await put(key, 'after');
      expect(await get(key)).toBe('after');
      expect(rig.catalog.intents.all()).toEqual([]);
    },
  );

  it('asks the server for nothing once a directory is proved', async () => {
    await put('a/x');
    await put('a/y');
    tree.calls.length = 0;
    expect(await rig.store.stat(ref('a/x'))).toBeDefined();
    expect(await rig.store.stat(ref('a/none'))).toBeUndefined();
    expect(await rig.store.stat(ref('none/none'))).toBeUndefined();
    expect(await keys({ prefix: 'a/', delimiter: '/' })).toEqual(['a/x', 'a/y']);
    expect(tree.calls).toEqual([]);
  });

  it('answers SlowDown, and not an empty list, for a directory that the server lists as empty and does not enter', async () => {
    await put('v/backups/backup_1.cfg');
    await put('v/blocks/aa/bb/1.blk');
    const told: string[] = [];
    const log = pino({}, { write: (line: string) => void told.push(line) });
    await rig.restart(true, { log });
    tree.unreadable.add('/root/bucket/v/backups');
    for (const query of [
      { prefix: 'v/backups/', delimiter: '/' },
      { prefix: 'v/', delimiter: '/' },
      { prefix: '' },
    ]) {
      await expect(rig.store.list('bucket', { ...listing, ...query })).rejects.toMatchObject({
        code: 'SlowDown',
      });
    }
    await expect(rig.store.stat(ref('v/backups/backup_1.cfg'))).rejects.toMatchObject({ code: 'SlowDown' });
    expect(await keys({ prefix: 'v/blocks/' })).toEqual(['v/blocks/aa/bb/1.blk']);
    expect(told.join('')).toMatch(/\/root\/bucket\/v\/backups.*a listing cannot be believed/);
    expect(rig.store.stats.directories.contradictions).toBeGreaterThan(0);
    tree.unreadable.clear();
    expect(await keys({ prefix: 'v/backups/', delimiter: '/' })).toEqual(['v/backups/backup_1.cfg']);
  });

  it('shows a common prefix only where an object lies below it', async () => {
    await put('v/blocks/aa/bb/1.blk');
    await put('v/blocks/cc/dd/2.blk');
    await rig.store.delete(ref('v/blocks/aa/bb/1.blk'));
    const prefixes = async () =>
      (await rig.store.list('bucket', { ...listing, prefix: 'v/blocks/', delimiter: '/' })).commonPrefixes;
    expect(await prefixes()).toEqual(['v/blocks/cc/']);
    await rig.restart(true);
    expect(await prefixes()).toEqual(['v/blocks/cc/']);
  });

  it('never shows what an overwrite that failed left in doubt before it is settled', async () => {
    await put('k', 'old');
    for (const fault of ['before', 'after'] as const) {
      tree.fault = ({ method }) => (method === 'putFile' ? fault : undefined);
      await expect(put('k', `new ${fault}`)).rejects.toMatchObject({ code: 'SlowDown' });
      tree.fault = () => undefined;
      expect(await get('k')).toBe(fault === 'before' ? 'old' : 'new after');
      expect((await rig.store.stat(ref('k')))?.size).toBe(fault === 'before' ? 3 : 9);
    }
  });

  it('finishes a delete that failed half-way at the next look', async () => {
    await put('k', 'v');
    tree.fault = ({ method }) => (method === 'rename' ? 'before' : undefined);
    await expect(rig.store.delete(ref('k'))).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    expect(await get('k')).toBe('v');
    tree.fault = ({ method }) => (method === 'rename' ? 'after' : undefined);
    await expect(rig.store.delete(ref('k'))).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    expect(await rig.store.stat(ref('k'))).toBeUndefined();
    expect(await keys()).toEqual([]);
  });

  it('serves what was added and removed behind its back, after the next proof', async () => {
    await put('d/kept');
    await put('d/removed');
    tree.files.delete('/root/bucket/d/removed%o');
    if (!sealed) tree.files.set('/root/bucket/d/foreign.txt', Buffer.from('foreign'));
    tree.files.set('/root/bucket/d/UPPER case', Buffer.from('no name of ours'));
    await rig.restart();
    expect(await keys({ prefix: 'd/' })).toEqual(sealed ? ['d/kept'] : ['d/foreign.txt', 'd/kept']);
    if (!sealed) {
      expect(await get('d/foreign.txt')).toBe('foreign');
      expect((await rig.store.stat(ref('d/foreign.txt')))?.etag).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('undoes a replacement that was interrupted between aside and target', async () => {
    await put('d/k.cfg', 'old');
    const path = '/root/bucket/d/k.cfg';
    tree.files.set(`${path}%a`, tree.files.get(path) as Buffer);
    tree.files.delete(path);
    await rig.restart(true);
    expect(await keys()).toEqual(['d/k.cfg']);
    expect(await get('d/k.cfg')).toBe('old');
  });

  it('empties and removes a bucket, and refuses one that is not empty', async () => {
    expect(await rig.store.createBucket('other')).toBe(true);
    expect(await rig.store.createBucket('other')).toBe(false);
    const object = { bucket: 'other', key: 'a/b' };
    await rig.store.put(object, bodyOf('x'), DEFAULT_ATTRIBUTES);
    await expect(rig.store.deleteBucket('other')).rejects.toMatchObject({ code: 'BucketNotEmpty' });
    await rig.store.delete(object);
    await rig.store.deleteBucket('other');
    expect(await rig.store.headBucket('other')).toBeUndefined();
    await expect(rig.store.stat(object)).rejects.toThrow(S3Error);
    expect([...tree.directories].filter((path) => path.startsWith('/root/other'))).toEqual([]);
  });
});

describe('plain store', () => {
  it('computes the ETag of a file that it did not write when that is first asked for, once', async () => {
    const tree = new MemoryTree();
    const rig = new StoreRig({ tree, sealed: false });
    await rig.store.put(ref('d/ours'), bodyOf('ours'), DEFAULT_ATTRIBUTES);
    const path = '/root/bucket/d/foreign.txt';
    tree.files.set(path, Buffer.from('foreign'));
    await rig.restart();
    tree.calls.length = 0;
    const { objects } = await rig.store.list('bucket', listing);
    expect(objects.map(({ key, size, etag }) => [key, size, etag === ''])).toEqual([
      ['d/foreign.txt', 7, true],
      ['d/ours', 4, false],
    ]);
    const reads = () => tree.calls.filter(({ method }) => method === 'read').length;
    expect(reads()).toBe(0);
    const etag = createHash('md5').update('foreign').digest('hex');
    for (let i = 0; i < 2; i++) {
      expect((await rig.store.stat(ref('d/foreign.txt')))?.etag).toBe(etag);
      expect(reads()).toBe(1);
    }
    await rig.close();
  });
});

describe('sealed store', () => {
  it('has all that S3 tells of an object from its file alone', async () => {
    const rig = new StoreRig({ tree: new MemoryTree() });
    const headers = { 'content-type': 'text/x; charset="ü"', 'cache-control': 'no-store', expires: 'never' };
    const attributes = { headers, metadata: { from: 'a test', empty: '' } };
    const stored = await rig.store.put(ref('d/k'), bodyOf('content'), attributes);
    const upload = { ...ref('parts'), uploadId: await rig.store.createUpload(ref('parts'), attributes) };
    const part = await rig.store.putPart(upload, 1, bodyOf('content'));
    const joined = await rig.store.completeUpload(upload, [{ partNumber: 1, etag: part.etag }]);
    await rig.restart(true);
    expect(await rig.store.stat(ref('d/k'))).toEqual(stored);
    expect(await rig.store.stat(ref('parts'))).toEqual(joined);
    expect(stored).toMatchObject({ ...attributes, size: 7 });
    await rig.close();
  });

  it('does not list a file that is torn, foreign or sealed for another key, and a PUT replaces it', async () => {
    const tree = new MemoryTree();
    const rig = new StoreRig({ tree });
    const put = (key: string) => rig.store.put(ref(key), bodyOf(`content of ${key}`), DEFAULT_ATTRIBUTES);
    for (const key of ['d/a.blk', 'd/b.blk', 'd/c.blk', 'd/ok.blk']) await put(key);
    const file = (key: string) => tree.files.get(`/root/bucket/${key}`) as Buffer;
    tree.files.set('/root/bucket/d/a.blk', file('d/a.blk').subarray(0, 200));
    tree.files.set('/root/bucket/d/b.blk', Buffer.from('plain text'));
    tree.files.set('/root/bucket/d/c.blk', file('d/ok.blk'));
    await rig.restart(true);
    expect((await rig.store.list('bucket', listing)).objects.map(({ key }) => key)).toEqual(['d/ok.blk']);
    expect(await rig.store.stat(ref('d/a.blk'))).toBeUndefined();
    await put('d/a.blk');
    expect((await rig.store.list('bucket', listing)).objects).toHaveLength(2);
    await rig.close();
  });

  it('finds a flipped bit on reading, and then HEAD no longer finds the object while LIST does', async () => {
    const tree = new MemoryTree();
    const rig = new StoreRig({ tree });
    await rig.store.put(ref('x.blk'), bodyOf(Buffer.alloc(9000, 1)), DEFAULT_ATTRIBUTES);
    (tree.files.get('/root/bucket/x.blk') as Buffer)[5000]! ^= 1;
    const object = await rig.store.open(ref('x.blk'));
    await expect(readAll(object.read())).rejects.toMatchObject({ code: 'InternalError' });
    expect(await rig.store.stat(ref('x.blk'))).toBeUndefined();
    expect((await rig.store.list('bucket', listing)).objects).toHaveLength(1);
    await rig.close();
  });
});
