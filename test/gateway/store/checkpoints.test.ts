/** A gateway without its local disk starts from what a former one left on the FTP server, and believes it only as far as it is proved. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createKeyring } from '../../../gateway/seal/keyring';
import { Catalog } from '../../../gateway/store/catalog';
import { Checkpoints, type CheckpointsOptions } from '../../../gateway/store/checkpoints';
import { ObjectFiles } from '../../../gateway/store/object-files';
import type { ObjectRecord } from '../../../gateway/store/object-record';
import { RemoteLayout } from '../../../gateway/store/remote-layout';
import { MemoryTree } from '../../support/memory-tree';

const ROOT = 'root-0123456789abcdef';
const layout = new RemoteLayout('/root');
const record = (size: number): ObjectRecord => ({
  kind: 'object',
  size,
  storedSize: size + 300,
  lastModified: 1_700_000_000_000,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
});

describe.each([
  ['sealed', true],
  ['plain', false],
])('checkpoints, %s', (_name, sealed) => {
  let tree: MemoryTree;
  let directory: string;
  let catalog: Catalog;
  let opened = 0;

  const keyring = (byte: number) => ({ keyring: createKeyring({ writeKey: Buffer.alloc(32, byte) }) });
  const newCatalog = () => new Catalog(join(directory, `catalog-${opened++}`));
  const checkpointsOf = (of: Catalog, key = 7, timing: Partial<CheckpointsOptions> = {}) => {
    let count = 0;
    const files = new ObjectFiles({
      tree,
      ...(sealed && keyring(key)),
      segmentLog2: 12,
      readPlain: () => false,
      temporaryPath: () => `/root/_longhaul/tmp-1/${opened}-${count++}`,
      asidePath: (path) => `${path}%a`,
    });
    const log = pino({ level: 'silent' });
    return new Checkpoints({
      tree,
      catalog: of,
      files,
      layout,
      directory,
      isOpen: () => true,
      log,
      now: Date.now,
      ...timing,
    });
  };
  const names = () =>
    [...tree.files.keys()]
      .map((path) => path.slice(path.lastIndexOf('/') + 1))
      .filter((n) => n.startsWith('checkpoint'));
  const restored = async (key?: number) => {
    const fresh = newCatalog();
    await checkpointsOf(fresh, key).restore(names(), ROOT);
    return fresh;
  };
  const keysOf = (of: Catalog) => [...of.objectsFrom('b', '', true)].map(([key]) => key);

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'longhaul-checkpoints-'));
    tree = new MemoryTree();
    for (const path of ['/root', '/root/_longhaul', '/root/_longhaul/tmp-1']) tree.directories.add(path);
    catalog = newCatalog();
    await catalog.begin(1, { epoch: 0, renewals: 0, released: true }, ROOT);
    await catalog.addBucket('b', 5, true);
    let parent = catalog.root('b')!;
    for (const name of ['x', 'ü']) parent = await catalog.addDirectory(parent, name, true);
    for (let i = 0; i < 5_000; i++) void catalog.putFile(parent, `file-${i}`, record(i));
    await catalog.putFile(parent, 'torn', { kind: 'unreadable', storedSize: 3, reason: 'too short' });
    await catalog.intents.add({ bucket: 'b', key: 'x/doubtful' }).written;
    await catalog.multipart.putUpload({
      bucket: 'b',
      key: 'big',
      uploadId: 'u',
      initiatedAt: 1,
      attributes: { headers: {}, metadata: {} },
    });
  });

  afterEach(async () => {
    await catalog.close(false);
    rmSync(directory, { recursive: true, force: true });
  });

  it('give back all, and what was proved if they are clean and the lease was given back right after', async () => {
    await checkpointsOf(catalog).take(true);
    const fresh = await restored();
    await fresh.begin(2, { epoch: 1, renewals: 4, released: true }, ROOT);
    expect(keysOf(fresh)).toEqual(keysOf(catalog));
    expect(fresh.counts).toEqual(catalog.counts);
    expect(fresh.isProvedWhole).toBe(true);
    expect(fresh.intents.all()).toEqual(catalog.intents.all());
    expect(fresh.multipart.uploads()).toEqual(catalog.multipart.uploads());
    fresh.verify();
    await fresh.close(true);
  });

  it.each([
    ['it was not clean', false, { epoch: 1, renewals: 0, released: true }],
    ['its epoch did not end in order', true, { epoch: 1, renewals: 0, released: false }],
    ['another gateway served since', true, { epoch: 2, renewals: 0, released: true }],
  ])(
    'are a hint, of which nothing counts as proved and no record as of that very file, if %s',
    async (_why, clean, former) => {
      await checkpointsOf(catalog).take(clean);
      const fresh = await restored();
      await fresh.begin(former.epoch + 1, former, ROOT);
      expect(keysOf(fresh).length).toBe(5_000);
      expect(fresh.counts.proved).toBe(0);
      expect(fresh.isProved(fresh.root('b')!)).toBe(false);
      expect(fresh.isTrusted(fresh.root('b')!)).toBe(false);
      await fresh.close(true);
    },
  );

  it('hold one state, however much changes while they are taken', async () => {
    const taken = checkpointsOf(catalog).take(false);
    const root = catalog.root('b')!;
    for (let i = 0; i < 300; i++) await catalog.putFile(root, `later-${i}`, record(i));
    await taken;
    const fresh = await restored();
    const later = keysOf(fresh).filter((key) => key.startsWith('later')).length;
    expect(keysOf(fresh).length).toBe(5_000 + later);
    fresh.verify();
    await fresh.close(true);
  });

  it('are passed over when they are damaged, for the one before', async () => {
    const checkpoints = checkpointsOf(catalog);
    await checkpoints.take(false);
    await checkpoints.take(false);
    await checkpoints.take(false);
    expect(names()).toEqual(['checkpoint-1-2', 'checkpoint-1-3']);
    const path = '/root/_longhaul/checkpoint-1-3';
    const bytes = tree.files.get(path)!;
    for (const damaged of [bytes.subarray(0, bytes.length >> 1), Buffer.alloc(0), flipped(bytes)]) {
      tree.files.set(path, damaged);
      const fresh = await restored();
      expect(keysOf(fresh).length).toBe(5_000);
      fresh.verify();
      await fresh.close(true);
    }
    tree.files.set('/root/_longhaul/checkpoint-1-2', Buffer.from('nothing of the kind'));
    const fresh = await restored();
    expect(fresh.isBlank).toBe(true);
    await fresh.begin(2, { epoch: 1, renewals: 0, released: false }, ROOT);
    expect(fresh.buckets()).toEqual([]);
    await fresh.close(true);
  });

  it('are not taken from another root, nor in place of a catalog that knows as much', async () => {
    await checkpointsOf(catalog).take(true);
    const other = newCatalog();
    await checkpointsOf(other).restore(names(), 'root-of-another-server');
    expect(other.isBlank).toBe(true);
    await other.close(true);
    await catalog.putFile(catalog.root('b')!, 'newer', record(1));
    await checkpointsOf(catalog).restore(names(), ROOT);
    expect(keysOf(catalog)).toContain('newer');
  });

  it('replace a local catalog of an earlier epoch', async () => {
    const old = newCatalog();
    await old.begin(1, undefined, ROOT);
    await old.addBucket('old', 1, true);
    await catalog.begin(7, undefined, ROOT);
    await checkpointsOf(catalog).take(true);
    await checkpointsOf(old).restore(names(), ROOT);
    expect(old.buckets().map(({ name }) => name)).toEqual(['b']);
    expect(old.epoch).toBe(7);
    await old.close(true);
  });

  it.each([2, 9])('are passed over when they are of another version, such as %d', async (schema) => {
    await checkpointsOf(catalog).take(true);
    const dump = catalog.dump.bind(catalog);
    catalog.dump = () => ofSchema(dump(true), schema);
    const checkpoints = checkpointsOf(catalog);
    await checkpoints.take(true);
    await checkpoints.take(true);
    expect(keysOf(catalog).length).toBe(5_000);
    const fresh = await restored();
    expect(fresh.isBlank).toBe(true);
    await fresh.close(true);
  });

  if (sealed) {
    it('do not open with another key', async () => {
      await checkpointsOf(catalog).take(true);
      const fresh = await restored(8);
      expect(fresh.isBlank).toBe(true);
      await fresh.close(true);
      const stored = tree.files.get('/root/_longhaul/checkpoint-1-1')!;
      expect(stored.subarray(0, 8).toString()).toBe('LONGHAUL');
    });
  }

  it('are taken at their interval where anything changed, and earlier after many changes', async () => {
    let now = 1_700_000_000_000;
    const intervalMs = 3_600_000;
    const checkpoints = checkpointsOf(catalog, 7, { now: () => now, intervalMs, tickMs: 2 });
    const count = async (taken: number) => {
      for (let waited = 0; checkpoints.stats.taken < taken && waited < 5_000; waited += 5) await sleep(5);
      // Not one more, however often it looks.
      await sleep(40);
      expect(checkpoints.stats).toMatchObject({ taken, failed: 0 });
    };
    const root = catalog.root('b')!;
    checkpoints.start();
    await count(0);
    now += intervalMs;
    await count(1);
    expect(checkpoints.stats).toMatchObject({ lastAt: now, changesSince: 0 });
    now += intervalMs;
    await count(1);
    await catalog.putFile(root, 'changed', record(1));
    await count(2);
    await Promise.all(Array.from({ length: 9_999 }, () => catalog.putFile(root, 'changed', record(1))));
    await count(2);
    await catalog.putFile(root, 'changed', record(1));
    await count(3);
    await checkpoints.stop();
  });

  it('fail with the reason where the local disk cannot take the file, and leave nothing behind', async () => {
    const checkpoints = checkpointsOf(catalog);
    rmSync(directory, { recursive: true, force: true });
    await expect(checkpoints.take(false)).rejects.toThrow(/ENOENT/);
    expect(names()).toEqual([]);
    await expect(catalog.putFile(catalog.root('b')!, 'x', record(1))).resolves.toBeUndefined();
  });
});

/** The dump as another version would write it, as far as the first frame tells. */
async function* ofSchema(dump: AsyncIterable<Buffer>, schema: number): AsyncGenerator<Buffer> {
  let isHead = true;
  for await (const frame of dump) {
    if (!isHead) yield frame;
    else {
      const head = JSON.parse(frame.toString('utf8', 5)) as { state: object };
      const payload = Buffer.from(JSON.stringify({ ...head, state: { ...head.state, schema } }));
      const start = Buffer.from(frame.subarray(0, 5));
      start.writeUInt32BE(payload.length, 1);
      yield Buffer.concat([start, payload]);
      isHead = false;
    }
  }
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[bytes.length >> 1] = (copy[bytes.length >> 1] ?? 0) ^ 1;
  return copy;
}
