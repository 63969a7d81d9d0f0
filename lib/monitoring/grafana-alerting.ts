/** Alert rules that Grafana itself evaluates, and where their messages go: as Grafana's provisioning files have it. */
import { createHash } from 'node:crypto';
import { promDuration, type AlertRule, type Severity } from './alert-rule';
import { MOST_ALERTS_IN_MESSAGE, ntfyUrl, type NtfyOptions } from './ntfy';

export interface GrafanaAlertingProps {
  readonly rules: readonly AlertRule[];
  /** UID of the Prometheus data source. */
  readonly datasourceUid: string;
  /** Folder for the rules; made if missing. */
  readonly folder: string;
  /** @default - no contact point and no policy: messages go where all others go */
  readonly ntfy?: NtfyOptions;
  /** Where people reach Grafana. @default - messages carry the links that Grafana makes, and no other */
  readonly grafanaUrl?: string;
}

const EVALUATION_INTERVAL = '1m';
/** A query over that much suffices: the expressions look back by themselves. */
const QUERY_SECONDS = 600;
const SEVERITIES: readonly Severity[] = ['critical', 'warning'];

/** Of a provisioning file, in which a dollar sign stands for an environment variable, and two for itself. */
export function grafanaAlerting(props: GrafanaAlertingProps): object {
  const { rules, datasourceUid, folder, ntfy } = props;
  const file = {
    apiVersion: 1,
    groups: [
      {
        orgId: 1,
        name: 'longhaul',
        folder,
        interval: EVALUATION_INTERVAL,
        rules: rules.map((rule) => grafanaRule(rule, datasourceUid, ntfy !== undefined)),
      },
    ],
  };
  return { ...(escapeDollars(file) as object), ...(ntfy && { contactPoints: contactPoints(props, ntfy) }) };
}

function grafanaRule(rule: AlertRule, datasourceUid: string, routed: boolean): object {
  const { name, expr, forSeconds, severity, labels = {}, summary, description, runbook } = rule;
  const title = labels['gateway'] === undefined ? name : `${name} ${labels['gateway']}`;
  const expression = { type: '__expr__', uid: '__expr__' };
  return {
    uid: `longhaul-${createHash('sha256').update(title).digest('hex').slice(0, 20)}`,
    title,
    condition: 'fires',
    data: [
      {
        refId: 'query',
        datasourceUid,
        relativeTimeRange: { from: QUERY_SECONDS, to: 0 },
        // A series fires for being there; to the power of 0 it has the value 1, whatever it had.
        model: { refId: 'query', expr: `(${expr}) ^ 0`, instant: true, range: false },
      },
      {
        refId: 'fires',
        datasourceUid: '__expr__',
        relativeTimeRange: { from: 0, to: 0 },
        model: {
          refId: 'fires',
          type: 'threshold',
          datasource: expression,
          expression: 'query',
          conditions: [{ evaluator: { type: 'gt', params: [0] } }],
        },
      },
    ],
    // No series means that nothing is wrong; what must be there has rules of its own.
    noDataState: 'OK',
    execErrState: 'Error',
    for: forSeconds === 0 ? '0s' : promDuration(forSeconds),
    labels: { severity, ...labels },
    annotations: { summary, description, runbook },
    ...(routed && {
      notification_settings: { receiver: receiverName(severity), group_by: ['grafana_folder', 'alertname'] },
    }),
  };
}

function contactPoints({ grafanaUrl }: GrafanaAlertingProps, ntfy: NtfyOptions): object[] {
  return SEVERITIES.map((severity) => ({
    orgId: 1,
    name: receiverName(severity),
    receivers: [
      {
        uid: receiverName(severity),
        type: 'webhook',
        settings: {
          url: escapeDollars(ntfyUrl(ntfy, severity, grafanaUrl)) as string,
          httpMethod: 'POST',
          maxAlerts: String(MOST_ALERTS_IN_MESSAGE),
          ...(ntfy.tokenVariable !== undefined && {
            authorization_scheme: 'Bearer',
            authorization_credentials: `\${${ntfy.tokenVariable}}`,
          }),
        },
      },
    ],
  }));
}

function receiverName(severity: Severity): string {
  return `longhaul-ntfy-${severity}`;
}

function escapeDollars(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (Array.isArray(value)) return value.map(escapeDollars);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escapeDollars(inner)]));
}
