import { DetachedVolumeBackups, LonghornSetting } from '../../lib/longhorn-setting';
import { problemsIn, synthesized } from '../support/synthesis';

describe('a setting of Longhorn', () => {
  it('has its value at the top, as text', () => {
    expect(
      synthesized((chart) => new LonghornSetting(chart, 'ttl', { name: 'failed-backup-ttl', value: '2880' })),
    ).toEqual([
      {
        apiVersion: 'longhorn.io/v1beta2',
        kind: 'Setting',
        metadata: {
          name: 'failed-backup-ttl',
          namespace: 'longhorn-system',
          labels: { 'app.kubernetes.io/part-of': 'longhaul' },
        },
        value: '2880',
      },
    ]);
  });

  it('lets recurring jobs attach detached volumes, or not', () => {
    const value = (enabled?: boolean): unknown =>
      synthesized((chart) => new DetachedVolumeBackups(chart, 'detached', { enabled }))[0];
    expect(value()).toMatchObject({
      metadata: { name: 'allow-recurring-job-while-volume-detached' },
      value: 'true',
    });
    expect(value(false)).toMatchObject({ value: 'false' });
  });

  it('is refused under a name that can be none', () => {
    expect(
      problemsIn((chart) => new LonghornSetting(chart, 'x', { name: 'Backup TTL', value: '1' })),
    ).toEqual(['[chart/x] name "Backup TTL": expected a name such as "backup-compression-method"']);
  });
});
