import fc from 'fast-check';
import { parseTrashNames, trashNames, type TrashedVersion } from '../../../gateway/store/trash-name';

const versions: fc.Arbitrary<TrashedVersion> = fc.record(
  {
    bucket: fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 }),
    removedAt: fc.integer({ min: 0, max: 4e12 }),
    modifiedAt: fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1000),
    upload: fc.stringMatching(/^[0-9a-f]{32}$/),
  },
  { requiredKeys: ['bucket', 'key', 'removedAt', 'modifiedAt'] },
);

describe('names in the trash', () => {
  it('tell the version that they were made for, in names that any FTP server takes', () => {
    fc.assert(
      fc.property(versions, (version) => {
        const names = trashNames(version);
        expect(parseTrashNames(names)).toEqual(version);
        for (const name of names) expect(name).toMatch(/^[A-Za-z0-9+][A-Za-z0-9._%+-]{0,199}$/);
      }),
    );
  });

  it('are one level for a block of Longhorn', () => {
    const key = `backupstore/volumes/ab/cd/pvc-0f6a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c/blocks/ab/cd/${'0'.repeat(64)}.blk`;
    const names = trashNames({
      bucket: 'longhorn',
      key,
      removedAt: 1_764_000_000_000,
      modifiedAt: 1_763_000_000_000,
    });
    expect(names).toEqual([
      `midc1z40-t5n7i8_longhorn%2Fbackupstore%2Fvolumes%2Fab%2Fcd%2Fpvc-0f6a1b2c-3d4e-4f5a-8b9c-0d1e2f3a4b5c%2Fblocks%2Fab%2Fcd%2F${'0'.repeat(64)}.blk`,
    ]);
  });

  it.each([
    'photo.jpg',
    'mid4jc00_b%2Fk%o',
    'mid4jc00-t5nakg_b%o',
    'mid4jc00-t5nakg_%2Fk%o',
    '-t5nakg_b%2Fk%o',
  ])('are not %s', (name) => {
    expect(parseTrashNames([name])).toBeUndefined();
  });
});
