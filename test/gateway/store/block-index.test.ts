import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { BlockIndex, BlockNames } from '../../../gateway/store/block-index';
import { Catalog } from '../../../gateway/store/catalog';

const MIB = 1024 * 1024;
const COMPLETE = { version: '1', state: 'complete' } as const;

function namesOf(checksums: readonly string[]): BlockNames {
  const names = new BlockNames();
  for (const checksum of checksums) names.add(checksum);
  return names;
}

const randomChecksums = (count: number): string[] =>
  Array.from({ length: count }, () => randomBytes(32).toString('hex'));

describe('block index', () => {
  let directory: string;
  let catalog: Catalog;
  let index: BlockIndex;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'block-index-'));
    catalog = new Catalog(directory);
    index = new BlockIndex(catalog);
  });

  afterEach(async () => {
    await catalog.close(true);
    rmSync(directory, { recursive: true, force: true });
  });

  it('knows which backups name a block, for any sets of them', async () => {
    const checksum = fc
      .integer({ min: 0, max: 600 })
      .map((n) => `${n % 2 ? 'ff' : '00'}${String(n).padStart(14, '0')}${'0'.repeat(48)}`);
    const backups = fc.uniqueArray(
      fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.array(checksum, { maxLength: 40 })),
      { selector: ([name]) => name },
    );
    let set = 0;
    await fc.assert(
      fc.asyncProperty(backups, checksum, async (named, asked) => {
        const id = `set-${set++}`;
        // Of the same prefix in a neighbouring set.
        await index.put(`${id}x`, 'a', COMPLETE, namesOf([asked]));
        for (const [backup, checksums] of named) await index.put(id, backup, COMPLETE, namesOf(checksums));
        for (const question of [asked, ...named.flatMap(([, checksums]) => checksums)]) {
          const expected = named.filter(([, checksums]) => checksums.includes(question));
          expect([...index.naming(id, question)].sort()).toEqual(expected.map(([backup]) => backup).sort());
        }
        expect(index.backups(id).sort()).toEqual(named.map(([backup]) => backup).sort());
      }),
      { numRuns: 60 },
    );
  });

  it('forgets what an earlier document of a backup named', async () => {
    const [first, second] = ['1'.repeat(64), '2'.repeat(64)];
    await index.put('s', 'a', COMPLETE, namesOf([first]));
    await index.put('s', 'a', { version: '2', state: 'complete' }, namesOf([second]));
    expect([...index.naming('s', first)]).toEqual([]);
    expect([...index.naming('s', second)]).toEqual(['a']);
    await index.remove('s', 'a');
    expect([...index.naming('s', second)]).toEqual([]);
    expect(index.entry('s', 'a')).toBeUndefined();
  });

  it('keeps 10 backups of 200,000 blocks in less than 40 MiB', async () => {
    const checksums = randomChecksums(200_000);
    for (let backup = 0; backup < 10; backup++)
      await index.put('s', `backup-${backup}`, COMPLETE, namesOf(checksums));
    expect(statSync(join(directory, 'data.mdb')).size).toBeLessThan(40 * MIB);
    expect([...index.naming('s', checksums[77_777] as string)]).toHaveLength(10);
    expect([...index.naming('s', randomChecksums(1)[0] as string)]).toEqual([]);
  });
});
