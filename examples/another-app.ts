/** Part of an app that has charts of its own: a database, and the job that backs up its volume. */
import { App, Chart, Size } from 'cdk8s';
import { PersistentVolumeAccessMode, PersistentVolumeClaim } from 'cdk8s-plus-28';
import { LonghornBackup } from 'longhaul';

const app = new App();

const database = new Chart(app, 'database', { namespace: 'database' });
const claim = new PersistentVolumeClaim(database, 'data', {
  metadata: { name: 'database-data' },
  accessModes: [PersistentVolumeAccessMode.READ_WRITE_ONCE],
  storage: Size.gibibytes(10),
  storageClassName: 'longhorn',
});

const backup = new Chart(app, 'longhorn-backup');
new LonghornBackup(backup, 'LonghornBackup', {
  image: 'registry.example/longhaul:0.1.0',
  recurringJobs: [
    { name: 'hourly', cron: '@hourly', retain: 24, pvcs: [{ namespace: 'database', name: claim.name }] },
  ],
});
backup.addDependency(database);

app.synth();
