import * as fc from 'fast-check';
import {
  backingImageSet,
  backupConfigKey,
  backupsDirectory,
  blockKey,
  checksumOf,
  parseBackupsDirectory,
  parseKey,
  volumeConfigKey,
  volumeSet,
} from '../../../gateway/backupstore/layout';
import { layout as longhorn } from '../../support/longhorn/layout';

const paths = fc.constantFrom('', 'x/', 'a b/backupstore/volumes/', 'deep/er/');
const names = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,40}$/);
const checksums = fc.stringMatching(/^[0-9a-f]{64}$/);

describe('keys of the backupstore', () => {
  it('are those that Longhorn makes', () => {
    const checksum = checksumOf('block');
    const set = volumeSet('', 'pvc-1');
    expect(set.directory).toBe('backupstore/volumes/7e/ed/pvc-1/');
    expect(set.directory).toBe(longhorn.volume('pvc-1'));
    expect(blockKey(set, checksum)).toBe(longhorn.block('pvc-1', checksum));
    expect(backupConfigKey(set, 'backup-1')).toBe(longhorn.backupConfig('pvc-1', 'backup-1'));
    expect(backupsDirectory(set)).toBe(longhorn.backups('pvc-1'));
    expect(volumeConfigKey(set)).toBe(longhorn.volumeConfig('pvc-1'));
    const images = backingImageSet('');
    expect(backupsDirectory(images)).toBe(longhorn.backingImages);
    expect(backupConfigKey(images, 'debian')).toBe(
      'backupstore/backing-images/backing-images/debian/backing-image.cfg',
    );
    expect(blockKey(images, checksum)).toBe(
      `backupstore/backing-images/blocks/${checksum.slice(0, 2)}/${checksum.slice(2, 4)}/${checksum}.blk`,
    );
  });

  it('mean what they were made for, below any path', () => {
    fc.assert(
      fc.property(paths, names, names, checksums, (path, volume, backup, checksum) => {
        for (const set of [volumeSet(path, volume), backingImageSet(path)]) {
          expect(parseKey(blockKey(set, checksum))).toEqual({ kind: 'block', set, checksum });
          expect(parseBackupsDirectory(backupsDirectory(set))).toEqual(set);
          expect(parseBackupsDirectory(set.directory)).toBeUndefined();
          expect(parseBackupsDirectory(backupConfigKey(set, backup))).toBeUndefined();
          expect(parseKey(backupConfigKey(set, backup))).toEqual({ kind: 'backup-config', set, backup });
        }
        const set = volumeSet(path, volume);
        expect(parseKey(volumeConfigKey(set))).toEqual({ kind: 'volume-config', set });
        expect(parseKey(`${set.directory}locks/lock-0123456789abcdef.lck`)).toEqual({ kind: 'lock', set });
      }),
    );
  });

  it('name the files of system backups', () => {
    expect(parseKey('backupstore/system-backups/v1.9.2/daily/system-backup.zip')).toEqual({
      kind: 'system-backup',
      longhornVersion: 'v1.9.2',
      name: 'daily',
      file: 'zip',
    });
  });

  const checksum = checksumOf('block');
  const volume = 'backupstore/volumes/7e/ed/pvc-1/';
  it.each([
    ['the directory of a volume', volume],
    ['a block under another block’s layers', `${volume}blocks/00/00/${checksum}.blk`],
    ['a block with a short name', `${volume}blocks/ab/cd/abcd.blk`],
    [
      'a block in upper case',
      blockKey(volumeSet('', 'pvc-1'), checksum).replace(checksum, checksum.toUpperCase()),
    ],
    ['a temporary file among the backups', `${volume}backups/backup_1.cfg.tmp`],
    ['a backup one level deeper', `${volume}backups/x/backup_1.cfg`],
    ['a volume without a valid name', `backupstore/volumes/7e/ed/-/volume.cfg`],
    ['another tree', `xbackupstore/volumes/7e/ed/pvc-1/volume.cfg`],
    ['an object of somebody else', 'photos/2026.jpg'],
  ])('do not mean anything for %s', (_name, key) => {
    expect(parseKey(key)).toBeUndefined();
  });
});
