/** What an app imports from `longhaul`. */
export * as longhorn from '../imports/longhorn.io';
export { backupCharts, type BackupParts } from './backup-parts';
export { BackupTarget, type BackupTargetProps } from './backup-target';
export type { Credentials } from './credentials';
export { Gateway } from './gateway';
export { GatewayNetworkPolicy, type GatewayNetworkPolicyProps } from './gateway-network-policy';
export type {
  CatalogOptions,
  FtpOptions,
  MirrorOptions,
  FtpTlsMode,
  GatewayOptions,
  GatewayProps,
  KeyReference,
  LogLevel,
  PortRange,
  ResourceAmounts,
  ResourceOptions,
} from './gateway-options';
export { cronInUtc, LocalTimeError, type UtcCron } from './local-time';
export { LonghornBackup, type LonghornBackupProps, type TargetOptions } from './longhorn-backup';
export {
  DetachedVolumeBackups,
  LonghornSetting,
  type DetachedVolumeBackupsProps,
  type LonghornSettingProps,
} from './longhorn-setting';
export type { AlertRule, Severity } from './monitoring/alert-rule';
export { backupAlerts, type AlertedJob, type BackupAlertProps } from './monitoring/backup-alerts';
export { grafanaDashboard } from './monitoring/dashboard';
export { gatewayAlerts, type GatewayAlertProps } from './monitoring/gateway-alerts';
export type { ExpectedVerification } from './monitoring/verification-alerts';
export {
  Monitoring,
  type MonitoringFile,
  type MonitoringProps,
  type WatchedGateway,
} from './monitoring/monitoring';
export type {
  GrafanaAlertOptions,
  MonitoringOptions,
  PrometheusRuleOptions,
  ServiceMonitorOptions,
  SidecarOptions,
} from './monitoring/monitoring-options';
export type { NtfyOptions } from './monitoring/ntfy';
export { prometheusRules, type PrometheusRuleGroups } from './monitoring/prometheus-rules';
export * as names from './names';
export { PropsError, type Problem } from './problems';
export { RecurringJob } from './recurring-job';
export type {
  PvcReference,
  RecurringJobOptions,
  RecurringJobProps,
  RecurringJobTask,
} from './recurring-job-options';
export { GatewaySecret, LonghornSecret, type GatewaySecretProps, type LonghornSecretProps } from './secrets';
export { readSecretsFile } from './settings/secrets-file';
export { readSettings, type ReadSettings } from './settings/read-settings';
export type { Settings, TargetSettings } from './settings/settings';
export { synthesize, type SynthesizeOptions } from './synthesize';
export { TargetSecrets, type TargetSecretsProps } from './target-secrets';
export type { VerifyOptions } from './verify-job';
export { upcomingRuns } from './upcoming-runs';
export { VolumeLabels, type LabelledJob, type VolumeLabelsProps } from './volume-labels';
