/**
 * The gateway as a process. Exit codes: 0 stopped, 1 could not start or failed, 2 bad configuration or arguments.
 * With `--health` it asks the one that runs with the same environment, with `--version` it says its own.
 */

import { readConfig, type GatewayConfig } from './config';
import { ConfigError } from './config-error';
import { startGateway } from './gateway';
import { askHealth } from './health-check';
import { createLog } from './log';
import { version } from './package.json';
import { causeOf, isCommitFailure } from './store/catalog-environment';
import { CatalogError, messageOf } from './store/catalog-error';
import { LocalDirectoryError } from './local-directory';

async function main(): Promise<void> {
  const [argument] = process.argv.slice(2);
  if (argument === '--version') return void process.stdout.write(`${version}\n`);
  if (argument !== undefined && argument !== '--health') {
    process.stderr.write(`${argument} is no option: expected --health, --version, or none to serve\n`);
    process.exit(2);
  }
  const config = configOrExit();
  if (argument === '--health') return checkHealth(config);
  const log = createLog(config.logLevel);
  process.on('unhandledRejection', (error) => {
    if (!isCommitFailure(error)) throw error;
    void causeOf(error).then((cause) => {
      log.error({ reason: messageOf(cause) }, 'the catalog cannot be written');
    });
  });
  try {
    const gateway = await startGateway(config, log);
    const { port, metricsPort } = gateway;
    log.info({ port, metricsPort, bucket: config.s3.bucket, ftp: config.ftp.host }, 'listening');
    const end = await Promise.race([nextSignal(), gateway.failed]);
    if (end instanceof Error) throw end;
    log.info({ signal: end }, 'stopping');
    await gateway.stop();
    log.info('stopped');
    process.exit(0);
  } catch (error) {
    const isExplained = error instanceof CatalogError || error instanceof LocalDirectoryError;
    log.fatal(isExplained ? { reason: error.message } : { err: error }, 'the gateway cannot run');
    process.exit(1);
  }
}

async function checkHealth({ s3 }: GatewayConfig): Promise<void> {
  try {
    process.stdout.write(`${await askHealth(s3)}\n`);
  } catch (error) {
    process.stderr.write(`The gateway does not answer on port ${s3.port}: ${String(error)}\n`);
    process.exitCode = 1;
  }
}

function configOrExit(): GatewayConfig {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

function nextSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal));
  });
}

void main();
