/** The app: settings in, manifests out. It is the shortest example of the constructs, too. */
import { join } from 'node:path';
import { App, Chart } from 'cdk8s';
import { backupCharts, LonghornBackup, PropsError, readSettings, synthesize, TargetSecrets } from './lib';

function main(): void {
  const { stack, secrets } = readSettings(['longhaul.yaml', 'longhaul.example.yaml']);

  const app = new App();
  const { monitoring } = new LonghornBackup(app, 'LonghornBackup', { ...stack, parts: backupCharts(app) });

  // Secrets made from a file stay out of dist/, in a directory that git ignores.
  const secretsApp = new App({ outdir: 'secrets/manifests' });
  const chart = new Chart(secretsApp, 'secrets');
  for (const each of secrets) new TargetSecrets(chart, each.target?.name ?? 'default', each);

  synthesize([app, secretsApp], { report: (line) => process.stderr.write(`${line}\n`) });
  monitoring?.writeFiles(join(app.outdir, 'monitoring'));
}

try {
  main();
} catch (error) {
  if (!(error instanceof PropsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
