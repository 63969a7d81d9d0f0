/** Alerts on a gateway and its FTP account. */
import { spanText, type AlertRule } from './alert-rule';

/** The props of the alerts on a gateway. */
export interface GatewayAlertProps {
  /** Value of the label `job` on the gateway's metrics: its name. */
  readonly gateway: string;
  /** Longhorn's, for the commands that are told. */
  readonly namespace: string;
  /** How often Longhorn polls the backup target, in seconds. @default 300 */
  readonly pollSeconds?: number | undefined;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;
const FTP_SILENT_SECONDS = 300;
const DEFAULT_POLL_SECONDS = 300;
/** A poll of many volumes takes its time, and one that fails is made again later. */
const MISSED_POLLS = 3;
const LEAST_SILENT_SECONDS = HOUR;
/** Checkpoints are due at an interval; the server may be away for a while. */
const MISSED_CHECKPOINTS = 3;
/** cert-manager renews 30 days before the end of 90. */
const CERTIFICATE_SECONDS = 14 * DAY;
const LEAST_FREE_GIB = 20;

/** Alerts on a gateway that is down, cannot write, or whose account fills up. */
export function gatewayAlerts(props: GatewayAlertProps): AlertRule[] {
  const { gateway, namespace, pollSeconds = DEFAULT_POLL_SECONDS } = props;
  const silentSeconds = Math.max(LEAST_SILENT_SECONDS, MISSED_POLLS * pollSeconds);
  const of = (metric: string, more = ''): string => `${metric}{job="${gateway}"${more}}`;
  const labels = { gateway };
  const suffix = gateway;
  const logs = `kubectl -n ${namespace} logs deploy/${gateway} --tail=100`;
  return [
    {
      name: 'LonghaulGatewayDown',
      expr: `absent(${of('up')} == 1)`,
      forSeconds: 300,
      severity: 'critical',
      labels,
      summary: `The gateway ${suffix} is down, or Prometheus cannot reach it.`,
      description: 'Without it no backup can be made or restored.',
      runbook: `kubectl -n ${namespace} get pods -l app=${gateway}; then ${logs}`,
    },
    {
      name: 'LonghaulGatewayNotServing',
      expr: `max by (job) (${of('longhaul_serving')}) == 0`,
      forSeconds: 600,
      severity: 'critical',
      labels,
      summary: `The gateway ${suffix} runs, but does not serve.`,
      description:
        'It does not hold the lease on its FTP root: the FTP server is out of reach, the key is a wrong one, or a gateway elsewhere uses the same root.',
      runbook: `Its status page and its log say why: ${logs}`,
    },
    {
      name: 'LonghaulFtpUnreachable',
      expr: `time() - max by (job) (${of('longhaul_ftp_last_reply_timestamp_seconds')}) > ${FTP_SILENT_SECONDS}`,
      forSeconds: 0,
      severity: 'critical',
      labels,
      summary: `The FTP server of ${suffix} has not answered for 5 minutes.`,
      description: 'Backups wait for it for some minutes and then fail.',
      runbook:
        'Try the account from the cluster: run "longhaul doctor"; then look at the FTP server and the way to it.',
    },
    {
      name: 'LonghaulFtpFull',
      expr: `max by (job) (${of('longhaul_ftp_full')}) == 1`,
      forSeconds: 0,
      severity: 'critical',
      labels,
      summary: `The FTP account of ${suffix} is full.`,
      description:
        'The FTP server refused to store more (452 or 552). Every backup fails until there is space.',
      runbook:
        'Delete backups that you can do without in Longhorn, lower `retain`, or have the quota raised.',
    },
    {
      name: 'LonghaulFtpSpaceLow',
      expr: `min by (job) (${of('longhaul_ftp_available_bytes')}) < ${LEAST_FREE_GIB * 1024 ** 3}`,
      forSeconds: 900,
      severity: 'warning',
      labels,
      summary: `The FTP account of ${suffix} has less than ${LEAST_FREE_GIB} GiB left.`,
      description: 'The FTP server tells it by AVBL. When nothing is left every backup fails.',
      runbook:
        'Delete backups that you can do without in Longhorn, lower `retain`, or have the quota raised.',
    },
    ...(['ftp', 's3'] as const).map((side): AlertRule => ({
      name: side === 'ftp' ? 'LonghaulFtpCertificateEnding' : 'LonghaulS3CertificateEnding',
      expr: `min by (job) (${of(`longhaul_${side}_certificate_expiry_timestamp_seconds`)}) - time() < ${CERTIFICATE_SECONDS}`,
      forSeconds: HOUR,
      severity: 'warning',
      labels,
      summary: `The certificate of ${side === 'ftp' ? 'the FTP server' : 'the S3 port'} of ${suffix} ends in less than ${spanText(CERTIFICATE_SECONDS)}.`,
      description: 'From then on nobody connects, and every backup fails.',
      runbook:
        side === 'ftp'
          ? "Renew the FTP server's certificate, or ask its host to."
          : `Renew the certificate that ${gateway} mounts; it is taken without a restart.`,
    })),
    {
      name: 'LonghaulMirrorLagging',
      expr: `max by (job) (${of('longhaul_mirror_lag_seconds')}) > max by (job) (${of('longhaul_mirror_max_lag_seconds')})`,
      forSeconds: 60,
      severity: 'warning',
      labels,
      summary: `The mirror of ${suffix} lags behind its first FTP server.`,
      description:
        'Changes wait for longer than MIRROR_MAX_LAG_MINUTES. If the first server is lost now, so are they.',
      runbook: `kubectl -n ${namespace} exec deploy/${gateway} -- node /app/longhaul.js mirror status; then look at the second FTP server and the way to it.`,
    },
    {
      name: 'LonghaulMirrorIncomplete',
      expr: `max by (job) (${of('longhaul_mirror_complete')}) == 0`,
      forSeconds: HOUR,
      severity: 'warning',
      labels,
      summary: `Nobody knows what the mirror of ${suffix} lacks.`,
      description:
        'It could not be compared with the first FTP server: it is out of reach, or refused because it belongs to something else, or the comparison takes long.',
      runbook: `kubectl -n ${namespace} exec deploy/${gateway} -- node /app/longhaul.js mirror status says why.`,
    },
    {
      name: 'LonghaulMirrorExtraFiles',
      expr: `max by (job) (${of('longhaul_mirror_extra_files')}) > 0`,
      forSeconds: 300,
      severity: 'warning',
      labels,
      summary: `The mirror of ${suffix} has files that the first FTP server does not have.`,
      description:
        'Either the first server lost them, or the gateway lost its catalog while it deleted them. They stay on the mirror for 30 days.',
      runbook: `Run "longhaul verify": if the first server lost them, backups are damaged there, and "longhaul restore --mirror" reads the mirror.`,
    },
    {
      name: 'LonghaulGuardObjected',
      expr: `sum by (job, reason) (increase(${of('longhaul_guard_objections_total')}[1h])) > 0`,
      forSeconds: 0,
      severity: 'critical',
      labels,
      summary: `Longhorn wanted to delete blocks that stored backups need ({{ $labels.reason }}).`,
      description: `The gateway ${suffix} refused it, unless DELETE_GUARD says otherwise. Longhorn had a wrong view of the backups, or a backup is not whole.`,
      runbook: `Delete no backup until it is clear why; the log names the blocks and the backup: ${logs}`,
    },
    {
      name: 'LonghaulCheckpointOld',
      // One gateway may have taken none since it started; those that stand by take none at all.
      expr: `(time() - max by (job) (${of('longhaul_checkpoint_timestamp_seconds')} > 0 or on (job, instance) ${of('process_start_time_seconds')}) > ${HOUR} + ${MISSED_CHECKPOINTS} * max by (job) (${of('longhaul_checkpoint_interval_seconds')})) and on (job) max by (job) (${of('longhaul_checkpoint_changes')} > 0 and on (job, instance) ${of('longhaul_serving')} == 1)`,
      forSeconds: HOUR,
      severity: 'warning',
      labels,
      summary: `The catalog of ${suffix} changed, and its copy on the FTP server is old.`,
      description:
        'Nothing is lost by that. But if the local catalog is lost, the gateway has to look at every changed directory on the FTP server before it knows it again.',
      runbook: `The log says why a checkpoint could not be taken: ${logs} | grep checkpoint`,
    },
    {
      name: 'LonghaulLonghornSilent',
      // A gateway that nobody asked since it started counts from then; of several the one that serves.
      expr: `time() - max by (job) (${of('longhaul_longhorn_last_request_timestamp_seconds')} or on (job, instance) ${of('process_start_time_seconds')}) > ${silentSeconds}`,
      forSeconds: 300,
      severity: 'critical',
      labels,
      summary: `Longhorn has not asked ${suffix} for anything in ${spanText(silentSeconds)}.`,
      description:
        'It polls its backup target every few minutes. When it does not, no backup is made either.',
      runbook: `Run "longhaul doctor"; it looks at the BackupTarget, its Secret, and the way to the gateway.`,
    },
  ];
}
