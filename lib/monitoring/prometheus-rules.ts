/** Alert rules as Prometheus takes them: in a file, or in a PrometheusRule of the operator. */
import { promDuration, type AlertRule } from './alert-rule';

/** The content of a rule file, and of a PrometheusRule's `spec`. */
export interface PrometheusRuleGroups {
  /** One, named `longhaul`. */
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly object[];
  }[];
}

/** One group with all the rules. */
export function prometheusRules(rules: readonly AlertRule[]): PrometheusRuleGroups {
  return { groups: [{ name: 'longhaul', rules: rules.map(prometheusRule) }] };
}

function prometheusRule(rule: AlertRule): object {
  const { name, expr, forSeconds, severity, labels = {}, summary, description, runbook } = rule;
  return {
    alert: name,
    expr,
    ...(forSeconds > 0 && { for: promDuration(forSeconds) }),
    labels: { severity, ...labels },
    annotations: { summary, description, runbook },
  };
}

/** A scrape job for a Prometheus without operator: pods that carry the `prometheus.io` annotations of the gateway, under the gateway's name. */
export function scrapeConfig(namespace: string): object {
  const meta = '__meta_kubernetes_pod';
  return {
    scrape_configs: [
      {
        job_name: 'longhaul',
        kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: [namespace] } }],
        relabel_configs: [
          { source_labels: [`${meta}_label_app_kubernetes_io_part_of`], regex: 'longhaul', action: 'keep' },
          { source_labels: [`${meta}_container_port_name`], regex: 'metrics', action: 'keep' },
          { source_labels: [`${meta}_label_app`], target_label: 'job' },
          { source_labels: [`${meta}_name`], target_label: 'pod' },
        ],
      },
      {
        job_name: 'longhorn-manager',
        kubernetes_sd_configs: [{ role: 'pod', namespaces: { names: [namespace] } }],
        relabel_configs: [
          { source_labels: [`${meta}_label_app`], regex: 'longhorn-manager', action: 'keep' },
          { source_labels: [`${meta}_container_port_name`], regex: 'manager', action: 'keep' },
        ],
      },
    ],
  };
}
