import { gatewaySecretFacts, longhornSecretFacts } from '../../../../lib/cli/doctor/secret-facts';
import type { Secret } from '../../../../lib/cli/kinds';

const secret = (values: Record<string, string>): Secret => ({
  metadata: { name: 's' },
  data: Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  ),
});
const gateway = {
  ftp_host: 'ftp.example',
  ftp_user: 'u',
  ftp_password: 'very-secret-password',
  s3_access_key: 'longhorn',
  s3_secret_key: 'very-secret-key',
};
const longhorn = {
  AWS_ACCESS_KEY_ID: 'longhorn',
  AWS_SECRET_ACCESS_KEY: 'very-secret-key',
  AWS_ENDPOINTS: 'http://s3-to-ftp.longhorn-system.svc.cluster.local:9000',
};

describe('what is known about a Secret', () => {
  it('has no fault where the Secret has none, and the two of a pair agree', () => {
    const [ours, longhorns] = [
      gatewaySecretFacts(secret(gateway), { encryption: false }),
      longhornSecretFacts(secret(longhorn)),
    ];
    expect([ours.faults, longhorns.faults]).toEqual([[], []]);
    expect(ours.credentialDigest).toBe(longhorns.credentialDigest);
  });

  it.each([
    ['a missing password', { ftp_password: '' }, 'ftp_password'],
    ['a port that is none', { ftp_port: 'ftp' }, 'ftp_port'],
    ['a newline behind the secret key', { s3_secret_key: 'very-secret-key\n' }, 's3_secret_key'],
    ['an encryption key that is none', { encryption_key: 'abc' }, 'encryption_key'],
  ])("names the key of the gateway's Secret with %s", (_case, change, key) => {
    const { faults } = gatewaySecretFacts(secret({ ...gateway, ...change }), { encryption: false });
    expect(faults.map((fault) => fault.key)).toEqual([key]);
  });

  it('misses the encryption key only where the gateway seals', () => {
    const faults = (encryption: boolean): string[] =>
      gatewaySecretFacts(secret(gateway), { encryption }).faults.map(({ key }) => key);
    expect([faults(true), faults(false)]).toEqual([['encryption_key'], []]);
  });

  it.each([
    ['a missing endpoint', { AWS_ENDPOINTS: '' }, 'AWS_ENDPOINTS'],
    ['a blank before the access key', { AWS_ACCESS_KEY_ID: ' longhorn' }, 'AWS_ACCESS_KEY_ID'],
    ["a certificate's final newline", { AWS_CERT: '-----BEGIN CERTIFICATE-----\n' }, 'AWS_CERT'],
  ])("names the key of Longhorn's Secret with %s", (_case, change, key) => {
    expect(longhornSecretFacts(secret({ ...longhorn, ...change })).faults.map((fault) => fault.key)).toEqual([
      key,
    ]);
  });

  it('holds no value but the endpoint', () => {
    const known = JSON.stringify([
      gatewaySecretFacts(secret({ ...gateway, ftp_port: 'x' }), { encryption: true }),
      longhornSecretFacts(secret(longhorn)),
    ]);
    expect(known).not.toMatch(/very-secret|"longhorn"|ftp\.example/);
    expect(known).toContain(longhorn.AWS_ENDPOINTS);
  });
});
