import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import type { CompletedPart, UploadRef } from '../../../gateway/store/object-store';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { expireAbandonedUploads } from '../../../gateway/store/upload-expiry';
import { bodyOf, readAll } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const DAY_MS = 86_400_000;
const START = Date.UTC(2030, 0, 1);

describe.each([
  ['sealed', true],
  ['plain', false],
])('an abandoned upload, %s', (_name, sealed) => {
  let now: number;
  let tree: MemoryTree;
  let rig: StoreRig;

  beforeEach(() => {
    now = START;
    tree = new MemoryTree();
    rig = new StoreRig({ tree, sealed, now: () => now });
  });
  afterEach(() => rig.close());

  const begin = async (key: string): Promise<UploadRef> => {
    const ref = { bucket: 'bucket', key };
    return { ...ref, uploadId: await rig.store.createUpload(ref, DEFAULT_ATTRIBUTES) };
  };
  const send = async (upload: UploadRef, partNumber: number): Promise<CompletedPart> => {
    const { etag } = await rig.store.putPart(upload, partNumber, bodyOf(`part ${partNumber}`));
    return { partNumber, etag };
  };
  const read = async (key: string) =>
    (await readAll((await rig.store.open({ bucket: 'bucket', key })).read())).toString();
  const partFiles = async ({ uploadId }: UploadRef): Promise<number | undefined> => {
    const listing = await tree.list(`/root/_longhaul/uploads/${uploadId}`);
    return listing.outcome === 'listed' ? listing.entries.length : undefined;
  };
  const untilGone = async (upload: UploadRef): Promise<void> => {
    while ((await partFiles(upload)) !== undefined) await sleep(5);
  };

  it('goes with all its parts, and others stay', async () => {
    const abandoned = await begin('abandoned');
    const goneOn = await begin('gone-on');
    await send(abandoned, 1);
    await send(abandoned, 2);
    now += 6 * DAY_MS;
    const young = await begin('young');
    await send(goneOn, 1);
    now += 2 * DAY_MS;
    await rig.store.expireUploads(now - 7 * DAY_MS);
    const left = (await rig.store.listUploads('bucket')).map(({ key }) => key);
    expect(left).toEqual(['gone-on', 'young']);
    await untilGone(abandoned);
    expect(await partFiles(goneOn)).toBe(1);
    expect(await partFiles(young)).toBe(0);
    await expect(send(abandoned, 3)).rejects.toMatchObject({ code: 'NoSuchUpload' });
    expect(rig.store.stats.uploads).toMatchObject({ uploads: 2, parts: 1, expired: 1 });
  });

  it('is counted with what it takes on the FTP server', async () => {
    const upload = await begin('counted');
    await send(upload, 1);
    const { uploads, parts, partBytes } = rig.store.stats.uploads;
    expect([uploads, parts]).toEqual([1, 1]);
    if (sealed) expect(partBytes).toBeGreaterThan('part 1'.length);
    else expect(partBytes).toBe('part 1'.length);
    await rig.store.abortUpload(upload);
    expect(rig.store.stats.uploads).toEqual({ uploads: 0, parts: 0, partBytes: 0, expired: 0 });
  });

  it('is none that became an object: its parts stay', async () => {
    const upload = await begin('object');
    const part = await send(upload, 1);
    await rig.store.completeUpload(upload, [part]);
    now += 100 * DAY_MS;
    await rig.store.expireUploads(now);
    await sleep(50);
    expect(await read('object')).toBe('part 1');
    expect(rig.catalog.multipart.uploads()).toEqual([]);
  });

  it.each([
    ['expires', () => rig.store.expireUploads(now + DAY_MS)],
    ['is aborted', (upload: UploadRef) => rig.store.abortUpload(upload).catch(() => undefined)],
  ])('is none that became an object just before a crash, whatever %s then', async (_how, end) => {
    const upload = await begin('object');
    const part = await send(upload, 1);
    jest.spyOn(rig.catalog.multipart, 'putUpload').mockRejectedValueOnce(new Error('killed'));
    await expect(rig.store.completeUpload(upload, [part])).rejects.toThrow();
    await rig.restart();
    await end(upload);
    await sleep(50);
    expect(await read('object')).toBe('part 1');
  });
});

it('is looked for again and again, and a look that fails is no end', async () => {
  let looks = 0;
  const seen: number[] = [];
  const store = {
    expireUploads: (before: number) => {
      seen.push(before);
      return ++looks === 1 ? Promise.reject(new Error('the FTP server is away')) : Promise.resolve();
    },
  };
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const end = expireAbandonedUploads({ store, afterMs: 1_000, log, now: () => 5_000, intervalMs: 5 });
  while (looks < 3) await sleep(5);
  end();
  expect(seen.slice(0, 3)).toEqual([4_000, 4_000, 4_000]);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('the FTP server is away');
});
