import { readConfig } from '../../gateway/config';
import { Gateway } from '../../lib/gateway';
import type { GatewayProps } from '../../lib/gateway-options';
import { problemsIn, warningsIn } from '../support/synthesis';

const IMAGE = 'registry.example/longhaul:1.2.3';
const gateway = (props: Partial<GatewayProps>) => (chart: ConstructorParameters<typeof Gateway>[0]) =>
  new Gateway(chart, 'gateway', { image: IMAGE, ...props });

describe('the rules of the gateway', () => {
  it.each<[string, Partial<GatewayProps>, string]>([
    [
      'an image without tag or digest',
      { image: 'registry.example:5000/longhaul' },
      'image "registry.example:5000/longhaul": has neither tag nor digest, and so is another version on every node that pulls it: add one, such as ":1.2.3"',
    ],
    [
      'an image that is none',
      { image: 'https://registry.example/longhaul' },
      'image "https://registry.example/longhaul": expected an image such as "registry.example/longhaul:1.2.3"',
    ],
    [
      'a digest that is none',
      { image: 'longhaul@sha256:abc' },
      'image "longhaul@sha256:abc": expected an image such as "registry.example/longhaul:1.2.3"',
    ],
    [
      'a target that no Service can be named after',
      { target: 'my.nas' },
      'target "my.nas": the gateway\'s Service would be "s3-to-ftp-my.nas": expected at most 53 of a-z, 0-9 and inner hyphens',
    ],
    [
      'a bucket that is none',
      { bucket: 'My_Bucket' },
      'bucket "My_Bucket": expected 3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends',
    ],
    ['no replicas', { replicas: 0 }, 'replicas 0: expected a whole number from 1'],
    [
      'a port that is none',
      { servicePort: 70000 },
      'servicePort 70000: expected a whole number from 1 to 65535',
    ],
    [
      'the name of a Secret that can be none',
      { credentialSecret: 'FTP' },
      'credentialSecret "FTP": expected the name of a Secret in the namespace of Longhorn',
    ],
    [
      'the name of a certificate’s Secret that can be none',
      { tlsSecret: 'TLS' },
      'tlsSecret "TLS": expected the name of a Secret in the namespace of Longhorn',
    ],
    [
      'a segment size that is no power of two',
      { segmentSizeKib: 100 },
      'segmentSizeKib 100: expected a power of two from 4 to 1024',
    ],
    [
      'an unknown log level',
      { logLevel: 'verbose' as 'debug' },
      'logLevel "verbose": expected one of fatal, error, warn, info, debug, trace, silent',
    ],
    [
      'an unknown TLS mode',
      { ftp: { tls: 'starttls' as 'explicit' } },
      'ftp.tls "starttls": expected one of explicit, implicit, off',
    ],
    [
      'a CA for no TLS',
      { ftp: { tls: 'off', ca: { secret: 'ca' } } },
      'ftp.ca {"secret":"ca"}: with `tls: off` there is no certificate to check',
    ],
    ['a CA from nowhere', { ftp: { ca: {} } }, 'ftp.ca: exactly one of `secret` and `configMap` is needed'],
    [
      'a CA from two places',
      { ftp: { ca: { secret: 'a', configMap: 'b' } } },
      'ftp.ca: exactly one of `secret` and `configMap` is needed',
    ],
    [
      'a CA from an object that cannot be',
      { ftp: { ca: { configMap: 'My CA' } } },
      'ftp.ca.configMap "My CA": expected the name of an object in the namespace of Longhorn',
    ],
    [
      'a key of a Secret that cannot be',
      { ftp: { ca: { secret: 'ca', key: '../ca' } } },
      'ftp.ca.key "../ca": expected letters, digits or ._-',
    ],
    [
      'no address',
      { ftp: { addresses: [] } },
      'ftp.addresses []: without any block the gateway could reach no FTP server: leave `addresses` out to allow all',
    ],
    [
      'an address without a length',
      { ftp: { addresses: ['203.0.113.7'] } },
      'ftp.addresses[0] "203.0.113.7": expected a CIDR block such as "203.0.113.7/32" or "2001:db8::/64"',
    ],
    [
      'a block longer than its address',
      { ftp: { addresses: ['10.0.0.0/8', '203.0.113.7/33'] } },
      'ftp.addresses[1] "203.0.113.7/33": expected a CIDR block such as "203.0.113.7/32" or "2001:db8::/64"',
    ],
    [
      'passive ports that begin after their end',
      { ftp: { passivePorts: { from: 50100, to: 50000 } } },
      'ftp.passivePorts {"from":50100,"to":50000}: begins after its end',
    ],
    [
      'a claim for two replicas',
      { replicas: 2, catalog: { claim: 'catalog' } },
      'catalog.claim "catalog": one catalog cannot serve 2 replicas: each needs its own, so leave `claim` out',
    ],
    [
      'a claim that can be none',
      { catalog: { claim: 'My Claim' } },
      'catalog.claim "My Claim": expected the name of a PersistentVolumeClaim in the namespace of Longhorn',
    ],
    [
      'a size limit on a claim',
      { catalog: { claim: 'catalog', sizeLimit: '1Gi' } },
      'catalog.sizeLimit "1Gi": is for an emptyDir: the claim has a size of its own',
    ],
    [
      'a size limit without unit',
      { catalog: { sizeLimit: '2 GB' } },
      'catalog.sizeLimit "2 GB": expected an amount such as "2Gi"',
    ],
    [
      'an amount of memory that is none',
      { resources: { limits: { memory: '512MB' } } },
      'resources.limits.memory "512MB": expected an amount such as "512Mi"',
    ],
    [
      'an amount of processors that is none',
      { resources: { requests: { cpu: 'half' } } },
      'resources.requests.cpu "half": expected an amount such as "500m"',
    ],
    [
      'less memory than the gateway takes',
      { memoryBudgetMib: 512 },
      'resources.limits.memory "512Mi": is too small: the gateway takes up to 256 MiB besides its memory budget (512 MiB), and would be killed in the middle of a backup; expected at least "768Mi"',
    ],
    [
      'a Secret for the registry that can be none',
      { imagePullSecrets: ['registry', 'My Secret'] },
      'imagePullSecrets[1] "My Secret": expected the name of a Secret',
    ],
    ['a variable that is none', { env: { 'no-name': 'x' } }, 'env.no-name: expected a name such as "TZ"'],
    [
      'a variable that is set otherwise',
      { env: { ENCRYPTION_KEY: 'a secret' } },
      'env.ENCRYPTION_KEY: is made from another prop or comes from the Secret',
    ],
  ])('refuse %s', (_name, props, message) => {
    expect(problemsIn(gateway(props))).toEqual([`[chart/gateway] ${message}`]);
  });

  it('are told all at once', () => {
    expect(problemsIn(gateway({ image: 'longhaul', replicas: -1, ftp: { connections: 0 } }))).toHaveLength(3);
  });

  it.each(['longhaul:1', 'registry.example:5000/a/longhaul:v1.2.3-rc1', `longhaul@sha256:${'0'.repeat(64)}`])(
    'take the image %s',
    (image) => {
      expect(problemsIn(gateway({ image }))).toEqual([]);
    },
  );

  it('warn of an image that changes under its name', () => {
    expect(warningsIn(gateway({ image: 'registry.example/longhaul:latest' }))).toEqual([
      '[chart/gateway] image "registry.example/longhaul:latest": "latest" is another version on every node that pulls it: name one version',
    ]);
  });

  it('warn of a password in the clear', () => {
    expect(warningsIn(gateway({ ftp: { tls: 'off' } }))).toEqual([
      '[chart/gateway] ftp.tls "off": the password crosses the network unencrypted',
    ]);
    expect(warningsIn(gateway({ ftp: { tls: 'off' }, encryption: false }))).toEqual([
      '[chart/gateway] ftp.tls "off": with `encryption: false`, the password and every backup cross the network unencrypted',
    ]);
  });

  const required = {
    FTP_HOST: 'ftp.example',
    FTP_USER: 'homelab',
    FTP_PASSWORD: 'correct horse',
    S3_ACCESS_KEY: 'longhorn',
    S3_SECRET_KEY: 'battery staple',
  };
  const ENOUGH = { resources: { limits: { memory: '1Ti' } } };

  it.each([
    ...['10', '2.5', 'off', '10@07:00-23:00,off', '10@22:00-06:00, 100'],
    ...['0', '0.0@07:00-08:00', '10@07:00-07:00', '10@24:00-25:00', 'fast', '', '10,,20'],
  ])('take "%s" for a bandwidth as the gateway itself does', (limit) => {
    let fits = true;
    try {
      readConfig({ ...required, FTP_UPLOAD_LIMIT: limit, FTP_DOWNLOAD_LIMIT: limit });
    } catch {
      fits = false;
    }
    // An empty variable is one that is not set; an empty prop is a mistake.
    const isGood = fits && limit !== '';
    const problems = problemsIn(gateway({ ftp: { uploadLimit: limit, downloadLimit: limit } }));
    expect(problems.map((problem) => problem.split(' ').slice(0, 2).join(' '))).toEqual(
      isGood ? [] : ['[chart/gateway] ftp.uploadLimit', '[chart/gateway] ftp.downloadLimit'],
    );
  });

  it('warn of a share and a schedule that together leave blocks unread for ever', () => {
    expect(warningsIn(gateway({ verify: { schedule: '0 3 * * 0', share: '1/7' } }))).toEqual([
      expect.stringContaining('the turn of some blocks never comes'),
    ]);
    expect(warningsIn(gateway({ verify: { schedule: '0 3 * * 0', share: '1/30' } }))).toEqual([]);
  });

  it.each<[string, (value: number) => Partial<GatewayProps>, number, number]>([
    ['FTP_CONNECTIONS', (connections) => ({ ftp: { connections } }), 1, 64],
    ['FTP_RETRY_SECONDS', (retrySeconds) => ({ ftp: { retrySeconds } }), 0, 3600],
    ['FTP_STALL_SECONDS', (stallSeconds) => ({ ftp: { stallSeconds } }), 1, 600],
    ['MEMORY_BUDGET_MIB', (memoryBudgetMib) => ({ memoryBudgetMib, ...ENOUGH }), 16, 65536],
    ['SEGMENT_SIZE_KIB', (segmentSizeKib) => ({ segmentSizeKib }), 4, 1024],
  ])('have the same bounds for %s as the gateway itself', (variable, props, min, max) => {
    for (const value of [min - 1, min, max, max + 1]) {
      const read = (): unknown => readConfig({ ...required, [variable]: String(value) });
      const problems = problemsIn(gateway(props(value)));
      if (value < min || value > max) {
        expect(read).toThrow(variable);
        expect(problems).toHaveLength(1);
      } else {
        expect(read).not.toThrow();
        expect(problems).toEqual([]);
      }
    }
  });
});
