/** The Secrets are made from a file, into a directory of their own that belongs into .gitignore. */
import { App, Chart } from 'cdk8s';
import { LonghornBackup, readSecretsFile, synthesize, TargetSecrets, type TargetOptions } from 'longhaul';

const target: TargetOptions = { bucket: 'longhorn', region: 'box' };

const app = new App();
new LonghornBackup(new Chart(app, 'longhorn-backup'), 'LonghornBackup', {
  image: 'registry.example/longhaul:0.1.0',
  targets: [target],
  recurringJobs: [{ name: 'daily', cron: '@daily', groups: ['default'] }],
});

const secrets = new App({ outdir: 'secrets/manifests' });
new TargetSecrets(new Chart(secrets, 'secrets'), 'default', {
  target,
  credentials: readSecretsFile('secrets/longhorn.yaml'),
});

synthesize([app, secrets]);
