import { BackupRuns } from '../../../gateway/metrics/backup-runs';
import { volumeStatus } from '../../../gateway/metrics/volume-status';
import type { RequestRecord } from '../../../gateway/middleware/access-log';
import {
  backupConfigKey,
  blockKey,
  checksumOf,
  volumeConfigKey,
  volumeSet,
} from '../../../gateway/backupstore/layout';

const MINUTE = 60_000;
const set = volumeSet('', 'pvc-1');
const block = (content: string): string => blockKey(set, checksumOf(content));
const SDK = 'aws-sdk-go-v2/1.36.1 ua/2.1 os/linux lang/go#1.23';

describe('backup runs', () => {
  let now = 0;
  let runs: BackupRuns;

  beforeEach(() => {
    now = Date.UTC(2026, 0, 1);
    runs = new BackupRuns(() => now);
  });

  function request(key: string | undefined, more: Partial<RequestRecord> = {}): void {
    runs.observe({
      ...{ requestId: 'r', operation: 'PutObject', method: 'PUT', bucket: 'longhorn', status: 200 },
      ...{ bytesIn: 0, bytesOut: 0, durationMs: 1, accessKey: 'default', userAgent: SDK },
      ...(key !== undefined && { key }),
      ...more,
    });
  }

  const document = (backup: string): void => request(backupConfigKey(set, backup));
  const finish = (backup: string): void => {
    document(backup);
    request(volumeConfigKey(set));
  };
  const stored = (...names: string[]) => [
    { bucket: 'longhorn', volume: 'pvc-1', backups: names.map((name) => ({ name, storedAt: now })) },
  ];

  it('adds up the blocks that were stored, and nothing else', () => {
    request(block('before'), { bytesIn: 7 });
    document('backup-1');
    request(block('a'), { bytesIn: 100 });
    request(block('b'), { bytesIn: 1_000, operation: 'UploadPart' });
    request(block('b'), { operation: 'CompleteMultipartUpload' });
    request(block('c'), { bytesIn: 5, status: 503 });
    request(block('d'), { bytesIn: 5, operation: 'HeadObject' });
    request(blockKey(volumeSet('', 'pvc-2'), checksumOf('e')), { bytesIn: 50 });
    finish('backup-1');
    expect(runs.lastFinished()).toMatchObject([{ backup: 'backup-1', receivedBytes: 1_100 }]);
    expect(Object.fromEntries(runs.receivedBytes)).toEqual({ 'pvc-1': 1_107, 'pvc-2': 50 });
  });

  it('does not take the volume.cfg before a backup for its end', () => {
    document('backup-1');
    request(volumeConfigKey(set));
    expect(runs.lastFinished()).toEqual([]);
    expect(runs.unfinished()).toHaveLength(1);
  });

  it('counts a stub for no backup, running or given up', () => {
    finish('backup-1');
    document('backup-2');
    const running = volumeStatus(stored('backup-1', 'backup-2'), runs)[0];
    expect(running).toMatchObject({ backups: [{ name: 'backup-1' }], running: { backup: 'backup-2' } });
    expect(running).not.toHaveProperty('givenUp');

    now += 11 * MINUTE;
    const after = volumeStatus(stored('backup-1', 'backup-2'), runs)[0];
    expect(after).toMatchObject({ backups: [{ name: 'backup-1' }], givenUp: { backup: 'backup-2' } });
    expect(after).not.toHaveProperty('running');
  });

  it('forgets a run that was given up once its stub is deleted', () => {
    document('backup-2');
    now += 11 * MINUTE;
    expect(volumeStatus(stored('backup-1'), runs)[0]).not.toHaveProperty('givenUp');
  });

  it('takes a long backup for a running one while its lock is renewed', () => {
    document('backup-1');
    for (let minute = 0; minute < 60; minute++) {
      now += MINUTE;
      request(`${set.directory}locks/lock-0123456789abcdef.lck`);
    }
    expect(volumeStatus(stored('backup-1'), runs)[0]).toHaveProperty('running');
  });

  it('knows nothing of how a backup went that was made before the start', () => {
    expect(volumeStatus(stored('backup-1'), runs)[0]?.backups).toEqual([{ name: 'backup-1', storedAt: now }]);
  });

  describe('Longhorn is seen', () => {
    it.each([
      ['when it polls an empty target', undefined, { operation: 'ListObjectsV2' }],
      [
        'when it looks at a volume, even if that fails',
        volumeConfigKey(set),
        { operation: 'HeadObject', status: 503 },
      ],
      ['when it renews a lock, whatever its SDK', `${set.directory}locks/lock-1.lck`, { userAgent: 'x' }],
    ])('%s', (_, key, more) => {
      request(key, more);
      expect(runs.lastRequestAt).toBe(now);
    });

    it.each([
      ['when nobody was let in', volumeConfigKey(set), { accessKey: undefined, status: 403 }],
      ['when another program reads its backups', volumeConfigKey(set), { userAgent: 'rclone/v1.70' }],
      ['when its SDK is used for something else', 'loki/index', {}],
    ])('not %s', (_, key, more) => {
      request(key, more);
      expect(runs.lastRequestAt).toBeUndefined();
    });
  });
});
