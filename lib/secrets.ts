import { X509Certificate } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { watchApp } from './app-rules';
import { checkCredentials, gatewaySecretData, type Credentials } from './credentials';
import { controlPort, type FtpTlsMode } from './gateway-options';
import { isDnsSubdomain } from './kube-names';
import { DEFAULT_TARGET, LONGHORN_NAMESPACE, targetNames, type LONGHORN_SECRET_KEYS } from './names';
import { checkNamespace } from './namespace';
import { ownLabels } from './own-labels';
import { accept, expect, inside } from './problems';

interface SecretProps {
  /** Target that the default name of the Secret is made from. @default 'default' */
  readonly target?: string;
  /** @default - that of `targetNames(target)` */
  readonly name?: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** What goes in; checked, and never shown. */
  readonly credentials: Credentials;
}

/** The props of the gateway's Secret. */
export interface GatewaySecretProps extends SecretProps {
  /** Whether the encryption key goes in; it must be given then. @default true */
  readonly encryption?: boolean;
  /** Decides on the port where the credentials have none. @default 'explicit' */
  readonly ftpTls?: FtpTlsMode;
}

/** What the gateway needs to log in to FTP, to check S3 signatures and to seal. Put it into a chart that nobody commits. */
export class GatewaySecret extends Construct {
  constructor(scope: Construct, id: string, props: GatewaySecretProps) {
    super(scope, id);
    const { target = DEFAULT_TARGET, namespace, credentials, encryption = true, ftpTls } = props;
    const { name = targetNames(target).ftpSecret } = props;
    const findings = [
      ...checkSecretName(name),
      ...checkNamespace(namespace),
      ...inside('credentials', checkCredentials(credentials, { encryption })),
    ];
    if (!accept(this, findings)) return;
    watchApp(this);
    const data = gatewaySecretData(credentials, { encryption, defaultPort: controlPort({ tls: ftpTls }) });
    makeSecret(this, name, namespace, data);
  }
}

/** The props of Longhorn's Secret. */
export interface LonghornSecretProps extends SecretProps {
  /** URL of the gateway, with `http://` or `https://`. */
  readonly endpoint: string;
  /** PEM of the authority that signed the gateway's certificate. @default - those that Longhorn trusts */
  readonly authority?: string;
}

/** What Longhorn needs to reach the gateway: the credential Secret of a BackupTarget. Put it into a chart that nobody commits. */
export class LonghornSecret extends Construct {
  constructor(scope: Construct, id: string, props: LonghornSecretProps) {
    super(scope, id);
    const { target = DEFAULT_TARGET, namespace, credentials, endpoint, authority } = props;
    const { name = targetNames(target).longhornSecret } = props;
    const findings = [
      ...checkSecretName(name),
      ...checkNamespace(namespace),
      ...inside('credentials', checkCredentials(credentials, { encryption: false })),
      ...expect(
        isEndpoint(endpoint),
        'endpoint',
        endpoint,
        'expected one URL with scheme and without path, such as "http://s3-to-ftp.longhorn-system.svc.cluster.local:9000"',
      ),
      ...checkAuthority(authority),
    ];
    if (!accept(this, findings)) return;
    watchApp(this);
    const data: Record<(typeof LONGHORN_SECRET_KEYS)[number], string> = {
      AWS_ACCESS_KEY_ID: credentials.s3_access_key_id,
      AWS_SECRET_ACCESS_KEY: credentials.s3_secret_access_key,
      AWS_ENDPOINTS: endpoint,
    };
    // Longhorn refuses a newline at the end, which every PEM file has.
    makeSecret(this, name, namespace, { ...data, ...(authority && { AWS_CERT: authority.trim() }) });
  }
}

function checkSecretName(name: string): ReturnType<typeof expect> {
  return expect(
    isDnsSubdomain(name),
    'name',
    name,
    'expected the name of a Secret: a-z, 0-9, inner hyphens and dots',
  );
}

function checkAuthority(authority: string | undefined): ReturnType<typeof expect> {
  return expect(
    authority === undefined || isAuthority(authority),
    'authority',
    undefined,
    'expected a PEM certificate that may sign others, or that has signed itself: Longhorn trusts no other',
  );
}

/** Judged by the first certificate of the text. */
function isAuthority(pem: string): boolean {
  try {
    const certificate = new X509Certificate(pem);
    return certificate.ca || certificate.issuer === certificate.subject;
  } catch {
    return false;
  }
}

function isEndpoint(endpoint: string): boolean {
  return /^https?:\/\/[A-Za-z0-9.[\]:-]+$/.test(endpoint) && URL.canParse(endpoint);
}

function makeSecret(
  scope: Construct,
  name: string,
  namespace: string = LONGHORN_NAMESPACE,
  values: Readonly<Record<string, string>>,
): void {
  // As `data`: with `stringData` every `kubectl apply` would call the Secret changed.
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  new k8s.KubeSecret(scope, 'Resource', {
    metadata: { name, namespace, labels: ownLabels() },
    type: 'Opaque',
    data,
  });
}
