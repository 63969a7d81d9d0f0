import { askHealth } from '../../gateway/health-check';
import { startApp } from '../support/app-server';
import { freePort } from '../support/free-port';
import { serverCertificate } from '../support/ftp-servers/certificate';

const { cert, key } = serverCertificate();
const tls = { certFile: 'tls.crt', keyFile: 'tls.key' };
const at = (port: number) => ({ bindAddress: '127.0.0.1', port, accessKeys: [], bucket: 'longhorn' });

describe('the health check', () => {
  it.each([
    ['plain', undefined],
    ['over TLS, whatever name the certificate is for', { cert, key }],
  ])('has the answer of a port that is %s', async (_name, certificate) => {
    const app = await startApp({}, certificate);
    try {
      const answer = await askHealth({ ...at(app.port), ...(certificate && { tls }) });
      expect(JSON.parse(answer)).toMatchObject({ status: 'ok' });
    } finally {
      await app.close();
    }
  });

  it('asks this machine where the gateway listens on every address', async () => {
    const app = await startApp();
    try {
      await expect(askHealth({ ...at(app.port), bindAddress: '0.0.0.0' })).resolves.toContain('ok');
    } finally {
      await app.close();
    }
  });

  it('fails where nothing listens', async () => {
    await expect(askHealth(at(await freePort()))).rejects.toThrow('ECONNREFUSED');
  });
});
