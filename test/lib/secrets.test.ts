import type { Credentials } from '../../lib/credentials';
import { GatewaySecret, LonghornSecret } from '../../lib/secrets';
import { TargetSecrets, type TargetSecretsProps } from '../../lib/target-secrets';
import { serverCertificate } from '../support/ftp-servers/certificate';
import { ofKind, problemsIn, synthesized, type Manifest } from '../support/synthesis';

const credentials: Credentials = {
  ftp_host: 'ftp.example.com',
  ftp_port: 2121,
  ftp_user: 'homelab',
  ftp_password: 'correct horse',
  ftp_path: '/Homelab',
  s3_access_key_id: 'longhorn',
  s3_secret_access_key: 'battery staple',
  encryption_key: 'ab'.repeat(32),
};

const secrets = (props: Partial<TargetSecretsProps> = {}): Manifest[] =>
  synthesized((chart) => new TargetSecrets(chart, 'secrets', { credentials, ...props }));

/** The values of a Secret, by its name. */
function valuesOf(manifests: readonly Manifest[], name: string): Record<string, string> {
  const secret = manifests.find(({ metadata }) => metadata.name === name) as unknown as {
    readonly data: Readonly<Record<string, string>>;
  };
  return Object.fromEntries(
    Object.entries(secret.data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

describe('the Secrets of a target', () => {
  it('are two, under the names and keys that gateway and Longhorn read', () => {
    const manifests = secrets();
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      'Secret longhorn-system/s3-to-ftp-ftp-credentials',
      'Secret longhorn-system/longhorn-backup-s3-credentials',
    ]);
    expect(valuesOf(manifests, 's3-to-ftp-ftp-credentials')).toEqual({
      ftp_host: 'ftp.example.com',
      ftp_port: '2121',
      ftp_user: 'homelab',
      ftp_password: 'correct horse',
      ftp_path: '/Homelab',
      s3_access_key: 'longhorn',
      s3_secret_key: 'battery staple',
      encryption_key: 'ab'.repeat(32),
    });
    expect(valuesOf(manifests, 'longhorn-backup-s3-credentials')).toEqual({
      AWS_ACCESS_KEY_ID: 'longhorn',
      AWS_SECRET_ACCESS_KEY: 'battery staple',
      AWS_ENDPOINTS: 'http://s3-to-ftp.longhorn-system.svc.cluster.local:9000',
    });
  });

  it('are written as data, so that applying them again changes nothing', () => {
    for (const secret of secrets()) expect(secret).not.toHaveProperty('stringData');
  });

  it('follow the names, the namespace and the port of the target', () => {
    const manifests = secrets({
      target: { name: 'nas', gateway: { servicePort: 80 } },
      namespace: 'storage',
    });
    expect(manifests.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toEqual([
      'storage/s3-to-ftp-ftp-credentials-nas',
      'storage/longhorn-backup-s3-credentials-nas',
    ]);
    expect(valuesOf(manifests, 'longhorn-backup-s3-credentials-nas')['AWS_ENDPOINTS']).toBe(
      'http://s3-to-ftp-nas.storage.svc.cluster.local:80',
    );
    const renamed = secrets({
      target: { credentialSecret: 'theirs', gateway: { credentialSecret: 'ours' } },
    });
    expect(renamed.map(({ metadata }) => metadata.name)).toEqual(['ours', 'theirs']);
  });

  it('hold older keys where they are given, for a rotation', () => {
    const older = `${'cd'.repeat(32)},${'ef'.repeat(32)}`;
    const given = { credentials: { ...credentials, encryption_keys: older } };
    expect(valuesOf(secrets(given), 's3-to-ftp-ftp-credentials')).toMatchObject({
      encryption_key: 'ab'.repeat(32),
      encryption_keys: older,
    });
    const off = secrets({ ...given, target: { gateway: { encryption: false } } });
    expect(valuesOf(off, 's3-to-ftp-ftp-credentials')).not.toHaveProperty('encryption_keys');
  });

  it('hold no encryption key where encryption is off', () => {
    const manifests = secrets({ target: { gateway: { encryption: false } } });
    expect(valuesOf(manifests, 's3-to-ftp-ftp-credentials')).not.toHaveProperty('encryption_key');
  });

  it('have the port of the TLS mode, and the root directory, where none is given', () => {
    const rest = { ...credentials, ftp_port: undefined, ftp_path: undefined };
    const values = (target: TargetSecretsProps['target']) =>
      valuesOf(secrets({ credentials: rest, target }), 's3-to-ftp-ftp-credentials');
    expect(values({})).toMatchObject({ ftp_port: '21', ftp_path: '/' });
    expect(values({ gateway: { ftp: { tls: 'implicit' } } })).toMatchObject({ ftp_port: '990' });
  });
});

describe('the authority in the Secret of Longhorn', () => {
  const { ca, cert } = serverCertificate();
  const target = { gateway: { tlsSecret: 's3-to-ftp-tls' } };

  it('has no newline at its end, which Longhorn refuses, and goes with an endpoint of https', () => {
    const values = valuesOf(secrets({ target, authority: ca }), 'longhorn-backup-s3-credentials');
    expect(values['AWS_CERT']).toBe(ca.trim());
    expect(values['AWS_ENDPOINTS']).toBe('https://s3-to-ftp.longhorn-system.svc.cluster.local:9000');
    expect(valuesOf(secrets({ target }), 'longhorn-backup-s3-credentials')).not.toHaveProperty('AWS_CERT');
  });

  it.each([
    ['no PEM', 'hunter2'],
    ['the certificate of a server', cert],
  ])('is refused where it is %s', (_name, authority) => {
    const problems = problemsIn(
      (chart) => new TargetSecrets(chart, 'secrets', { target, credentials, authority }),
    );
    expect(problems).toEqual([
      '[chart/secrets/longhorn] authority: expected a PEM certificate that may sign others, or that has signed itself: Longhorn trusts no other',
    ]);
  });
});

describe('the rules of credentials', () => {
  const SECRET_TEXT = 'hunter2';

  it.each<[string, Partial<Record<keyof Credentials, string | undefined>>, string]>([
    [
      'no host',
      { ftp_host: undefined },
      'ftp_host: is missing: expected a host name or address without scheme or path',
    ],
    [
      'a URL as the host',
      { ftp_host: 'ftp://ftp.example.com/' },
      'ftp_host (22 characters): is not valid: expected a host name or address without scheme or path',
    ],
    [
      'a port that is none',
      { ftp_port: '65536' },
      'ftp_port (5 characters): is not valid: expected a whole number from 1 to 65535',
    ],
    ['no user', { ftp_user: '' }, 'ftp_user: is missing: expected some text'],
    [
      'a newline behind the password',
      { ftp_password: `${SECRET_TEXT}\n` },
      'ftp_password (8 characters): has a blank or a newline at its start or end',
    ],
    [
      'a newline within the password',
      { ftp_password: `${SECRET_TEXT}\n${SECRET_TEXT}` },
      'ftp_password (15 characters): holds a newline or another control character',
    ],
    [
      'a path that climbs',
      { ftp_path: '/a/../b' },
      'ftp_path (7 characters): is not valid: expected a path of printable ASCII characters without `.` or `..`',
    ],
    [
      'an access key with a blank',
      { s3_access_key_id: 'my key' },
      's3_access_key_id (6 characters): is not valid: expected 3 to 128 letters, digits or _.+=@-',
    ],
    [
      'a short secret key',
      { s3_secret_access_key: SECRET_TEXT },
      's3_secret_access_key (7 characters): is not valid: expected at least 8 characters',
    ],
    [
      'the placeholder of an example',
      { ftp_password: 'your-ftp-password' },
      'ftp_password (17 characters): is still the placeholder of an example',
    ],
    [
      'a key of 63 digits',
      { encryption_key: 'a'.repeat(63) },
      'encryption_key (63 characters): is not valid: expected 64 hex digits (make one with: openssl rand -hex 32)',
    ],
    [
      'a key that is not hex',
      { encryption_key: 'g'.repeat(64) },
      'encryption_key (64 characters): is not valid: expected 64 hex digits (make one with: openssl rand -hex 32)',
    ],
    [
      'an older key that is none',
      { encryption_keys: `${'ab'.repeat(32)};${'cd'.repeat(32)}` },
      'encryption_keys (129 characters): is not valid: expected keys of 64 hex digits, with commas between them',
    ],
    [
      'no key although encryption is on',
      { encryption_key: undefined },
      'encryption_key: is missing, and encryption is on: make one with `openssl rand -hex 32`, or say `encryption: false`',
    ],
    [
      'a bucket that is none',
      { backup_bucket_name: 'B' },
      'backup_bucket_name (1 character): is not valid: expected a bucket name: 3 to 63 of a-z 0-9 . -',
    ],
    [
      'a region that is none',
      { backup_region: 'my box' },
      'backup_region (6 characters): is not valid: expected a word of a-z, 0-9 and inner hyphens',
    ],
  ])('refuse %s, and do not show it', (_name, change, message) => {
    const problems = problemsIn(
      (chart) => new TargetSecrets(chart, 'secrets', { credentials: { ...credentials, ...change } }),
    );
    expect(problems).toEqual([`[chart/secrets] credentials.${message}`]);
    expect(problems.join()).not.toContain(SECRET_TEXT);
  });

  it('are those of each Secret alone, too', () => {
    const bad = { ...credentials, s3_secret_access_key: SECRET_TEXT };
    const problems = problemsIn((chart) => {
      new GatewaySecret(chart, 'gateway', { credentials: bad, name: 'My Secret' });
      new LonghornSecret(chart, 'longhorn', { credentials: bad, endpoint: 's3-to-ftp:9000/' });
    });
    expect(problems).toEqual([
      '[chart/gateway] name "My Secret": expected the name of a Secret: a-z, 0-9, inner hyphens and dots',
      '[chart/gateway] credentials.s3_secret_access_key (7 characters): is not valid: expected at least 8 characters',
      '[chart/longhorn] credentials.s3_secret_access_key (7 characters): is not valid: expected at least 8 characters',
      '[chart/longhorn] endpoint "s3-to-ftp:9000/": expected one URL with scheme and without path, such as "http://s3-to-ftp.longhorn-system.svc.cluster.local:9000"',
    ]);
  });

  it('take a Secret for Longhorn over TLS', () => {
    const manifests = synthesized(
      (chart) => new LonghornSecret(chart, 'longhorn', { credentials, endpoint: 'https://s3.example:9000' }),
    );
    expect(ofKind(manifests, 'Secret').metadata.name).toBe('longhorn-backup-s3-credentials');
  });
});
