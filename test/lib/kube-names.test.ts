import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelName } from '../../lib/kube-names';
import { targetNames } from '../../lib/names';
import { didYouMean, nearestName } from '../../lib/nearest-name';
import { parseQuantity } from '../../lib/quantity';
import { longhornHas, parseLonghornVersion } from '../../lib/longhorn-version';

describe('names of Kubernetes', () => {
  it.each<[string, (name: string) => boolean, readonly string[], readonly string[]]>([
    ['DNS labels', isDnsLabel, ['a', 'a-1', 'x'.repeat(63)], ['', '-a', 'a-', 'a.b', 'A', 'x'.repeat(64)]],
    [
      'DNS subdomains',
      isDnsSubdomain,
      ['a.b-c', 'x'.repeat(253)],
      ['', 'a..b', '.a', 'a_b', 'a.-b', 'x'.repeat(254)],
    ],
    ['label names', isLabelName, ['a', 'A_b.c-1'], ['', '_a', 'a-', 'a/b', 'x'.repeat(64)]],
    ['label keys', isLabelKey, ['a', 'example.com/a'], ['', '/a', 'a/', 'a/b/c', 'Example.com/a']],
  ])('are told from what is none: %s', (_kind, holds, good, bad) => {
    expect(good.filter((name) => !holds(name))).toEqual([]);
    expect(bad.filter(holds)).toEqual([]);
  });

  it('are the known ones for the default target, and end in its name for another', () => {
    expect(targetNames()).toEqual({
      gateway: 's3-to-ftp',
      ftpSecret: 's3-to-ftp-ftp-credentials',
      longhornSecret: 'longhorn-backup-s3-credentials',
      mirrorSecret: 's3-to-ftp-mirror-credentials',
      verify: 'longhaul-verify',
      verifyMirror: 'longhaul-mirror-verify',
    });
    expect(targetNames('nas')).toEqual({
      gateway: 's3-to-ftp-nas',
      ftpSecret: 's3-to-ftp-ftp-credentials-nas',
      longhornSecret: 'longhorn-backup-s3-credentials-nas',
      mirrorSecret: 's3-to-ftp-mirror-credentials-nas',
      verify: 'longhaul-verify-nas',
      verifyMirror: 'longhaul-mirror-verify-nas',
    });
  });
});

describe('the nearest name', () => {
  const known = ['retain', 'fullBackupInterval', 'concurrency', 'cron'];

  it.each([
    ['retian', 'retain'],
    ['full_backup_interval', 'fullBackupInterval'],
    ['Concurency', 'concurrency'],
    ['crons', 'cron'],
  ])('to %s is %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
    expect(didYouMean(name, known)).toBe(`, did you mean "${nearest}"?`);
  });

  it('is none where nothing is near', () => {
    expect(nearestName('schedule', known)).toBeUndefined();
    expect(didYouMean('schedule', known)).toBe('');
    expect(nearestName('x', [])).toBeUndefined();
  });
});

describe('quantities', () => {
  it.each([
    ['512Mi', 512 * 2 ** 20],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['500m', 0.5],
    ['2', 2],
    ['1k', 1000],
    ['3G', 3e9],
  ])('%s is %d', (text, value) => {
    expect(parseQuantity(text)).toBe(value);
  });

  it.each(['', '0', '-1', '1KB', '512 Mi', 'Mi', '1e'])('is not: "%s"', (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});

describe('versions of Longhorn', () => {
  it('are read with and without v, patch and suffix', () => {
    for (const text of ['1.12', 'v1.12.1', '1.12.0-rc1']) {
      expect(parseLonghornVersion(text)).toEqual({ major: 1, minor: 12 });
    }
    expect(parseLonghornVersion('latest')).toBeUndefined();
  });

  it('have what came before them, and an unknown one has everything', () => {
    expect(longhornHas('1.10', '1.9')).toBe(true);
    expect(longhornHas('1.8.3', '1.9')).toBe(false);
    expect(longhornHas('2.0', '1.9')).toBe(true);
    expect(longhornHas(undefined, '1.9')).toBe(true);
  });
});
