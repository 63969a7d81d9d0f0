import { Construct } from 'constructs';
import { BackupTarget as BackupTargetResource } from '../imports/longhorn.io';
import { watchApp } from './app-rules';
import { isBucketName } from './bucket-name';
import { formatGoDuration, parseGoDuration } from './go-duration';
import { isDnsSubdomain } from './kube-names';
import { LonghornSetting } from './longhorn-setting';
import { checkLonghornVersion, longhornHas } from './longhorn-version';
import { checkNamespace } from './namespace';
import { DEFAULT_BUCKET, DEFAULT_TARGET, LONGHORN_NAMESPACE, targetNames } from './names';
import { ownLabels } from './own-labels';
import { accept, expect, type Finding } from './problems';

const DEFAULT_REGION = 'us-east-1';
const DEFAULT_POLL_INTERVAL = '5m0s';

/** The props of a backup target. */
export interface BackupTargetProps {
  /** Volumes choose their target by this name; `default` is the one that Longhorn makes itself. @default 'default' */
  readonly name?: string;
  /** Longhorn's. @default 'longhorn-system' */
  readonly namespace?: string;
  /** @default 'longhorn-backups' */
  readonly bucket?: string;
  /** Only a part of the signature; any word will do. @default 'us-east-1' */
  readonly region?: string;
  /** Secret with the credentials and the endpoint. @default 'longhorn-backup-s3-credentials', with `-<name>` behind it for other targets */
  readonly credentialSecret?: string;
  /**
   * How often Longhorn looks what is in the target and whether it is there, as a Go duration of whole seconds (`5m`, `300s`). It is
   * written in the canonical form, because Longhorn writes it back so. Not 0: a target that was away would never be found again.
   * @default '5m0s'
   */
  readonly pollInterval?: string;
  /** Before 1.8 the default target was made of three settings, and there was no other one. @default - a current one */
  readonly longhornVersion?: string;
}

/**
 * A place for Longhorn's backups in an S3 bucket. The target `default` is always there and cannot be deleted; to stop its use, blank its
 * URL. `syncRequestedAt` is Longhorn's own and never written.
 */
export class BackupTarget extends Construct {
  /** Longhorn's name of it; volumes choose it by this. */
  readonly targetName: string;
  /** `s3://<bucket>@<region>/`; Longhorn insists on the slash. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: BackupTargetProps = {}) {
    super(scope, id);
    const {
      name = DEFAULT_TARGET,
      namespace = LONGHORN_NAMESPACE,
      pollInterval = DEFAULT_POLL_INTERVAL,
    } = props;
    const { bucket = DEFAULT_BUCKET, region = DEFAULT_REGION } = props;
    const credentialSecret = props.credentialSecret ?? targetNames(name).longhornSecret;
    this.targetName = name;
    this.url = `s3://${bucket}@${region}/`;
    if (!accept(this, checkBackupTarget(props))) return;
    watchApp(this);

    const pollSeconds = parseGoDuration(pollInterval) ?? 0;
    if (longhornHas(props.longhornVersion, '1.8')) {
      new BackupTargetResource(this, 'Resource', {
        metadata: { name, namespace, labels: ownLabels() },
        spec: { backupTargetUrl: this.url, credentialSecret, pollInterval: formatGoDuration(pollSeconds) },
      });
      return;
    }
    const settings = {
      'backup-target': this.url,
      'backup-target-credential-secret': credentialSecret,
      'backupstore-poll-interval': String(pollSeconds),
    };
    for (const [setting, value] of Object.entries(settings)) {
      new LonghornSetting(this, setting, { name: setting, value, namespace });
    }
  }
}

function checkBackupTarget(props: BackupTargetProps): Finding[] {
  const { name = DEFAULT_TARGET, bucket, region, credentialSecret, longhornVersion } = props;
  return [
    ...expect(
      isDnsSubdomain(name) && name.length >= 2,
      'name',
      name,
      'expected at least 2 of a-z, 0-9, inner hyphens and dots',
    ),
    ...checkNamespace(props.namespace),
    ...checkLonghornVersion(longhornVersion),
    ...expect(
      name === DEFAULT_TARGET || longhornHas(longhornVersion, '1.8'),
      'name',
      name,
      `Longhorn has targets besides "${DEFAULT_TARGET}" since 1.8, and this is ${longhornVersion}`,
    ),
    ...expect(
      bucket === undefined || isBucketName(bucket),
      'bucket',
      bucket,
      'expected 3 to 63 of a-z, 0-9, dots and hyphens, a letter or digit at both ends',
    ),
    ...expect(
      region === undefined || /^[a-z0-9]+(-[a-z0-9]+)*$/.test(region),
      'region',
      region,
      'expected a word of a-z, 0-9 and inner hyphens; it is part of the URL and must not be empty',
    ),
    ...expect(
      credentialSecret === undefined || isDnsSubdomain(credentialSecret),
      'credentialSecret',
      credentialSecret,
      'expected the name of a Secret in the namespace of Longhorn',
    ),
    ...checkPollInterval(props.pollInterval),
  ];
}

function checkPollInterval(pollInterval: string | undefined): Finding[] {
  if (pollInterval === undefined) return [];
  const seconds = parseGoDuration(pollInterval);
  const reason =
    seconds === undefined
      ? 'expected a duration with units, such as "5m" or "300s"'
      : seconds === 0
        ? '0 turns polling off: a target that was away would never be found again, and failed backups would stay'
        : 'expected whole seconds';
  return expect(
    seconds !== undefined && seconds > 0 && Number.isInteger(seconds),
    'pollInterval',
    pollInterval,
    reason,
  );
}
