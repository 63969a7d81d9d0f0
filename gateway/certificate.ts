/** The certificate of the S3 port: read from files, and read again when they change, as cert-manager and Kubernetes' Secrets do it. */
import { readFile } from 'node:fs/promises';
import { createSecureContext, type Server } from 'node:tls';
import type { Logger } from 'pino';
import type { EnvironmentReader } from './environment-reader';

export interface CertificateFiles {
  /** PEM: the certificate, and after it what leads to its authority. */
  readonly certFile: string;
  /** PEM, not encrypted. */
  readonly keyFile: string;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** `S3_TLS_CERT_FILE` and `S3_TLS_KEY_FILE`: both or none, and a pair. */
export function readCertificateFiles(read: EnvironmentReader): CertificateFiles | undefined {
  const certFile = read.matching(CERT_FILE, /./, CERT, undefined);
  const keyFile = read.matching(KEY_FILE, /./, KEY, undefined);
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    const [missing, expected] = certFile === undefined ? [CERT_FILE, CERT] : [KEY_FILE, KEY];
    read.problems.push(`${missing} is not set, but its counterpart is: expected the path of ${expected}`);
    return undefined;
  }
  const cert = read.file(CERT_FILE, CERT);
  const key = read.file(KEY_FILE, KEY);
  if (cert !== undefined && key !== undefined && !isPair({ cert, key }))
    read.problems.push(`${KEY_FILE} and ${CERT_FILE} do not belong together: expected ${KEY} and ${CERT}`);
  return { certFile, keyFile };
}

const CERT_FILE = 'S3_TLS_CERT_FILE';
const KEY_FILE = 'S3_TLS_KEY_FILE';
const CERT = 'a PEM certificate';
const KEY = 'the PEM key of the certificate, not encrypted';

function isPair(certificate: Certificate): boolean {
  try {
    createSecureContext(certificate);
    return true;
  } catch {
    return false;
  }
}

/** How often the files are looked at. */
const INTERVAL_MS = 30_000;

/** Throws if a file cannot be read, or the two do not belong together. */
export async function readCertificate({ certFile, keyFile }: CertificateFiles): Promise<Certificate> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  createSecureContext({ cert, key });
  return { cert, key };
}

/**
 * Gives `server` the files' new content when it changes, for connections that begin then; what it cannot use it reports, and keeps what it has.
 * Returns what ends the watching.
 */
export function followCertificate(
  server: Pick<Server, 'setSecureContext'>,
  files: CertificateFiles,
  current: Certificate,
  log: Logger,
  intervalMs = INTERVAL_MS,
): () => void {
  let { cert, key } = current;
  let problem = '';
  const look = async (): Promise<void> => {
    try {
      const found = await readCertificate(files);
      problem = '';
      if (found.cert === cert && found.key === key) return;
      server.setSecureContext(found);
      ({ cert, key } = found);
      log.info({ certFile: files.certFile }, 'the S3 port has a new certificate');
    } catch (error) {
      // Once for each trouble, not twice a minute.
      if (String(error) === problem) return;
      problem = String(error);
      log.error(
        { certFile: files.certFile, keyFile: files.keyFile, reason: problem },
        'the new certificate of the S3 port cannot be used; the old one stays',
      );
    }
  };
  const timer = setInterval(() => void look(), intervalMs).unref();
  return () => clearInterval(timer);
}
