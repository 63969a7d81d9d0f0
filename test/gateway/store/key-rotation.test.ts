import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { keyId, type KeyringOptions } from '../../../gateway/seal/keyring';
import { PLAIN } from '../../../gateway/store/key-check';
import type { CompletedPart, ObjectInfo, PartInfo, UploadRef } from '../../../gateway/store/object-store';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig, type RigOptions } from '../../support/store-rig';

const [OLD, NEW] = [Buffer.alloc(32, 'old!'), Buffer.alloc(32, 'new!')];
const BOTH: KeyringOptions = { writeKey: NEW, readKeys: [OLD] };
const MIB = 1024 * 1024;
const ref = (key: string) => ({ bucket: 'bucket', key });
const named = ({ partNumber, etag }: PartInfo): CompletedPart => ({ partNumber, etag });
const everything = { prefix: '', delimiter: '', after: '', maxKeys: 1000 };
const attributes = { headers: { 'content-type': 'text/plain' }, metadata: { from: 'a test' } };

function fail(): never {
  throw new Error('the upload is not there');
}

describe('a rotation of keys', () => {
  let tree: MemoryTree;
  let rig: StoreRig;

  const begin = (options: Partial<RigOptions>) => {
    tree = new MemoryTree();
    rig = new StoreRig({ tree, trash: { keepMs: 0 }, ...options });
  };
  afterEach(() => rig.close());

  const put = (key: string, content: string | Buffer = `content of ${key}`) =>
    rig.store.put(ref(key), bodyOf(content), attributes);
  const get = async (key: string) => (await readAll((await rig.store.open(ref(key))).read())).toString();
  const upload = async (key: string, parts: readonly Buffer[], completes = true): Promise<UploadRef> => {
    const started = { ...ref(key), uploadId: await rig.store.createUpload(ref(key), DEFAULT_ATTRIBUTES) };
    const stored: CompletedPart[] = [];
    for (const [i, part] of parts.entries())
      stored.push(named(await rig.store.putPart(started, i + 1, bodyOf(part))));
    if (completes) await rig.store.completeUpload(started, stored);
    return started;
  };
  const list = async (): Promise<readonly ObjectInfo[]> =>
    (await rig.store.list('bucket', everything)).objects;
  const rotate = async () => {
    const { rotation } = rig.store.keys;
    await rotation?.start();
    while (rotation?.status.state === 'running') await new Promise((resolve) => setTimeout(resolve, 5));
    return rotation?.status;
  };
  const use = async (id: string) => (await rig.store.keys.report()).keys.find((key) => key.id === id);
  const filesNaming = (key: Buffer) => {
    const id = Buffer.from(keyId(key), 'hex');
    return [...tree.files].filter(([, bytes]) => bytes.includes(id)).map(([path]) => path);
  };

  describe.each([
    ['sealed with an older key', { keys: { writeKey: OLD } }, keyId(OLD)],
    ['without seal', { sealed: false }, PLAIN],
  ])('of a tree %s', (_name, before, oldId) => {
    const after = { sealed: true, keys: BOTH, readPlain: true };
    const small = Buffer.alloc(5 * MIB, 'part');

    it('seals everything anew without any change that a client sees, and then nothing needs the old key', async () => {
      begin(before);
      await put('a/small.cfg');
      await put('a/empty.cfg', '');
      await put('a//./..', Buffer.alloc(50_000, 'long'));
      await put('large.blk', Buffer.alloc(17 * MIB, 'large'));
      await upload('parts.zip', [small, Buffer.from('the end')]);
      const open = await upload('open.zip', [small], false);
      const shown = await list();
      await rig.restart(false, after);

      expect(await list()).toEqual(shown);
      expect(await use(oldId)).toMatchObject({ opens: true, inUse: true, writes: false });
      expect(await rig.store.keys.retire(oldId)).not.toEqual([]);
      expect(await rotate()).toMatchObject({ state: 'complete', failed: 0, left: { objects: 0, bytes: 0 } });

      expect(await list()).toEqual(shown);
      const open2 = await rig.store.listParts(open);
      expect(open2).toMatchObject([{ partNumber: 1, size: small.length }]);
      if (oldId === PLAIN) expect(await use(PLAIN)).toBeUndefined();
      else expect(await use(oldId)).toMatchObject({ objects: 0, parts: 0, inUse: true });
      if (oldId !== PLAIN) expect(await rig.store.keys.retire(oldId)).toEqual([]);
      expect(filesNaming(OLD)).toEqual([]);
      const sealed = [...tree.files].filter(([, bytes]) => bytes.toString('latin1', 0, 8) === 'LONGHAUL');
      expect(sealed).toHaveLength(tree.files.size);

      await rig.restart(true, { keys: { writeKey: NEW }, readPlain: false });
      expect(await list()).toEqual(shown);
      expect(await get('a/small.cfg')).toBe('content of a/small.cfg');
      expect(await get('a/empty.cfg')).toBe('');
      expect(await get('large.blk')).toBe(Buffer.alloc(17 * MIB, 'large').toString());
      expect(await get('parts.zip')).toBe(`${small.toString()}the end`);
    }, 60_000);
  });

  it('completes an upload whose parts were sealed before and anew', async () => {
    begin({ keys: { writeKey: OLD } });
    const part = Buffer.alloc(5 * MIB, 'one');
    const started = { ...ref('k'), uploadId: await rig.store.createUpload(ref('k'), DEFAULT_ATTRIBUTES) };
    const one = await rig.store.putPart(started, 1, bodyOf(part));
    await rig.restart(false, { keys: BOTH });
    await rotate();
    const two = await rig.store.putPart(started, 2, bodyOf('two'));
    await rig.store.completeUpload(started, [named(one), named(two)]);
    await rig.restart(false, { keys: { writeKey: NEW, readKeys: [OLD] } });
    expect(await get('k')).toBe(`${part.toString()}two`);
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
  });

  it('takes no part from an object whose upload looks unfinished, since a crash came before it was written down', async () => {
    begin({ keys: { writeKey: OLD } });
    const part = Buffer.alloc(5 * MIB, 'part');
    const started = await upload('k', [part, Buffer.from('end')]);
    const { initiatedAt } = rig.catalog.multipart.upload(started.uploadId) ?? fail();
    const unfinished = { ...started, initiatedAt, attributes: DEFAULT_ATTRIBUTES };
    await rig.catalog.multipart.putUpload(unfinished);
    const before = await rig.store.stat(ref('k'));
    await rig.restart(false, { keys: BOTH });
    expect(await rotate()).toMatchObject({ state: 'complete' });
    const rows = rig.catalog.multipart.parts(started.uploadId).map(named);
    await rig.catalog.multipart.putUpload(unfinished);
    await expect(rig.store.putPart(started, 1, bodyOf(part))).rejects.toMatchObject({ code: 'NoSuchUpload' });
    await rig.catalog.multipart.putUpload(unfinished);
    expect(await rig.store.completeUpload(started, rows)).toEqual(before);
    await rig.restart(true);
    expect(await get('k')).toBe(`${part.toString()}end`);
  });

  it('leaves alone what a client wrote or deleted meanwhile', async () => {
    begin({ keys: { writeKey: OLD } });
    for (let i = 0; i < 30; i++) await put(`k${i}`);
    await rig.restart(false, { keys: BOTH });
    await rig.store.stat(ref('k0'));
    const rotated = rotate();
    await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        i % 2 === 0 ? put(`k${i}`, `new ${i}`) : rig.store.delete(ref(`k${i}`)),
      ),
    );
    expect(await rotated).toMatchObject({ state: 'complete' });
    expect((await list()).map(({ key }) => key).sort()).toEqual(
      Array.from({ length: 15 }, (_, i) => `k${2 * i}`).sort(),
    );
    for (let i = 0; i < 30; i += 2) expect(await get(`k${i}`)).toBe(`new ${i}`);
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
  });

  it('lets a read that began before go on in the new file', async () => {
    begin({ keys: { writeKey: OLD } });
    const content = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
    await put('k', content);
    const before = await upload('m', [Buffer.alloc(5 * MIB, 'm'), content]);
    await rig.restart(false, { keys: BOTH });
    const opened = await rig.store.open(ref('k'));
    const ranged = (await rig.store.open(ref('k'))).read({ start: 10, end: 90_000 })[Symbol.asyncIterator]();
    const first = await ranged.next();
    const parts = (await rig.store.open(ref('m'))).read();
    const oldParts = [...tree.files.keys()].filter((path) => path.includes(before.uploadId));
    await rotate();
    for (const path of oldParts) tree.files.delete(path);
    expect((await readAll(opened.read())).equals(content)).toBe(true);
    const rest: Buffer[] = [first.value as Buffer];
    for (let next = await ranged.next(); !next.done; next = await ranged.next()) rest.push(next.value);
    expect(Buffer.concat(rest).equals(content.subarray(10, 90_000))).toBe(true);
    expect((await readAll(parts)).equals(Buffer.concat([Buffer.alloc(5 * MIB, 'm'), content]))).toBe(true);
  });

  it('does not put a sealed file in the place of a plain one that is being read', async () => {
    begin({ sealed: false });
    await put('k', Buffer.alloc(3000, 'plain'));
    await rig.restart(false, { sealed: true, keys: BOTH, readPlain: true });
    const reading = (await rig.store.open(ref('k'))).read()[Symbol.asyncIterator]();
    const chunks = [(await reading.next()).value as Buffer];
    const rotated = rotate();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(tree.files.get('/root/bucket/k%o')).toHaveLength(3000);
    for (let next = await reading.next(); !next.done; next = await reading.next()) chunks.push(next.value);
    expect(Buffer.concat(chunks).equals(Buffer.alloc(3000, 'plain'))).toBe(true);
    expect(await rotated).toMatchObject({ state: 'complete' });
    expect(tree.files.get('/root/bucket/k%o')?.toString('latin1', 0, 8)).toBe('LONGHAUL');
  });

  it('goes on by itself after a crash, also without the catalog, and reuses the parts that were done', async () => {
    begin({ keys: { writeKey: OLD } });
    for (let i = 0; i < 10; i++) await put(`k${i}`);
    await upload('m', [Buffer.alloc(5 * MIB, 'a'), Buffer.alloc(5 * MIB, 'b'), Buffer.from('c')]);
    await rig.restart(false, { keys: BOTH });
    let puts = 0;
    tree.fault = ({ method }) => (method === 'putFile' && ++puts > 4 ? 'before' : undefined);
    await rig.store.keys.rotation?.start();
    while (puts <= 5) await new Promise((resolve) => setTimeout(resolve, 5));
    await rig.restart(true);
    tree.fault = () => undefined;
    tree.calls.length = 0;
    await rig.store.keys.rotation?.resume();
    while (rig.store.keys.rotation?.status.state === 'running')
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(rig.store.keys.rotation?.status.state).toBe('complete');
    expect(tree.calls.filter(({ method }) => method === 'putFile').length).toBeLessThan(10 + 4);
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
    expect(filesNaming(OLD)).toEqual([]);
    expect([...tree.directories].filter((path) => path.includes('rotate-'))).toEqual([]);
  });

  it('ends with what is damaged named, and that keeps the old key in use', async () => {
    begin({ keys: { writeKey: OLD } });
    await put('good');
    await put('bad', Buffer.alloc(9000, 1));
    (tree.files.get('/root/bucket/bad%o') as Buffer)[5000]! ^= 1;
    await rig.restart(false, { keys: BOTH });
    expect(await rotate()).toMatchObject({
      state: 'incomplete',
      failed: 1,
      failures: [expect.stringContaining('bucket/bad')],
    });
    expect(await rig.store.stat(ref('bad'))).toBeUndefined();
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual(['sealed with it: objects 1, parts 0']);
    await put('bad');
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
  });

  it('does not seal a plain file whose bytes are not those that were stored', async () => {
    begin({ sealed: false });
    await put('k', 'what a client stored');
    tree.files.set('/root/bucket/k%o', Buffer.from('what a thief put in!'));
    await rig.restart(false, { sealed: true, keys: BOTH, readPlain: true });
    expect(await rotate()).toMatchObject({ state: 'incomplete', failed: 1 });
    expect(await rig.store.stat(ref('k'))).toBeUndefined();
  });

  it('keeps a key in use for a torn file that names it, and for files of the gateway itself', async () => {
    begin({ keys: { writeKey: OLD } });
    await put('torn', Buffer.alloc(9000, 1));
    await put('other');
    const torn = (tree.files.get('/root/bucket/torn%o') as Buffer).subarray(0, 300);
    await rig.restart(true, { keys: BOTH });
    tree.files.set('/root/bucket/torn%o', torn);
    tree.directories.add('/root/_longhaul/trash');
    await rotate();
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([expect.stringContaining('/root/bucket/torn%o')]);
    tree.files.delete('/root/bucket/torn%o');
    tree.files.set('/root/_longhaul/trash/1', torn);
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([expect.stringContaining('trash/1')]);
    tree.files.delete('/root/_longhaul/trash/1');
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
  });

  it('keeps a key in use for what lies in the trash, and for the parts of a manifest there', async () => {
    begin({ keys: { writeKey: OLD }, trash: {} });
    const part = Buffer.alloc(5 * MIB, 'old');
    const started = { ...ref('m'), uploadId: await rig.store.createUpload(ref('m'), DEFAULT_ATTRIBUTES) };
    const one = named(await rig.store.putPart(started, 1, bodyOf(part)));
    await put('k');
    await rig.store.delete(ref('k'));
    await rig.restart(false, { keys: BOTH });
    // Completed and deleted before a rotation: the manifest has the new key, and its part the old one.
    await rig.store.completeUpload(started, [one]);
    await rig.store.delete(ref('m'));
    expect(await rotate()).toMatchObject({ state: 'complete' });
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([expect.stringContaining('own 2, such as')]);

    rig.store.trashJobs.restore({});
    await rig.store.trashJobs.ended();
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual(['sealed with it: objects 1, parts 1']);
    expect(await rotate()).toMatchObject({ state: 'complete' });
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([]);
    await rig.restart(true, { keys: { writeKey: NEW } });
    expect(await get('k')).toBe('content of k');
    expect(await get('m')).toBe(part.toString());
  });

  it('leaves the parts of an object that is deleted meanwhile to the trash', async () => {
    begin({ keys: { writeKey: OLD }, trash: {} });
    const part = Buffer.alloc(5 * MIB, 'old');
    await upload('m', [part, Buffer.from('end')]);
    await rig.restart(false, { keys: BOTH });
    await rig.store.stat(ref('m'));
    let deleted: Promise<void> | undefined;
    tree.fault = ({ method, path }) => {
      if (method === 'putFile' && path.includes('/uploads/')) deleted ??= rig.store.delete(ref('m'));
      return undefined;
    };
    expect(await rotate()).toMatchObject({ state: 'complete' });
    expect(deleted).toBeDefined();
    await deleted;
    await new Promise((resolve) => setTimeout(resolve, 100));
    rig.store.trashJobs.restore({});
    await rig.store.trashJobs.ended();
    expect(await get('m')).toBe(`${part.toString()}end`);
  });

  it('does not take a version that was only sealed anew for one that was replaced', async () => {
    begin({ keys: { writeKey: OLD }, trash: {} });
    await upload('m', [Buffer.alloc(5 * MIB, 'old'), Buffer.from('end')]);
    const path = '/root/bucket/m%o';
    const before = tree.files.get(path) as Buffer;
    await rig.restart(false, { keys: BOTH });
    await rotate();
    // As a crash leaves it on a server that does not replace on rename.
    tree.files.set(`${path}%a`, before);
    await rig.restart(true);
    expect((await get('m')).length).toBe(5 * MIB + 3);
    expect(tree.files.has(`${path}%a`)).toBe(false);
    expect([...tree.files.keys()].filter((file) => file.includes('/trash/'))).toEqual([]);
  });

  it('retires neither the key that writes nor one that nobody knows', async () => {
    begin({ keys: BOTH });
    await put('k');
    expect(await rig.store.keys.retire(keyId(NEW))).toEqual([expect.stringMatching(/seals now/)]);
    expect(await rig.store.keys.retire(keyId(OLD))).toEqual([expect.stringMatching(/nothing here/)]);
  });
});
