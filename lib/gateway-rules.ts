/** What the gateway, and Kubernetes, ask of the gateway's props. One list of rules, each a few lines. */
import { isIP } from 'node:net';
import { isBucketName } from './bucket-name';
import { parseCron } from './cron';
import {
  DEFAULT_LIMITS,
  DEFAULT_MEMORY_BUDGET_MIB,
  FTP_TLS_MODES,
  LOG_LEVELS,
  type CatalogOptions,
  type FtpOptions,
  type GatewayOptions,
  type GatewayProps,
  type KeyReference,
  type MirrorOptions,
  type PortRange,
  type ResourceAmounts,
} from './gateway-options';
import { checkImage } from './image';
import { isDnsLabel, isDnsSubdomain } from './kube-names';
import { checkNamespace } from './namespace';
import {
  DEFAULT_TARGET,
  FTP_SECRET_KEYS,
  GATEWAY_ENV,
  MIRROR_SECRET_KEYS,
  OLDER_KEYS_VARIABLE,
  targetNames,
} from './names';
import { expect, inside, warning, type Finding } from './problems';
import { parseQuantity } from './quantity';
import { cronFindings } from './recurring-job-rules';
import { longestUnreadSeconds } from './verify-coverage';
import { DEFAULT_VERIFY_SCHEDULE, DEFAULT_VERIFY_SHARE, type VerifyOptions } from './verify-job';

const MIB = 2 ** 20;
/** What the process takes besides its memory budget, as measured under load and rounded up. */
const MEMORY_BESIDES_BUDGET_MIB = 256;

export function checkGateway(props: GatewayProps): Finding[] {
  const { target = DEFAULT_TARGET, bucket } = props;
  const name = targetNames(target).gateway;
  return [
    ...checkImage('image', props.image),
    ...checkNamespace(props.namespace),
    ...expect(
      isDnsLabel(name),
      'target',
      target,
      `the gateway's Service would be "${name}": expected at most 53 of a-z, 0-9 and inner hyphens`,
    ),
    ...expect(
      bucket === undefined || isBucketName(bucket),
      'bucket',
      bucket,
      'expected 3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends',
    ),
    ...checkOptions(props),
  ];
}

function checkOptions(options: GatewayOptions): Finding[] {
  const { replicas, segmentSizeKib, logLevel, credentialSecret, tlsSecret } = options;
  return [
    ...expect(
      replicas === undefined || (Number.isInteger(replicas) && replicas >= 1),
      'replicas',
      replicas,
      'expected a whole number from 1',
    ),
    ...checkInteger('servicePort', options.servicePort, 1, 65535),
    ...expect(
      credentialSecret === undefined || isDnsSubdomain(credentialSecret),
      'credentialSecret',
      credentialSecret,
      'expected the name of a Secret in the namespace of Longhorn',
    ),
    ...expect(
      tlsSecret === undefined || isDnsSubdomain(tlsSecret),
      'tlsSecret',
      tlsSecret,
      'expected the name of a Secret in the namespace of Longhorn',
    ),
    ...checkInteger('memoryBudgetMib', options.memoryBudgetMib, 16, 65536),
    ...expect(
      segmentSizeKib === undefined ||
        (Number.isInteger(Math.log2(segmentSizeKib)) && segmentSizeKib >= 4 && segmentSizeKib <= 1024),
      'segmentSizeKib',
      segmentSizeKib,
      'expected a power of two from 4 to 1024',
    ),
    ...expect(
      logLevel === undefined || LOG_LEVELS.includes(logLevel),
      'logLevel',
      logLevel,
      `expected one of ${LOG_LEVELS.join(', ')}`,
    ),
    ...(options.imagePullSecrets ?? []).flatMap((secret, index) =>
      expect(isDnsSubdomain(secret), `imagePullSecrets[${index}]`, secret, 'expected the name of a Secret'),
    ),
    ...inside('ftp', checkFtp(options.ftp ?? {}, options)),
    ...(options.mirror ? inside('mirror', checkMirror(options.mirror, options)) : []),
    ...inside('verify', checkVerify(options.verify ?? {})),
    ...inside('catalog', checkCatalog(options.catalog ?? {}, replicas)),
    ...checkResources(options),
    ...checkEnvironment(options.env ?? {}),
  ];
}

function checkVerify({ schedule, share, limit, path }: VerifyOptions): Finding[] {
  const [, part, of] = (/^(\d{1,4})\/(\d{1,4})$/.exec(share ?? '1/30') ?? []).map(Number);
  return [
    ...(schedule === undefined ? [] : cronFindings('schedule', schedule)),
    ...expect(
      part !== undefined && of !== undefined && part >= 1 && part <= of,
      'share',
      share,
      'expected a part of the blocks such as "1/30"',
    ),
    ...(neverReadsAll(schedule, share)
      ? [
          warning(
            'share',
            share,
            'with this schedule the turn of some blocks never comes, since the day decides which are read: take another day or share',
          ),
        ]
      : []),
    ...expect(
      limit === undefined || /^[1-9]\d{0,8}[KMG]$/.test(limit),
      'limit',
      limit,
      'expected bytes a second such as "500K" or "20M"',
    ),
    // An argument of a command: what begins with a dash would be an option.
    ...expect(
      path === undefined || /^[^-\s]\S*$/.test(path),
      'path',
      path,
      'expected the path in the URL of the backup target, such as "cluster-1/"',
    ),
  ];
}

function neverReadsAll(schedule = DEFAULT_VERIFY_SCHEDULE, share = DEFAULT_VERIFY_SHARE): boolean {
  if (cronFindings('schedule', schedule).length > 0) return false;
  return longestUnreadSeconds(parseCron(schedule), share) === 'never';
}

function checkFtp(ftp: FtpOptions, { encryption = true }: GatewayOptions): Finding[] {
  const { tls, ca, addresses, passivePorts } = ftp;
  return [
    ...expect(
      tls === undefined || FTP_TLS_MODES.includes(tls),
      'tls',
      tls,
      `expected one of ${FTP_TLS_MODES.join(', ')}`,
    ),
    ...(tls === 'off'
      ? [
          warning(
            'tls',
            tls,
            encryption
              ? 'the password crosses the network unencrypted'
              : 'with `encryption: false`, the password and every backup cross the network unencrypted',
          ),
        ]
      : []),
    ...(ca === undefined ? [] : inside('ca', checkKeyReference(ca))),
    ...expect(
      ca === undefined || tls !== 'off',
      'ca',
      ca,
      'with `tls: off` there is no certificate to check',
    ),
    ...checkInteger('connections', ftp.connections, 1, 64),
    ...checkInteger('retrySeconds', ftp.retrySeconds, 0, 3600),
    ...checkInteger('stallSeconds', ftp.stallSeconds, 1, 600),
    ...checkBandwidth('uploadLimit', ftp.uploadLimit),
    ...checkBandwidth('downloadLimit', ftp.downloadLimit),
    ...checkInteger('port', ftp.port, 1, 65535),
    ...expect(
      addresses === undefined || addresses.length > 0,
      'addresses',
      addresses,
      'without any block the gateway could reach no FTP server: leave `addresses` out to allow all',
    ),
    ...(addresses ?? []).flatMap((block, index) =>
      expect(
        isCidr(block),
        `addresses[${index}]`,
        block,
        'expected a CIDR block such as "203.0.113.7/32" or "2001:db8::/64"',
      ),
    ),
    ...(passivePorts === undefined ? [] : checkPortRange(passivePorts)),
  ];
}

function checkMirror(mirror: MirrorOptions, options: GatewayOptions): Finding[] {
  const { credentialSecret, ftp = {}, maxLagMinutes } = mirror;
  return [
    ...expect(
      credentialSecret === undefined || isDnsSubdomain(credentialSecret),
      'credentialSecret',
      credentialSecret,
      'expected the name of a Secret in the namespace of Longhorn',
    ),
    ...inside('ftp', checkFtp(ftp, options)),
    ...checkInteger('maxLagMinutes', maxLagMinutes, 1, 10_080),
  ];
}

const BANDWIDTH = /^(?:\d{1,6}(?:\.\d{1,3})?|off)(?:@(?:[01]\d|2[0-3]):[0-5]\d-(?:[01]\d|2[0-3]):[0-5]\d)?$/;

/** As the gateway reads it. */
function checkBandwidth(prop: string, limit: string | undefined): Finding[] {
  const rules = limit?.split(',').map((rule) => rule.trim()) ?? [];
  const isEmpty = (rule: string): boolean => /^0+(?:\.0+)?(?:@|$)/.test(rule) || /@(.{5})-\1$/.test(rule);
  return expect(
    rules.every((rule) => BANDWIDTH.test(rule) && !isEmpty(rule)),
    prop,
    limit,
    'expected megabits a second, each with or without a time of day, such as "10@07:00-23:00,off"',
  );
}

function checkKeyReference({ secret, configMap, key }: KeyReference): Finding[] {
  const name = secret ?? configMap;
  return [
    ...expect(
      (secret === undefined) !== (configMap === undefined),
      '',
      undefined,
      'exactly one of `secret` and `configMap` is needed',
    ),
    ...expect(
      name === undefined || isDnsSubdomain(name),
      secret === undefined ? 'configMap' : 'secret',
      name,
      'expected the name of an object in the namespace of Longhorn',
    ),
    ...expect(key === undefined || /^[\w.-]+$/.test(key), 'key', key, 'expected letters, digits or ._-'),
  ];
}

function isCidr(block: string): boolean {
  const [address = '', bits, ...more] = block.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || bits === undefined || !/^\d{1,3}$/.test(bits)) return false;
  return Number(bits) <= (version === 4 ? 32 : 128);
}

function checkPortRange({ from, to }: PortRange): Finding[] {
  return inside('passivePorts', [
    ...checkInteger('from', from, 1, 65535),
    ...checkInteger('to', to, 1, 65535),
    ...expect(from <= to, '', { from, to }, 'begins after its end'),
  ]);
}

function checkCatalog({ sizeLimit, claim }: CatalogOptions, replicas = 1): Finding[] {
  return [
    ...expect(
      sizeLimit === undefined || parseQuantity(sizeLimit) !== undefined,
      'sizeLimit',
      sizeLimit,
      'expected an amount such as "2Gi"',
    ),
    ...expect(
      claim === undefined || isDnsSubdomain(claim),
      'claim',
      claim,
      'expected the name of a PersistentVolumeClaim in the namespace of Longhorn',
    ),
    ...expect(
      claim === undefined || sizeLimit === undefined,
      'sizeLimit',
      sizeLimit,
      'is for an emptyDir: the claim has a size of its own',
    ),
    ...expect(
      claim === undefined || replicas <= 1,
      'claim',
      claim,
      `one catalog cannot serve ${replicas} replicas: each needs its own, so leave \`claim\` out`,
    ),
  ];
}

function checkResources({ resources = {}, memoryBudgetMib }: GatewayOptions): Finding[] {
  const { requests = {}, limits = {} } = resources;
  const amounts = [...inside('requests', checkAmounts(requests)), ...inside('limits', checkAmounts(limits))];
  const memory = limits.memory ?? DEFAULT_LIMITS.memory;
  const bytes = parseQuantity(memory);
  const budget = memoryBudgetMib ?? DEFAULT_MEMORY_BUDGET_MIB;
  const needed = budget + MEMORY_BESIDES_BUDGET_MIB;
  return inside('resources', [
    ...amounts,
    ...expect(
      bytes === undefined || bytes >= needed * MIB,
      'limits.memory',
      memory,
      `is too small: the gateway takes up to ${MEMORY_BESIDES_BUDGET_MIB} MiB besides its memory budget (${budget} MiB), and would be killed in the middle of a backup; expected at least "${needed}Mi"`,
    ),
  ]);
}

function checkAmounts({ cpu, memory }: ResourceAmounts): Finding[] {
  return [
    ...expect(
      cpu === undefined || parseQuantity(cpu) !== undefined,
      'cpu',
      cpu,
      'expected an amount such as "500m"',
    ),
    ...expect(
      memory === undefined || parseQuantity(memory) !== undefined,
      'memory',
      memory,
      'expected an amount such as "512Mi"',
    ),
  ];
}

/** Variables that have a prop or a key in the Secret. */
const OWN_VARIABLES: readonly string[] = [
  ...Object.values(FTP_SECRET_KEYS),
  ...Object.values(MIRROR_SECRET_KEYS),
  OLDER_KEYS_VARIABLE,
  GATEWAY_ENV.ftpTls,
  GATEWAY_ENV.ftpCaFile,
  GATEWAY_ENV.ftpConnections,
  GATEWAY_ENV.ftpRetrySeconds,
  GATEWAY_ENV.ftpStallSeconds,
  GATEWAY_ENV.mirrorFtpTls,
  GATEWAY_ENV.mirrorFtpCaFile,
  GATEWAY_ENV.mirrorFtpConnections,
  GATEWAY_ENV.mirrorFtpRetrySeconds,
  GATEWAY_ENV.mirrorFtpStallSeconds,
  GATEWAY_ENV.mirrorFtpUploadLimit,
  GATEWAY_ENV.mirrorFtpDownloadLimit,
  GATEWAY_ENV.mirrorMaxLagMinutes,
  GATEWAY_ENV.ftpUploadLimit,
  GATEWAY_ENV.ftpDownloadLimit,
  GATEWAY_ENV.s3Port,
  GATEWAY_ENV.s3Bucket,
  GATEWAY_ENV.s3TlsCertFile,
  GATEWAY_ENV.s3TlsKeyFile,
  GATEWAY_ENV.segmentSizeKib,
  GATEWAY_ENV.memoryBudgetMib,
  GATEWAY_ENV.catalogDirectory,
  GATEWAY_ENV.logLevel,
];

/** The values may be secrets: they are not shown. */
function checkEnvironment(env: Readonly<Record<string, string>>): Finding[] {
  return Object.keys(env).flatMap((name) => [
    ...expect(/^[A-Z_][A-Z0-9_]*$/.test(name), `env.${name}`, undefined, 'expected a name such as "TZ"'),
    ...expect(
      !OWN_VARIABLES.includes(name),
      `env.${name}`,
      undefined,
      'is made from another prop or comes from the Secret',
    ),
  ]);
}

function checkInteger(prop: string, value: number | undefined, min: number, max: number): Finding[] {
  return expect(
    value === undefined || (Number.isInteger(value) && value >= min && value <= max),
    prop,
    value,
    `expected a whole number from ${min} to ${max}`,
  );
}
