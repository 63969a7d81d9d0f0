import fc from 'fast-check';
import { directoryNames, objectNames, objectPath, parseName } from '../../../gateway/store/remote-path';

const segment = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }).map((s) => s.replaceAll('/', '')),
  fc.string({ unit: fc.constantFrom('a', '.', '%', ' ', 'é', 'A', '😀', '-'), maxLength: 260 }),
  fc.constantFrom(
    '',
    '.',
    '..',
    'volume.cfg',
    'v1.9.0',
    'a%o',
    '%o',
    '%2F',
    '[x]',
    '*',
    ' lead',
    'trail ',
    '~',
  ),
  fc
    .tuple(
      fc.constantFrom('a', 'é', '.', '+', '%', '😀'),
      fc.integer({ min: 180, max: 1024 }),
      fc.constantFrom('', '.blk'),
    )
    .map(([unit, bytes, end]) => unit.repeat(bytes / Buffer.byteLength(unit)) + end),
);

describe('remote names', () => {
  it.each([
    ['backupstore/volumes/22/fc/pvc-1234/volume.cfg'],
    ['backupstore/volumes/22/fc/pvc-1234/backups/backup_backup-0a1b.cfg'],
    [`backupstore/volumes/22/fc/pvc-1234/blocks/0a/ff/${'0af'.repeat(21)}f.blk`],
    ['backupstore/volumes/22/fc/pvc-1234/locks/lock-0123456789abcdef.lck'],
    ['backupstore/system-backups/v1.12.1/nightly/system-backup.zip'],
  ])('leaves the Longhorn key %s as it is', (key) => {
    expect(objectPath('longhorn', key)).toBe(`longhorn/${key}`);
  });

  it('give every segment back', () => {
    fc.assert(
      fc.property(segment, (s) => {
        expect(parseName(objectNames(s), false)).toEqual({ segment: s, kind: 'object' });
        expect(parseName(directoryNames(s), true)).toEqual({ segment: s, kind: 'directory' });
      }),
      { numRuns: 2000 },
    );
  });

  it('differ for different keys, whatever their case of prefix and object', () => {
    fc.assert(
      fc.property(
        fc.array(segment, { minLength: 1, maxLength: 3 }),
        fc.array(segment, { minLength: 1, maxLength: 3 }),
        (a, b) => {
          fc.pre(a.join('/') !== b.join('/'));
          expect(objectPath('b', a.join('/'))).not.toBe(objectPath('b', b.join('/')));
        },
      ),
    );
  });

  it('never give an object and a prefix one name', () => {
    fc.assert(
      fc.property(segment, segment, (a, b) => {
        expect(objectNames(a)).not.toEqual(directoryNames(b));
      }),
    );
  });

  it('are short and plain enough for any FTP server', () => {
    fc.assert(
      fc.property(segment, (s) => {
        for (const name of [...objectNames(s), ...directoryNames(s)]) {
          expect(name).toMatch(/^[A-Za-z0-9_%+-]([A-Za-z0-9._%-]*[A-Za-z0-9_%+-])?$/);
          expect(name.length).toBeLessThanOrEqual(200);
        }
      }),
    );
  });

  it.each([
    ['.hidden', false],
    ['UPLOAD PART', false],
    ['a', false],
    ['a.cfg', true],
    ['a%2f', true],
    ['%C3', true],
    ['a.cfg%o', false],
    ['%41', true],
  ])('refuse the foreign name %s', (name, isDirectory) => {
    expect(parseName([name], isDirectory)).toBeUndefined();
  });
});
