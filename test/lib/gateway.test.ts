import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../gateway/config';
import { Gateway } from '../../lib/gateway';
import type { GatewayProps } from '../../lib/gateway-options';
import { FTP_SECRET_KEYS, MIRROR_SECRET_KEYS } from '../../lib/names';
import { restrictedViolations, type PodSpec } from '../support/pod-security';
import { ofKind, synthesized, type Manifest } from '../support/synthesis';

const IMAGE = 'registry.example/longhaul:1.2.3';

const gateway = (props: Omit<GatewayProps, 'image'> = {}): Manifest[] =>
  synthesized((chart) => new Gateway(chart, 'gateway', { image: IMAGE, ...props }));

interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef: { readonly name: string; readonly key: string; readonly optional?: true };
  };
}

interface Deployment {
  readonly spec: {
    readonly replicas: number;
    readonly progressDeadlineSeconds?: number;
    readonly strategy: object;
    readonly selector: object;
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: PodSpec & {
        readonly containers: readonly {
          readonly env: readonly EnvVar[];
          readonly resources: object;
          readonly livenessProbe: object;
          readonly readinessProbe: object;
          readonly volumeMounts: readonly object[];
          readonly securityContext: object;
        }[];
      };
    };
  };
}

const deployment = (props?: Omit<GatewayProps, 'image'>): Deployment & Manifest =>
  ofKind<Deployment>(gateway(props), 'Deployment');
const pod = (props?: Omit<GatewayProps, 'image'>) => deployment(props).spec.template.spec;
const container = (props?: Omit<GatewayProps, 'image'>) => {
  const [only, ...more] = pod(props).containers;
  expect(more).toEqual([]);
  if (only === undefined) throw new Error('the pod has no container');
  return only;
};

describe('the gateway', () => {
  it('has the names, the label and the port that users know', () => {
    const manifests = gateway();
    expect(manifests.map(({ kind, metadata }) => [kind, metadata.name, metadata.namespace])).toEqual(
      ['ServiceAccount', 'NetworkPolicy', 'Service', 'PodDisruptionBudget', 'Deployment'].map((kind) => [
        kind,
        's3-to-ftp',
        'longhorn-system',
      ]),
    );
    expect(deployment().spec.template.metadata.labels).toMatchObject({ app: 's3-to-ftp' });
    expect(ofKind(manifests, 'Service').spec).toEqual({
      type: 'ClusterIP',
      selector: { app: 's3-to-ftp' },
      ports: [
        { name: 's3-api', port: 9000, targetPort: 's3-api', protocol: 'TCP' },
        { name: 'metrics', port: 9464, targetPort: 'metrics', protocol: 'TCP' },
      ],
    });
  });

  it('takes account, keys and root from the Secret, under the keys that users know', () => {
    const fromSecret = container().env.filter(({ valueFrom }) => valueFrom !== undefined);
    expect(
      Object.fromEntries(fromSecret.map(({ name, valueFrom }) => [valueFrom?.secretKeyRef.key, name])),
    ).toEqual({ ...FTP_SECRET_KEYS, encryption_keys: 'ENCRYPTION_KEYS' });
    // Older keys are there only while a rotation needs them.
    expect(
      fromSecret.filter(({ valueFrom }) => valueFrom?.secretKeyRef.optional).map(({ name }) => name),
    ).toEqual(['ENCRYPTION_KEYS']);
    expect(new Set(fromSecret.map(({ valueFrom }) => valueFrom?.secretKeyRef.name))).toEqual(
      new Set(['s3-to-ftp-ftp-credentials']),
    );
  });

  it('does not ask for the encryption key where encryption is off', () => {
    const names = container({ encryption: false }).env.map(({ name }) => name);
    expect(names).toContain('FTP_PASSWORD');
    expect(names).not.toContain('ENCRYPTION_KEY');
    expect(names).not.toContain('ENCRYPTION_KEYS');
  });

  const secretValues: Readonly<Record<string, string>> = {
    FTP_HOST: 'ftp.example',
    FTP_PORT: '2121',
    FTP_USER: 'homelab',
    FTP_PASSWORD: 'correct horse',
    FTP_ROOT_PATH: '/Homelab',
    S3_ACCESS_KEY: 'longhorn',
    S3_SECRET_KEY: 'battery staple',
    ENCRYPTION_KEY: 'ab'.repeat(32),
  };
  const environment = (props: Omit<GatewayProps, 'image'>): Record<string, string> =>
    Object.fromEntries(
      container(props).env.map(({ name, value }) => [name, value ?? secretValues[name] ?? '']),
    );

  it('is told what its props say, in words that the gateway itself understands', () => {
    const config = readConfig(
      environment({
        bucket: 'homelab',
        ftp: {
          ...{ tls: 'implicit', connections: 3, retrySeconds: 60, stallSeconds: 15 },
          ...{ uploadLimit: '10@07:00-23:00,off', downloadLimit: '50' },
        },
        memoryBudgetMib: 128,
        segmentSizeKib: 64,
        logLevel: 'debug',
        env: { S3_DOMAIN: 's3.example' },
      }),
    );
    expect(config).toMatchObject({
      ftp: {
        host: 'ftp.example',
        port: 2121,
        root: '/Homelab',
        tls: 'implicit',
        connections: 3,
        retryMs: 60_000,
        stallMs: 15_000,
        uploadLimit: [
          { bytesPerSecond: 1_250_000, window: { from: 420, to: 1_380 } },
          { bytesPerSecond: Infinity },
        ],
        downloadLimit: [{ bytesPerSecond: 6_250_000 }],
      },
      s3: {
        port: 9000,
        bucket: 'homelab',
        domain: 's3.example',
        accessKeys: [{ accessKeyId: 'longhorn', secretAccessKey: 'battery staple' }],
      },
      memoryBudgetBytes: 128 * 2 ** 20,
      segmentLog2: 16,
      logLevel: 'debug',
      encryptionKeys: { writeKey: Buffer.alloc(32, 0xab), readKeys: [] },
    });
  });

  it('is told nothing that the reference does not explain', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');
    const everything = {
      tlsSecret: 'tls',
      ftp: {
        ...{ ca: { secret: 'ca' }, connections: 3, retrySeconds: 60, stallSeconds: 15 },
        ...{ uploadLimit: '10', downloadLimit: '50' },
      },
      memoryBudgetMib: 64,
      segmentSizeKib: 256,
      logLevel: 'info' as const,
    };
    const names = container(everything).env.map(({ name }) => name);
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('starts with what it is told by default', () => {
    expect(readConfig(environment({}))).toMatchObject({
      ftp: { tls: 'explicit' },
      s3: { port: 9000, bucket: 'longhorn-backups' },
      encryptionKeys: { writeKey: expect.any(Buffer) as Buffer },
    });
  });

  it('passes the restricted Pod Security profile, with and without everything it can mount', () => {
    const everything = { replicas: 2, tlsSecret: 'tls', ftp: { ca: { secret: 'ftp-ca' } } };
    expect(restrictedViolations(pod())).toEqual([]);
    expect(restrictedViolations(pod(everything))).toEqual([]);
    expect(
      restrictedViolations(pod({ catalog: { claim: 'catalog' }, ftp: { ca: { configMap: 'ca' } } })),
    ).toEqual([]);
  });

  it('runs as a numeric user that is not root, on a root file system that it cannot write', () => {
    expect(pod().securityContext).toMatchObject({ runAsUser: 65532, runAsGroup: 65532 });
    expect(container().securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  it('has no token for the cluster, and no variables made from Services', () => {
    expect(pod()).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(ofKind(gateway(), 'ServiceAccount')).toMatchObject({ automountServiceAccountToken: false });
  });

  it('is alive while it answers /health, and ready while it answers /ready', () => {
    expect(container().livenessProbe).toMatchObject({
      httpGet: { path: '/health', port: 's3-api' },
      initialDelaySeconds: 30,
      periodSeconds: 30,
    });
    expect(container().readinessProbe).toMatchObject({ httpGet: { path: '/ready', port: 's3-api' } });
  });

  it('has the resources that users know, and others where they say so', () => {
    expect(container().resources).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '500m', memory: '512Mi' },
    });
    expect(container({ resources: { limits: { memory: '1Gi' } } }).resources).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '500m', memory: '1Gi' },
    });
  });

  it('is given more time to stop than it takes', () => {
    expect(pod()).toMatchObject({ terminationGracePeriodSeconds: 45 });
  });

  it('keeps its catalog in a directory of its own in an emptyDir with a limit, or on a claim', () => {
    expect(pod().volumes).toEqual([{ name: 'catalog', emptyDir: { sizeLimit: '2Gi' } }]);
    expect(container().env).toContainEqual({ name: 'CATALOG_DIR', value: '/var/lib/longhaul/catalog' });
    expect(container().volumeMounts).toEqual([{ name: 'catalog', mountPath: '/var/lib/longhaul' }]);
    expect(pod({ catalog: { claim: 'catalog' } }).volumes).toEqual([
      { name: 'catalog', persistentVolumeClaim: { claimName: 'catalog' } },
    ]);
  });

  it('trusts a CA from a Secret or a ConfigMap, mounted read-only', () => {
    const fromSecret = { ftp: { ca: { secret: 'nas-ca', key: 'nas.pem' } } };
    expect(pod(fromSecret).volumes).toContainEqual({
      name: 'ftp-ca',
      secret: { secretName: 'nas-ca', items: [{ key: 'nas.pem', path: 'nas.pem' }] },
    });
    expect(container(fromSecret).env).toContainEqual({
      name: 'FTP_CA_FILE',
      value: '/etc/longhaul/ftp-ca/nas.pem',
    });
    expect(container(fromSecret).volumeMounts).toContainEqual({
      name: 'ftp-ca',
      mountPath: '/etc/longhaul/ftp-ca',
      readOnly: true,
    });
    expect(pod({ ftp: { ca: { configMap: 'nas-ca' } } }).volumes).toContainEqual({
      name: 'ftp-ca',
      configMap: { name: 'nas-ca', items: [{ key: 'ca.crt', path: 'ca.crt' }] },
    });
  });

  it('speaks TLS with the certificate of a Secret, and is probed and addressed so', () => {
    const props = { tlsSecret: 's3-to-ftp-tls' };
    expect(pod(props).volumes).toContainEqual({
      name: 's3-certificate',
      secret: { secretName: 's3-to-ftp-tls' },
    });
    expect(container(props).volumeMounts).toContainEqual({
      name: 's3-certificate',
      mountPath: '/etc/longhaul/s3-certificate',
      readOnly: true,
    });
    expect(container(props).env).toEqual(
      expect.arrayContaining([
        { name: 'S3_TLS_CERT_FILE', value: '/etc/longhaul/s3-certificate/tls.crt' },
        { name: 'S3_TLS_KEY_FILE', value: '/etc/longhaul/s3-certificate/tls.key' },
      ]),
    );
    expect(container(props).livenessProbe).toMatchObject({ httpGet: { scheme: 'HTTPS' } });
    expect(container(props).readinessProbe).toMatchObject({ httpGet: { scheme: 'HTTPS' } });
    synthesized((chart) => {
      const { endpoint } = new Gateway(chart, 'gateway', { image: IMAGE, ...props });
      expect(endpoint).toBe('https://s3-to-ftp.longhorn-system.svc.cluster.local:9000');
    });
  });

  it('replaces all pods at once, since no new one is ready while an old one holds the lease', () => {
    expect(deployment().spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: '100%' } },
    });
    expect(deployment({ replicas: 3 }).spec.strategy).toEqual(deployment().spec.strategy);
  });

  it('lets one pod at a time have a catalog on a claim', () => {
    expect(deployment({ catalog: { claim: 'catalog' } }).spec.strategy).toEqual({ type: 'Recreate' });
  });

  it('is never called failed for its standbys, and prefers them on other nodes', () => {
    expect(deployment().spec).not.toHaveProperty('progressDeadlineSeconds');
    expect(pod()).not.toHaveProperty('topologySpreadConstraints');
    expect(deployment({ replicas: 2 }).spec.progressDeadlineSeconds).toBe(2_147_483_647);
    expect(pod({ replicas: 2 })).toMatchObject({
      topologySpreadConstraints: [
        { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 1 },
      ],
    });
  });

  it('keeps no node from being drained', () => {
    expect(ofKind(gateway({ replicas: 2 }), 'PodDisruptionBudget').spec).toEqual({
      maxUnavailable: '100%',
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: { app: 's3-to-ftp' } },
    });
  });

  it('pulls its image with the Secrets that are named', () => {
    expect(pod({ imagePullSecrets: ['registry'] })).toMatchObject({
      imagePullSecrets: [{ name: 'registry' }],
    });
  });

  it('has names of its own for another target, and another Secret', () => {
    const manifests = gateway({ target: 'nas' });
    expect(new Set(manifests.map(({ metadata }) => metadata.name))).toEqual(new Set(['s3-to-ftp-nas']));
    expect(container({ target: 'nas' }).env[0]).toEqual({
      name: 'FTP_HOST',
      valueFrom: { secretKeyRef: { name: 's3-to-ftp-ftp-credentials-nas', key: 'ftp_host' } },
    });
    expect(container({ credentialSecret: 'sealed' }).env[0]?.valueFrom?.secretKeyRef.name).toBe('sealed');
  });

  it('tells the endpoint for Longhorn, by its namespace and the port of its Service', () => {
    let endpoint = '';
    synthesized((chart) => {
      endpoint = new Gateway(chart, 'gateway', {
        image: IMAGE,
        namespace: 'storage',
        servicePort: 80,
      }).endpoint;
    });
    expect(endpoint).toBe('http://s3-to-ftp.storage.svc.cluster.local:80');
    expect(ofKind(gateway({ servicePort: 80 }), 'Service').spec).toMatchObject({
      ports: [{ port: 80, targetPort: 's3-api' }, { port: 9464 }],
    });
  });
});

describe('the mirror of the gateway', () => {
  const mirror = { ftp: { tls: 'implicit', ca: { secret: 'authority' } }, maxLagMinutes: 30 } as const;

  it('has a Secret, an authority and settings of its own, which the gateway takes', () => {
    const { env, volumeMounts } = container({ mirror, ftp: { ca: { configMap: 'first' } } });
    const own = env.filter(({ name }) => name.startsWith('MIRROR_'));
    expect(
      Object.fromEntries(own.map(({ name, value, valueFrom }) => [name, value ?? valueFrom?.secretKeyRef])),
    ).toEqual({
      ...Object.fromEntries(
        Object.entries(MIRROR_SECRET_KEYS).map(([key, name]) => [
          name,
          { name: 's3-to-ftp-mirror-credentials', key },
        ]),
      ),
      MIRROR_FTP_TLS: 'implicit',
      MIRROR_FTP_CA_FILE: '/etc/longhaul/mirror-ftp-ca/ca.crt',
      MIRROR_MAX_LAG_MINUTES: '30',
    });
    expect(volumeMounts).toEqual(
      expect.arrayContaining([
        { name: 'ftp-ca', mountPath: '/etc/longhaul/ftp-ca', readOnly: true },
        { name: 'mirror-ftp-ca', mountPath: '/etc/longhaul/mirror-ftp-ca', readOnly: true },
      ]),
    );
    expect(container({}).env.filter(({ name }) => name.startsWith('MIRROR_'))).toEqual([]);
    const other = container({ target: 'offsite', mirror: {} }).env.find(
      ({ name }) => name === 'MIRROR_FTP_HOST',
    );
    expect(other?.valueFrom?.secretKeyRef.name).toBe('s3-to-ftp-mirror-credentials-offsite');
  });

  it('is checked', () => {
    const wrong = { ftp: { connections: 0 }, maxLagMinutes: 0, credentialSecret: 'No Secret' };
    expect(() => gateway({ mirror: wrong })).toThrow(
      /mirror\.credentialSecret[\s\S]*mirror\.ftp\.connections[\s\S]*mirror\.maxLagMinutes/,
    );
  });
});

describe('the network policy of the gateway', () => {
  const policy = (props: Omit<GatewayProps, 'image'> = {}) => ofKind(gateway(props), 'NetworkPolicy').spec;
  const DNS = {
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  };

  it('lets nobody but certain namespaces read the metrics, or nobody at all', () => {
    const rules = (metricsFrom: string[]) =>
      (policy({ metricsFrom }) as { ingress: object[] }).ingress.slice(1);
    expect(rules(['monitoring'])).toMatchObject([
      {
        from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
        ports: [{ port: 9464 }],
      },
    ]);
    expect(rules([])).toEqual([]);
  });

  it('lets in the pods of its own namespace, which is Longhorn’s, and to its metrics whoever reads them', () => {
    expect(policy()).toMatchObject({
      podSelector: { matchLabels: { app: 's3-to-ftp' } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 9000 }] },
        { from: [{ namespaceSelector: {} }], ports: [{ protocol: 'TCP', port: 9464 }] },
      ],
    });
  });

  it('lets out DNS and every TCP port, as long as the ports of data connections are not known', () => {
    expect(policy()).toMatchObject({ egress: [DNS, { ports: [{ protocol: 'TCP' }] }] });
  });

  it('lets out only to the addresses of the FTP server where they are given', () => {
    expect(policy({ ftp: { addresses: ['203.0.113.7/32', '2001:db8::/64'] } })).toMatchObject({
      egress: [
        DNS,
        {
          to: [{ ipBlock: { cidr: '203.0.113.7/32' } }, { ipBlock: { cidr: '2001:db8::/64' } }],
          ports: [{ protocol: 'TCP' }],
        },
      ],
    });
  });

  it.each([
    ['explicit TLS', {}, 21],
    ['implicit TLS', { tls: 'implicit' as const }, 990],
    ['another port', { port: 2121 }, 2121],
  ])('lets out only control and data ports where their range is given: %s', (_name, ftp, port) => {
    expect(policy({ ftp: { ...ftp, passivePorts: { from: 50000, to: 50100 } } })).toMatchObject({
      egress: [
        DNS,
        {
          ports: [
            { protocol: 'TCP', port },
            { protocol: 'TCP', port: 50000, endPort: 50100 },
          ],
        },
      ],
    });
  });

  it('lets out to the mirror, where there is one, as its own options say', () => {
    const mirror = { ftp: { addresses: ['198.51.100.9/32'], passivePorts: { from: 6000, to: 6000 } } };
    expect(policy({ ftp: { addresses: ['203.0.113.7/32'] }, mirror })).toMatchObject({
      egress: [
        DNS,
        { to: [{ ipBlock: { cidr: '203.0.113.7/32' } }], ports: [{ protocol: 'TCP' }] },
        {
          to: [{ ipBlock: { cidr: '198.51.100.9/32' } }],
          ports: [
            { protocol: 'TCP', port: 21 },
            { protocol: 'TCP', port: 6000 },
          ],
        },
      ],
    });
  });

  it('can be left out', () => {
    expect(gateway({ networkPolicy: false }).map(({ kind }) => kind)).not.toContain('NetworkPolicy');
  });
});
