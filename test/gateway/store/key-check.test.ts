import { keyId, type KeyringOptions } from '../../../gateway/seal/keyring';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig, type RigOptions } from '../../support/store-rig';

const [OLD, NEW] = [Buffer.alloc(32, 'old!'), Buffer.alloc(32, 'new!')];
const BOTH: KeyringOptions = { writeKey: NEW, readKeys: [OLD] };
const OWN = '/root/_longhaul';
const ref = { bucket: 'bucket', key: 'a/b.cfg' };
const shortly = { patienceMs: 300 };

describe('the check of keys at start-up', () => {
  let tree: MemoryTree;
  const rigs: StoreRig[] = [];

  beforeEach(() => {
    tree = new MemoryTree();
  });
  afterEach(async () => {
    for (const rig of rigs.splice(0)) await rig.close();
  });

  /** A gateway with its own disk, whose predecessor stopped in order. */
  const start = (options: Partial<RigOptions>): StoreRig => {
    const rig = new StoreRig({ tree, ...shortly, ...options });
    rigs.push(rig);
    return rig;
  };
  const serve = async (options: Partial<RigOptions>, content?: string): Promise<void> => {
    const rig = start(options);
    await rig.store.listBuckets();
    if (content !== undefined) await rig.store.put(ref, bodyOf(content), DEFAULT_ATTRIBUTES);
    await rig.stop();
    rigs.pop();
  };
  /** Why it does not serve; what is below the buckets and of the keys stays as it is. */
  const refusal = async (options: Partial<RigOptions>): Promise<string> => {
    const kept = () =>
      [...tree.files]
        .filter(([path]) => !path.includes('/tmp-'))
        .map(([path, bytes]) => [path, bytes.toString('base64')]);
    const before = kept();
    const rig = start(options);
    await expect(rig.store.put(ref, bodyOf('wrong'), DEFAULT_ATTRIBUTES)).rejects.toMatchObject({
      code: 'SlowDown',
    });
    expect(kept()).toEqual(before);
    await rig.close();
    return rig.root.reason;
  };
  const read = async (options: Partial<RigOptions>): Promise<string> => {
    const { store } = start(options);
    return (await readAll((await store.open(ref)).read())).toString();
  };

  it('refuses another key, the old one missing from the keyring, and no key', async () => {
    await serve({ keys: { writeKey: OLD } }, 'sealed');
    expect(await refusal({ keys: { writeKey: NEW } })).toMatch(
      `sealed with the key ${keyId(OLD)}; expected it in ENCRYPTION_KEYS`,
    );
    expect(await refusal({ sealed: false })).toMatch('no ENCRYPTION_KEY is set');
    await serve({ keys: BOTH }, 'sealed anew');
    expect(await refusal({ keys: { writeKey: NEW } })).toMatch(keyId(OLD));
    expect(await refusal({ keys: { writeKey: OLD } })).toMatch(keyId(NEW));
    expect(await read({ keys: BOTH })).toBe('sealed anew');
  });

  it('tells wrong keys by the objects themselves where nothing else is left', async () => {
    await serve({ keys: { writeKey: OLD } }, 'sealed');
    const loseMarks = (): void => void tree.files.delete(`${OWN}/key-${keyId(OLD)}`);
    loseMarks();
    expect(await refusal({ keys: { writeKey: NEW } })).toMatch(`ENCRYPTION_KEY is the key ${keyId(NEW)}`);
    expect(await refusal({ sealed: false })).toMatch('no ENCRYPTION_KEY is set');
    expect(await read({ keys: { writeKey: OLD } })).toBe('sealed');
    expect(tree.files.has(`${OWN}/key-${keyId(OLD)}`)).toBe(true);
  });

  it.each([
    ['that a gateway without a key left', true],
    ['that something else made', false],
  ])(
    'refuses to seal beside a plain tree %s, unless plain objects are to be read',
    async (_whose, isOurs) => {
      await serve({ sealed: false }, 'plain');
      if (!isOurs)
        for (const path of tree.directories) if (path.startsWith(`${OWN}/`)) tree.directories.delete(path);
      expect(await refusal({ keys: { writeKey: NEW } })).toMatch('PLAIN_OBJECTS=read');
      expect(await read({ keys: { writeKey: NEW }, readPlain: true })).toBe('plain');
    },
  );

  it('takes a root where a gateway without a key stored nothing', async () => {
    await serve({ sealed: false });
    await serve({ keys: { writeKey: NEW } }, 'sealed');
    expect(await read({ keys: { writeKey: NEW } })).toBe('sealed');
  });

  it('does not read plain files, whatever is configured, once all are sealed', async () => {
    await serve({ keys: { writeKey: NEW } }, 'sealed');
    tree.files.set('/root/bucket/a/b.cfg', Buffer.from('forged'));
    const { store } = start({ keys: { writeKey: NEW }, readPlain: true });
    expect(await store.stat(ref)).toBeUndefined();
  });

  it('reads what an added key opens, though the catalog was left in order and proved', async () => {
    await serve({ keys: { writeKey: OLD } }, 'sealed');
    tree.files.delete(`${OWN}/key-${keyId(OLD)}`);
    const foreign = tree.files.get('/root/bucket/a/b.cfg') as Buffer;
    tree.files.delete('/root/bucket/a/b.cfg');
    const rig = start({ keys: { writeKey: NEW } });
    await rig.store.listBuckets();
    tree.directories.add('/root/bucket/a');
    tree.files.set('/root/bucket/a/b.cfg', foreign);
    expect(await rig.store.stat(ref)).toBeUndefined();
    await rig.stop();
    rig.start({ keys: BOTH });
    expect((await readAll((await rig.store.open(ref)).read())).toString()).toBe('sealed');
  });

  it('lets the right gateway have the root that one with a wrong key cannot use', async () => {
    await serve({ keys: { writeKey: OLD } }, 'sealed');
    const leaseTiming = { renewMs: 20, graceMs: 150, staleMs: 60_000 };
    const wrong = start({ keys: { writeKey: NEW }, holder: 'b'.repeat(16), leaseTiming });
    await expect(wrong.store.listBuckets()).rejects.toMatchObject({ code: 'SlowDown' });
    const right = start({ keys: { writeKey: OLD }, holder: 'a'.repeat(16), leaseTiming, patienceMs: 5_000 });
    expect(await right.store.stat(ref)).toMatchObject({ size: 6 });
    expect(wrong.root.isOpen).toBe(false);
  });

  it('sees the mark that a former gateway made while it was fenced off', async () => {
    await serve({ keys: { writeKey: NEW } });
    const check = tree.files.get(`${OWN}/key-${keyId(NEW)}`) as Buffer;
    tree.files.delete(`${OWN}/key-${keyId(NEW)}`);
    tree.directories.add(`${OWN}/tmp-1`);
    tree.fault = ({ method, path }) => {
      if (method === 'rename' && path.endsWith('/tmp-1')) tree.files.set(`${OWN}/key-${keyId(NEW)}`, check);
      return undefined;
    };
    const rig = start({ keys: { writeKey: OLD } });
    await expect(rig.store.listBuckets()).rejects.toMatchObject({ code: 'SlowDown' });
    expect(rig.root.reason).toMatch(keyId(NEW));
    expect(tree.files.has(`${OWN}/key-${keyId(OLD)}`)).toBe(false);
  });
});
