/** A row of the catalog that the disk changed while the gateway runs: whoever meets it tells, and nothing is answered from it. */
import type { CatalogDamagedError } from '../../../gateway/store/catalog-error';
import { DEFAULT_ATTRIBUTES } from '../../../gateway/store/object-record';
import { bodyOf } from '../../support/bodies';
import { MemoryTree } from '../../support/memory-tree';
import { StoreRig } from '../../support/store-rig';

const ref = (key: string) => ({ bucket: 'bucket', key });

describe('a damaged row', () => {
  let rig: StoreRig;
  let tell: (error: CatalogDamagedError) => void;
  let told: Promise<CatalogDamagedError>;

  beforeEach(async () => {
    told = new Promise((resolve) => (tell = resolve));
    rig = new StoreRig({ tree: new MemoryTree(), onDamage: (error) => tell(error) });
    for (const key of ['d/1', 'd/2', 'e/1']) await rig.store.put(ref(key), bodyOf(key), DEFAULT_ATTRIBUTES);
    await rig.restart();
    await rig.store.headBucket('bucket');
    const directory = rig.catalog.directory('bucket', ['d'])!;
    const rows = rig.catalog.table<Buffer, Buffer>('tree', { keyEncoding: 'binary', encoding: 'binary' });
    const key = Buffer.concat([Buffer.alloc(4), Buffer.from('2')]);
    key.writeUInt32BE(directory.id);
    const row = Buffer.from(rows.get(key)!);
    row[5] = (row[5] ?? 0) ^ 1;
    await rows.put(key, row);
  });
  afterEach(() => rig.close());

  it('is told by the crawl that proves its directory', async () => {
    rig.store.crawler.start();
    expect((await told).message).toMatch(/the catalog's row .* is damaged/);
  });

  it('is told by the request that needs it, which fails', async () => {
    await expect(rig.store.stat(ref('d/2'))).rejects.toMatchObject({ code: 'ServiceUnavailable' });
    expect((await told).message).toMatch(/is damaged/);
  });
});
