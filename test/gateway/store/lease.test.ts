import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const leaseTiming = { renewMs: 50, graceMs: 600, staleMs: 1_200 };
const ref = { bucket: 'bucket', key: 'k' };

describe('the lease on an FTP root', () => {
  let tree: MemoryTree;
  let first: StoreRig;
  let second: StoreRig;

  const rig = (holder: string, patienceMs: number) =>
    new StoreRig({ tree, holder: holder.repeat(16), leaseTiming, patienceMs });
  const put = ({ store }: StoreRig, content: string) => store.put(ref, bodyOf(content), DEFAULT_ATTRIBUTES);
  const get = async ({ store }: StoreRig) => (await readAll((await store.open(ref)).read())).toString();

  beforeEach(async () => {
    tree = new MemoryTree();
    first = rig('a', 5_000);
    await put(first, 'one');
    second = rig('b', 50);
  });

  afterEach(async () => {
    await first.close();
    await second.close();
  });

  it('keeps a second gateway out while the first renews it', async () => {
    for (let i = 0; i < 8; i++) {
      await expect(get(second)).rejects.toMatchObject({ code: 'SlowDown' });
      expect(second.root.isOpen).toBe(false);
    }
    expect(second.root.reason).toMatch(/another gateway \(a{16}\) holds the lease/);
    expect(await get(first)).toBe('one');
  });

  it('passes to the standby when the first dies, whose directory for files on their way is then gone', async () => {
    first.root.abandon();
    const started = Date.now();
    await expect(get(second)).rejects.toMatchObject({ code: 'SlowDown' });
    while (!second.root.isOpen && Date.now() - started < 10_000)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await get(second)).toBe('one');
    expect(Date.now() - started).toBeGreaterThan(leaseTiming.graceMs);
    expect(first.root.isOpen).toBe(false);
    await expect(put(first, 'late')).rejects.toMatchObject({ code: 'SlowDown' });
    expect(tree.directories.has('/root/_longhaul/tmp-1')).toBe(false);
    expect(tree.directories.has('/root/_longhaul/tmp-2')).toBe(true);
  });

  it('has a client come again whose write was on its way when another gateway took over', async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const body = bodyOf('late');
    const slow = {
      ...body,
      async *open() {
        await held;
        yield* body.open();
      },
    };
    const late = first.store.put(ref, slow, DEFAULT_ATTRIBUTES);
    first.root.abandon();
    void second.root.open().catch(() => undefined);
    while (!second.root.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));
    goOn();
    await expect(late).rejects.toMatchObject({ code: 'SlowDown' });
    expect(await get(second)).toBe('one');
  });

  it('stops a holder that is cut off from the server before its lease can be taken', async () => {
    tree.fault = ({ method, path }) =>
      method === 'rename' && path.includes('/lease-') ? 'before' : undefined;
    await new Promise((resolve) => setTimeout(resolve, leaseTiming.graceMs + 50));
    expect(first.root.isOpen).toBe(false);
    await expect(put(first, 'two')).rejects.toMatchObject({ code: 'SlowDown' });
    tree.fault = () => undefined;
    await expect(get(second)).rejects.toMatchObject({ code: 'SlowDown' });
    await new Promise((resolve) => setTimeout(resolve, leaseTiming.renewMs * 5));
    expect(await get(first)).toBe('one');
  });

  it('lets who waits in as soon as a holder that was cut off has renewed it', async () => {
    tree.fault = ({ method, path }) =>
      method === 'rename' && path.includes('/lease-') ? 'before' : undefined;
    while (first.root.isOpen) await new Promise((resolve) => setTimeout(resolve, 10));
    const started = Date.now();
    const waiting = get(first);
    tree.fault = () => undefined;
    expect(await waiting).toBe('one');
    expect(Date.now() - started).toBeLessThan(leaseTiming.graceMs);
  });

  it('knows a renewal for its own whose answer got lost', async () => {
    const { epoch } = first.catalog;
    for (let i = 0; i < 5; i++) {
      let lost = 0;
      tree.fault = ({ method, path }) =>
        method === 'rename' && path.includes('/lease-') && ++lost === 1 ? 'after' : undefined;
      while (lost < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await get(first)).toBe('one');
    }
    expect(first.catalog.epoch).toBe(epoch);
  });

  it("passes at once when it is given back, and is nobody else's before", async () => {
    await expect(get(second)).rejects.toMatchObject({ code: 'SlowDown' });
    await first.stop();
    const started = Date.now();
    while (!second.root.isOpen) {
      expect(Date.now() - started).toBeLessThan(leaseTiming.staleMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await get(second)).toBe('one');
    first.start();
  });

  it('is taken at once by the same gateway after a crash', async () => {
    await first.restart();
    expect(await get(first)).toBe('one');
  });

  it('leaves the proofs valid only if nobody else held it since the clean stop', async () => {
    const listsAfterRestart = async (): Promise<number> => {
      first.start();
      tree.calls.length = 0;
      expect(await get(first)).toBe('one');
      return tree.calls.filter(({ method, path }) => method === 'list' && path.startsWith('/root/bucket'))
        .length;
    };
    await first.stop();
    expect(await listsAfterRestart()).toBe(0);
    await first.stop();
    const patient = rig('c', 2_000);
    await put(patient, 'two');
    await patient.stop();
    first.start();
    expect(await get(first)).toBe('two');
  });

  it('goes to exactly one of many that compete for it', async () => {
    await first.stop();
    first.start();
    first.root.abandon();
    const rigs = Array.from({ length: 6 }, (_, i) => rig(String(i), 30));
    const outcomes = await Promise.allSettled(rigs.map((each) => put(each, 'x')));
    const deadline = Date.now() + 10_000;
    while (!rigs.some(({ root }) => root.isOpen) && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 1));
    expect(rigs.filter(({ root }) => root.isOpen)).toHaveLength(1);
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
    await Promise.all(rigs.map((each) => each.close()));
  });
});
