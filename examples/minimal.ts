/** The least: one target, one job for every volume that has no job of its own. The Secrets exist already. */
import { App, Chart } from 'cdk8s';
import { LonghornBackup } from 'longhaul';

const app = new App();
new LonghornBackup(new Chart(app, 'longhorn-backup'), 'LonghornBackup', {
  image: 'registry.example/longhaul:0.1.0',
  recurringJobs: [{ name: 'daily', at: '03:00 Europe/Paris', groups: ['default'] }],
});
app.synth();
