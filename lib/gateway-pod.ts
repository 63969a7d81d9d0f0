/** The pod of the gateway: what it is told, what it mounts, how it is probed. */
import { k8s } from 'cdk8s-plus-28';
import {
  DEFAULT_CA_KEY,
  DEFAULT_CATALOG_SIZE,
  DEFAULT_LIMITS,
  DEFAULT_REQUESTS,
  type GatewayProps,
  type KeyReference,
} from './gateway-options';
import {
  CATALOG_DIRECTORY,
  CATALOG_MOUNT_PATH,
  DEFAULT_BUCKET,
  FTP_SECRET_KEYS,
  GATEWAY_ENV,
  HEALTH_PATH,
  METRICS_PATH,
  METRICS_PORT,
  METRICS_PORT_NAME,
  MIRROR_SECRET_KEYS,
  LONGHAUL_COMMAND,
  OLDER_KEYS_SECRET_KEY,
  OLDER_KEYS_VARIABLE,
  READY_PATH,
  S3_PORT,
  S3_PORT_NAME,
  targetNames,
  type TargetNames,
} from './names';
import { ownLabels } from './own-labels';
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from './pod-security';

const CA_DIRECTORY = '/etc/longhaul/ftp-ca';
const MIRROR_CA_DIRECTORY = '/etc/longhaul/mirror-ftp-ca';
const CERTIFICATE_DIRECTORY = '/etc/longhaul/s3-certificate';

/** The gateway stops within 30 s of SIGTERM: it ends what is in flight, then gives its lease back. The rest is slack for a busy node. */
const TERMINATION_GRACE_SECONDS = 45;

/** What the scrape configurations of many clusters look for, by a convention of Prometheus's example. */
const SCRAPE_ANNOTATIONS = {
  'prometheus.io/scrape': 'true',
  'prometheus.io/port': String(METRICS_PORT),
  'prometheus.io/path': METRICS_PATH,
};

export function gatewayPod(names: TargetNames, props: GatewayProps): k8s.PodTemplateSpec {
  const { replicas = 1, imagePullSecrets = [], scrapeAnnotations = true } = props;
  return {
    metadata: {
      labels: ownLabels(names.gateway),
      ...(scrapeAnnotations && { annotations: SCRAPE_ANNOTATIONS }),
    },
    spec: {
      serviceAccountName: names.gateway,
      automountServiceAccountToken: false,
      // Services put variables such as S3_TO_FTP_PORT into every pod; none may be taken for the gateway's own.
      enableServiceLinks: false,
      securityContext: RESTRICTED_POD,
      terminationGracePeriodSeconds: TERMINATION_GRACE_SECONDS,
      ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
      ...(replicas > 1 && { topologySpreadConstraints: [spreadOverNodes(names)] }),
      containers: [container(names, props)],
      volumes: [catalogVolume(props), ...caVolumes(props), ...certificateVolume(props)],
    },
  };
}

/** The pod that verifies: the gateway's account and key, and none of what serves S3. */
export function verifyPod(name: string, props: GatewayProps, args: readonly string[]): k8s.PodTemplateSpec {
  const { imagePullSecrets = [] } = props;
  return {
    metadata: { labels: ownLabels(name) },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      securityContext: RESTRICTED_POD,
      ...(imagePullSecrets.length > 0 && {
        imagePullSecrets: imagePullSecrets.map((each) => ({ name: each })),
      }),
      containers: [
        {
          name: 'verify',
          image: props.image,
          imagePullPolicy: 'IfNotPresent',
          command: [...LONGHAUL_COMMAND],
          args: [...args],
          env: environment(targetNames(props.target), props),
          resources: {
            requests: quantities({ cpu: '100m', memory: '192Mi' }),
            limits: quantities({ cpu: '1', memory: '512Mi' }),
          },
          securityContext: RESTRICTED_CONTAINER,
          volumeMounts: caMounts(props),
        },
      ],
      volumes: caVolumes(props),
    },
  };
}

function container(names: TargetNames, props: GatewayProps): k8s.Container {
  const { resources = {} } = props;
  return {
    name: 'gateway',
    image: props.image,
    imagePullPolicy: 'IfNotPresent',
    ports: [
      { name: S3_PORT_NAME, containerPort: S3_PORT, protocol: 'TCP' },
      { name: METRICS_PORT_NAME, containerPort: METRICS_PORT, protocol: 'TCP' },
    ],
    env: environment(names, props),
    resources: {
      requests: quantities({ ...DEFAULT_REQUESTS, ...resources.requests }),
      limits: quantities({ ...DEFAULT_LIMITS, ...resources.limits }),
    },
    // A busy gateway may answer late; only one that hangs is worth breaking the backup that it works on.
    livenessProbe: {
      ...probe(HEALTH_PATH, props),
      initialDelaySeconds: 30,
      periodSeconds: 30,
      timeoutSeconds: 10,
    },
    // Longhorn gives up after some 15 s: whoever takes over must be found within few.
    readinessProbe: {
      ...probe(READY_PATH, props),
      initialDelaySeconds: 1,
      periodSeconds: 3,
      timeoutSeconds: 3,
    },
    securityContext: RESTRICTED_CONTAINER,
    volumeMounts: [
      { name: 'catalog', mountPath: CATALOG_MOUNT_PATH },
      ...caMounts(props),
      ...certificateVolume(props).map(({ name }) => ({
        name,
        mountPath: CERTIFICATE_DIRECTORY,
        readOnly: true,
      })),
    ],
  };
}

function environment(names: TargetNames, props: GatewayProps): k8s.EnvVar[] {
  const { bucket = DEFAULT_BUCKET, encryption = true, tlsSecret, ftp = {}, env = {} } = props;
  const secretName = props.credentialSecret ?? names.ftpSecret;
  const secret = Object.entries(FTP_SECRET_KEYS)
    .filter(([, variable]) => encryption || variable !== FTP_SECRET_KEYS.encryption_key)
    .map(([key, name]): k8s.EnvVar => ({ name, valueFrom: { secretKeyRef: { name: secretName, key } } }));
  // Without a key that is in use the gateway does not serve; nothing is lost by one that is missing here.
  if (encryption)
    secret.push({
      name: OLDER_KEYS_VARIABLE,
      valueFrom: { secretKeyRef: { name: secretName, key: OLDER_KEYS_SECRET_KEY, optional: true } },
    });
  const values: Readonly<Record<string, string | number | undefined>> = {
    [GATEWAY_ENV.ftpTls]: ftp.tls ?? 'explicit',
    [GATEWAY_ENV.ftpCaFile]: ftp.ca && `${CA_DIRECTORY}/${ftp.ca.key ?? DEFAULT_CA_KEY}`,
    [GATEWAY_ENV.ftpConnections]: ftp.connections,
    [GATEWAY_ENV.ftpRetrySeconds]: ftp.retrySeconds,
    [GATEWAY_ENV.ftpStallSeconds]: ftp.stallSeconds,
    ...mirrorValues(props),
    [GATEWAY_ENV.ftpUploadLimit]: ftp.uploadLimit,
    [GATEWAY_ENV.ftpDownloadLimit]: ftp.downloadLimit,
    [GATEWAY_ENV.s3Bucket]: bucket,
    [GATEWAY_ENV.s3Port]: S3_PORT,
    [GATEWAY_ENV.s3TlsCertFile]: tlsSecret && `${CERTIFICATE_DIRECTORY}/tls.crt`,
    [GATEWAY_ENV.s3TlsKeyFile]: tlsSecret && `${CERTIFICATE_DIRECTORY}/tls.key`,
    [GATEWAY_ENV.metricsPort]: METRICS_PORT,
    [GATEWAY_ENV.catalogDirectory]: CATALOG_DIRECTORY,
    [GATEWAY_ENV.memoryBudgetMib]: props.memoryBudgetMib,
    [GATEWAY_ENV.segmentSizeKib]: props.segmentSizeKib,
    [GATEWAY_ENV.logLevel]: props.logLevel,
    ...env,
  };
  const plain = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  );
  return [...secret, ...mirrorSecret(names, props), ...plain];
}

function mirrorSecret(names: TargetNames, { mirror }: GatewayProps): k8s.EnvVar[] {
  if (mirror === undefined) return [];
  const secretName = mirror.credentialSecret ?? names.mirrorSecret;
  return Object.entries(MIRROR_SECRET_KEYS).map(([key, name]) => ({
    name,
    valueFrom: { secretKeyRef: { name: secretName, key } },
  }));
}

function mirrorValues({ mirror }: GatewayProps): Readonly<Record<string, string | number | undefined>> {
  if (mirror === undefined) return {};
  const { ftp = {}, maxLagMinutes } = mirror;
  return {
    [GATEWAY_ENV.mirrorFtpTls]: ftp.tls ?? 'explicit',
    [GATEWAY_ENV.mirrorFtpCaFile]: ftp.ca && `${MIRROR_CA_DIRECTORY}/${ftp.ca.key ?? DEFAULT_CA_KEY}`,
    [GATEWAY_ENV.mirrorFtpConnections]: ftp.connections,
    [GATEWAY_ENV.mirrorFtpRetrySeconds]: ftp.retrySeconds,
    [GATEWAY_ENV.mirrorFtpStallSeconds]: ftp.stallSeconds,
    [GATEWAY_ENV.mirrorFtpUploadLimit]: ftp.uploadLimit,
    [GATEWAY_ENV.mirrorFtpDownloadLimit]: ftp.downloadLimit,
    [GATEWAY_ENV.mirrorMaxLagMinutes]: maxLagMinutes,
  };
}

function probe(path: string, { tlsSecret }: GatewayProps): k8s.Probe {
  const port = k8s.IntOrString.fromString(S3_PORT_NAME);
  return { httpGet: { path, port, ...(tlsSecret && { scheme: 'HTTPS' }) } };
}

function quantities(amounts: Readonly<Record<string, string>>): Record<string, k8s.Quantity> {
  return Object.fromEntries(
    Object.entries(amounts).map(([name, amount]) => [name, k8s.Quantity.fromString(amount)]),
  );
}

function catalogVolume({ catalog = {} }: GatewayProps): k8s.Volume {
  if (catalog.claim !== undefined)
    return { name: 'catalog', persistentVolumeClaim: { claimName: catalog.claim } };
  const sizeLimit = k8s.Quantity.fromString(catalog.sizeLimit ?? DEFAULT_CATALOG_SIZE);
  return { name: 'catalog', emptyDir: { sizeLimit } };
}

function caVolumes({ ftp, mirror }: GatewayProps): k8s.Volume[] {
  return [...caVolume('ftp-ca', ftp?.ca), ...caVolume('mirror-ftp-ca', mirror?.ftp?.ca)];
}

function caMounts(props: GatewayProps): k8s.VolumeMount[] {
  return caVolumes(props).map(({ name }) => ({
    name,
    mountPath: name === 'ftp-ca' ? CA_DIRECTORY : MIRROR_CA_DIRECTORY,
    readOnly: true,
  }));
}

function caVolume(name: string, ca: KeyReference | undefined): k8s.Volume[] {
  if (ca === undefined) return [];
  const { secret: secretName, configMap, key = DEFAULT_CA_KEY } = ca;
  const items = [{ key, path: key }];
  return [
    secretName === undefined
      ? { name, configMap: { name: configMap, items } }
      : { name, secret: { secretName, items } },
  ];
}

function certificateVolume({ tlsSecret: secretName }: GatewayProps): k8s.Volume[] {
  return secretName === undefined ? [] : [{ name: 's3-certificate', secret: { secretName } }];
}

/** A standby on the node of the writer would go down with it. */
function spreadOverNodes({ gateway }: TargetNames): k8s.TopologySpreadConstraint {
  return {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: { app: gateway } },
  };
}
