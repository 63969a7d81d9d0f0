/** The props of the monitoring. */
import type { NtfyOptions } from './ntfy';

/** Labels that the Prometheus operator selects objects by, such as `release: kube-prometheus-stack`. */
type Labels = Readonly<Record<string, string>>;

/** Options of the ServiceMonitors. */
export interface ServiceMonitorOptions {
  /** @default - none */
  readonly labels?: Labels;
  /** Whether longhorn-manager is scraped as well. False if Longhorn's own chart does that. @default true */
  readonly longhorn?: boolean;
}

/** Options of the PrometheusRule. */
export interface PrometheusRuleOptions {
  /** @default - none */
  readonly labels?: Labels;
}

/** A ConfigMap that the sidecar of Grafana's chart looks for. */
export interface SidecarOptions {
  /** That the sidecar of Grafana's chart looks for. @default - `grafana_dashboard: "1"`, for alerts `grafana_alert: "1"` */
  readonly labels?: Labels;
  /** Where the sidecar looks. @default - Longhorn's */
  readonly namespace?: string;
}

/** Alert rules that Grafana evaluates itself. */
export interface GrafanaAlertOptions extends SidecarOptions {
  /** UID of Grafana's Prometheus data source. @default 'prometheus' */
  readonly datasourceUid?: string;
  /** Folder of the rules; made if missing. @default 'Longhaul' */
  readonly folder?: string;
  /** Messages to phones and browsers. @default - messages go where all others of Grafana go */
  readonly ntfy?: NtfyOptions;
  /** Where people reach Grafana; a tap on a message opens it. @default - none */
  readonly grafanaUrl?: string;
}

/** Each part is left out unless it is given; `{}` takes it as it is. */
export interface MonitoringOptions {
  /** For the Prometheus operator: scrapes gateways and longhorn-manager. @default - none */
  readonly serviceMonitor?: ServiceMonitorOptions;
  /** For the Prometheus operator: the alert rules. @default - none */
  readonly prometheusRule?: PrometheusRuleOptions;
  /** For Grafana's sidecar: the dashboard. @default - none */
  readonly dashboard?: SidecarOptions;
  /** For Grafana's sidecar: the same alert rules for Grafana itself to evaluate, and ntfy. Instead of `prometheusRule`, not beside it. @default - none */
  readonly grafanaAlerts?: GrafanaAlertOptions;
}
