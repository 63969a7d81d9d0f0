/**
 * Two FTP accounts, each behind a gateway of its own. Backups go to `default`; those of a volume whose `spec.backupTargetName` (or the
 * `backupTargetName` of its StorageClass) is `nas` go to the server at home, which has a certificate of its own authority.
 */
import { App } from 'cdk8s';
import { backupCharts, LonghornBackup, synthesize } from 'longhaul';

const app = new App();
new LonghornBackup(app, 'LonghornBackup', {
  image: 'registry.example/longhaul:0.1.0',
  targets: [
    { bucket: 'longhorn', region: 'box', gateway: { replicas: 2, ftp: { connections: 8 } } },
    {
      name: 'nas',
      bucket: 'longhorn',
      region: 'home',
      gateway: {
        ftp: {
          tls: 'implicit',
          ca: { configMap: 'home-ca' },
          addresses: ['192.168.1.20/32'],
          passivePorts: { from: 50000, to: 50100 },
        },
      },
    },
  ],
  recurringJobs: [
    {
      name: 'nightly',
      at: '02:30 Europe/Berlin',
      retain: 14,
      fullBackupInterval: 6,
      pvcs: [
        { namespace: 'homeassistant', name: 'homeassistant-data' },
        { namespace: 'gaming', name: 'gaming-data' },
      ],
    },
  ],
  parts: backupCharts(app),
});
synthesize([app]);
