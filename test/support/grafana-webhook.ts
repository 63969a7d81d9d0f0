/**
 * What Grafana does with a provisioned contact point: reads the file, and sends the webhook that its documentation describes
 * (https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/).
 */
import type { AlertRule } from '../../lib/monitoring/alert-rule';

export interface ProvisionedWebhook {
  readonly url: string;
  readonly httpMethod: string;
  readonly maxAlerts: string;
  readonly authorization_scheme?: string;
  readonly authorization_credentials?: string;
}

/** A text of a provisioning file as Grafana takes it: variables of the environment for `$NAME` and `${NAME}`, a dollar sign for two. */
export function interpolate(text: string, env: Readonly<Record<string, string>> = {}): string {
  return text
    .split('$$')
    .map((part) =>
      part.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string, bare: string) => env[braced ?? bare] ?? ''),
    )
    .join('$');
}

/** The body, in the fields of version 1 of Grafana's contract, for a rule that fires or is over with each of these sets of labels. */
export function webhookBody(
  rule: AlertRule,
  status: 'firing' | 'resolved',
  series: readonly Readonly<Record<string, string>>[],
  maxAlerts: number,
): object {
  const alerts = series.map((labels) => ({
    status,
    labels: {
      alertname: rule.name,
      grafana_folder: 'Longhaul',
      severity: rule.severity,
      ...rule.labels,
      ...labels,
    },
    annotations: {
      summary: withLabels(rule.summary, labels),
      description: withLabels(rule.description, labels),
      runbook: withLabels(rule.runbook, labels),
    },
    startsAt: '2026-05-18T06:30:00Z',
    endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : '2026-05-18T07:30:00Z',
    generatorURL: 'https://grafana.example/alerting/grafana/longhaul-0123456789/view?orgId=1',
    fingerprint: 'c6eadffa33fcdf37',
    silenceURL: 'https://grafana.example/alerting/silence/new?alertmanager=grafana',
    dashboardURL: '',
    panelURL: '',
    values: { fires: 1, query: 1 },
  }));
  const groupLabels = { alertname: rule.name, grafana_folder: 'Longhaul' };
  return {
    receiver: `longhaul-ntfy-${rule.severity}`,
    status,
    orgId: 1,
    alerts: alerts.slice(0, maxAlerts),
    groupLabels,
    commonLabels: groupLabels,
    commonAnnotations: {},
    externalURL: 'https://grafana.example/',
    version: '1',
    groupKey: `{}:{alertname="${rule.name}"}`,
    truncatedAlerts: Math.max(0, alerts.length - maxAlerts),
    title: `[${status.toUpperCase()}:${alerts.length}] ${rule.name}`,
    state: status === 'firing' ? 'alerting' : 'ok',
    message: 'not used',
  };
}

function withLabels(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '[no value]');
}
