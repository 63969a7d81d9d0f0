/** A certificate authority and a certificate for loopback, made by the openssl command and kept for the life of the process. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM texts. */
export interface ServerCertificate {
  /** The authority to trust. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

let made: ServerCertificate | undefined;

/** For `127.0.0.1`, `127.0.0.2` (see slow-line.ts) and `localhost`, signed by an authority of its own; valid for a day. */
export function serverCertificate(): ServerCertificate {
  made ??= makeCertificate();
  return made;
}

/** Another one, with another authority. */
export function makeCertificate(): ServerCertificate {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-certificate-'));
  const file = (name: string) => join(directory, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const keyArgs = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    writeFileSync(
      file('extensions'),
      'subjectAltName=IP:127.0.0.1,IP:127.0.0.2,DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n',
    );
    openssl(
      ...['req', '-x509', '-days', '1', '-subj', '/CN=Longhaul test authority', ...keyArgs],
      ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
    );
    openssl(
      ...['req', '-new', '-subj', '/CN=localhost', ...keyArgs],
      ...['-keyout', file('server.key'), '-out', file('server.csr')],
    );
    openssl(
      ...['x509', '-req', '-days', '1', '-in', file('server.csr'), '-extfile', file('extensions')],
      ...['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-out', file('server.pem')],
    );
    const read = (name: string) => readFileSync(file(name), 'utf8');
    return { ca: read('ca.pem'), cert: read('server.pem'), key: read('server.key') };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
