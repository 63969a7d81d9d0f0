/**
 * The main job before your eyes: a Longhorn volume goes to an FTP server through the gateway, sealed, and comes back; and then once more,
 * without gateway and cluster, from the FTP server and the key alone.
 * Exit code 0 only if what came back is what went out. `--keep` leaves everything running until Ctrl-C.
 */
import { randomBytes } from 'node:crypto';
import { EmbeddedFtpServer } from '../support/embedded-ftp-server';
import { GatewayProcess } from '../support/gateway-process';
import { REGION, type S3Target } from '../support/s3';
import { playDisaster } from './disaster';
import { playLife, type LifeReport } from './life';
import { formatBytes, formatRate, formatSeconds, formatTable, hexdump, Terminal } from './terminal';

// The SDK has its own opinion of which Node is new enough, and prints it in the middle of things.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const terminal = new Terminal(process.stdout);

async function main(keep: boolean): Promise<boolean> {
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve('interrupted'));
  });
  terminal.line('Longhaul: a Longhorn backup goes out to an FTP server and comes back');
  terminal.line();
  const ftp = await EmbeddedFtpServer.start();
  let gateway: GatewayProcess | undefined;
  try {
    const encryptionKey = randomBytes(32).toString('hex');
    gateway = await GatewayProcess.start({ ftp, encryptionKey });
    terminal.line(`  FTP server           ftp://${ftp.host}:${ftp.port}  files in ${ftp.root}`);
    terminal.line(
      `  gateway              ${gateway.endpoint}  bucket ${gateway.bucket}, sealing with AES-256-GCM`,
    );
    terminal.line();
    const report = await Promise.race([playLife(gateway, ftp.root, terminal), interrupted]);
    if (report === 'interrupted') return false;
    showReport(report);
    if (!keep) await gateway.stop();
    const { volume, last: expected } = report;
    const { bucket } = gateway;
    const disaster = {
      ...{ ftp, encryptionKey, bucket, volume: volume.name },
      ...{ expected, sizeBytes: volume.sizeBytes },
    };
    const survived = await Promise.race([playDisaster(disaster, terminal), interrupted]);
    if (survived === 'interrupted') return false;
    terminal.line();
    terminal.line(report.identical && survived ? 'RESTORED: identical' : 'RESTORED: DIFFERENT');
    if (keep) {
      showEnvironment(gateway);
      await interrupted;
    }
    return report.identical && survived;
  } finally {
    await gateway?.stop();
    await ftp.stop();
  }
}

function showReport(report: LifeReport): void {
  terminal.line();
  const rows = report.steps.map(({ name, blocks, bytes, storedBytes, milliseconds }) => [
    name,
    String(blocks),
    formatBytes(bytes),
    formatBytes(storedBytes),
    formatSeconds(milliseconds),
    formatRate(bytes, milliseconds),
  ]);
  const titles = ['', 'blocks', 'volume bytes', 'then on FTP', 'time', 'throughput'];
  for (const row of formatTable([titles, ...rows])) terminal.line(`  ${row}`);
  terminal.line();
  terminal.line(
    `  One stored block from outside: ${report.storedFile.path} (${formatBytes(report.storedFile.size)})`,
  );
  for (const row of hexdump(report.storedFile.start)) terminal.line(`  ${row}`);
  terminal.line();
  terminal.line(`  Restored through the gateway: ${report.identical ? 'identical' : 'DIFFERENT'}`);
  terminal.line();
}

function showEnvironment(target: S3Target): void {
  terminal.line();
  terminal.line('Still running; point any S3 client at it, and end it with Ctrl-C:');
  terminal.line(`  export AWS_ENDPOINT_URL=${target.endpoint}`);
  terminal.line(`  export AWS_ACCESS_KEY_ID=${target.accessKeyId}`);
  terminal.line(`  export AWS_SECRET_ACCESS_KEY=${target.secretAccessKey}`);
  terminal.line(`  export AWS_DEFAULT_REGION=${REGION}`);
  terminal.line(`  aws s3 ls --recursive s3://${target.bucket}/`);
}

main(process.argv.includes('--keep')).then(
  (identical) => {
    process.exitCode = identical ? 0 : 1;
  },
  (error: unknown) => {
    process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
