/** An older version of an object, put back on the FTP server behind the gateway: it opens, since it was valid once. */
import { pino } from 'pino';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const REF = { bucket: 'bucket', key: 'd/volume.cfg' };
const FILE = '/root/bucket/d/volume.cfg%o';

describe('an older version that was put back', () => {
  let tree: MemoryTree;
  let rig: StoreRig;
  let now: number;
  let log: { level: number; msg: string; now?: string }[];

  beforeEach(() => {
    tree = new MemoryTree();
    now = Date.parse('2026-11-20T10:00:00Z');
    log = [];
    const stream = { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[number]) };
    rig = new StoreRig({ tree, now: () => now, log: pino({ level: 'warn' }, stream) });
  });
  afterEach(() => rig.close());

  const put = (content: string) => rig.store.put(REF, bodyOf(content), DEFAULT_ATTRIBUTES);
  const get = async () => (await readAll((await rig.store.open(REF)).read())).toString();
  const path = () => [...tree.files.keys()].find((each) => each.startsWith('/root/bucket/d/')) ?? FILE;
  const putBack = async (older: string, newer: string) => {
    await put(older);
    const bytes = tree.files.get(path()) ?? Buffer.alloc(0);
    now += 60_000;
    await put(newer);
    tree.files.set(path(), bytes);
  };

  const told = expect.objectContaining({
    ...{ level: 50, msg: 'an object changed behind the gateway', now: 'an older version' },
  }) as unknown;

  it('is told when it is read, before it is given out', async () => {
    await putBack('backup-1', 'backup-2');
    await expect(get()).rejects.toMatchObject({ code: 'SlowDown' });
    expect(log).toContainEqual(told);
    expect(rig.store.stats.settler.foreignChanges).toBe(1);
    expect(await get()).toBe('backup-1');
  });

  it('is told where a listing shows that the file is another one', async () => {
    await putBack('backup-1', 'backup-10');
    await rig.crawl();
    expect(log).toContainEqual(told);
    expect(await get()).toBe('backup-1');
  });

  it('cannot be told from the file alone', async () => {
    await putBack('backup-1', 'backup-2');
    await rig.restart(true);
    expect(await get()).toBe('backup-1');
  });
});
