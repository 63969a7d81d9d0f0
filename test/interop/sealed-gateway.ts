/** A sealing gateway on an FTP server of its own, for the tests of one `describe`. */
import { randomBytes } from 'node:crypto';
import type { FtpBackend, RunningBackend } from '../e2e/ftp-backends';
import { GatewayProcess } from '../support/gateway-process';

/** Starts both before the tests and stops them after. What is returned gives the gateway, once a test runs. */
export function sealedGateway(start: FtpBackend['start'], timeoutMs: number): () => GatewayProcess {
  let ftp: RunningBackend;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    ftp = await start();
    gateway = await GatewayProcess.start({
      ftp: ftp.account,
      encryptionKey: randomBytes(32).toString('hex'),
    });
  }, timeoutMs);

  afterAll(async () => {
    await gateway.stop();
    await ftp.stop();
  });

  return () => gateway;
}
