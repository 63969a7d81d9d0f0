import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { stringify } from 'yaml';
import { watchApp } from '../app-rules';
import { METRICS_PATH, METRICS_PORT_NAME, PART_OF, PART_OF_LABEL } from '../names';
import { ownLabels } from '../own-labels';
import { accept, expect, inside, type Finding } from '../problems';
import type { AlertRule } from './alert-rule';
import { backupAlerts, type AlertedJob } from './backup-alerts';
import { grafanaDashboard } from './dashboard';
import { gatewayAlerts } from './gateway-alerts';
import { grafanaAlerting } from './grafana-alerting';
import type { MonitoringOptions } from './monitoring-options';
import { prometheusRules, scrapeConfig } from './prometheus-rules';
import { verificationAlerts, type ExpectedVerification } from './verification-alerts';

/** A gateway to watch. */
export interface WatchedGateway {
  /** Of its Service; its metrics have it as `job`. */
  readonly name: string;
  /** How often Longhorn polls its backup target, in seconds. @default 300 */
  readonly pollSeconds?: number | undefined;
  /** How its backups are verified. @default - not regularly */
  readonly verification?: ExpectedVerification | undefined;
}

/** The props of the monitoring. */
export interface MonitoringProps extends MonitoringOptions {
  /** The gateways to watch. */
  readonly gateways: readonly WatchedGateway[];
  /** The recurring jobs whose backups are watched. */
  readonly jobs: readonly AlertedJob[];
  /** Longhorn's. */
  readonly namespace: string;
  /** Version of Longhorn in the cluster: which metrics it has. @default - a current one */
  readonly longhornVersion?: string;
}

const NAME = 'longhaul';
const SCRAPE_INTERVAL = '30s';
const DEFAULT_FOLDER = 'Longhaul';

/** A file to import into a Prometheus or Grafana that no operator and no sidecar looks after. */
export interface MonitoringFile {
  /** Name of the file, with its extension. */
  readonly name: string;
  /** Its text. */
  readonly content: string;
}

/**
 * What watches the gateways and the backups: each part is left out unless it is asked for. ServiceMonitor and PrometheusRule need the Prometheus
 * operator; dashboard and Grafana's alerts need the sidecar of Grafana's Helm chart. `files` has the same for clusters without either.
 */
export class Monitoring extends Construct {
  /** Empty where the props have errors. */
  readonly rules: readonly AlertRule[] = [];
  /** The same for a Prometheus or Grafana that takes files. Empty where the props have errors. */
  readonly files: readonly MonitoringFile[] = [];

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    if (!accept(this, checkMonitoring(props))) return;
    watchApp(this);
    const { namespace, gateways, jobs, longhornVersion } = props;
    this.rules = [
      ...backupAlerts({ jobs, namespace, ...(longhornVersion !== undefined && { longhornVersion }) }),
      ...gateways.flatMap(({ name, pollSeconds, verification }) => [
        ...gatewayAlerts({ gateway: name, namespace, pollSeconds }),
        ...verificationAlerts({ gateway: name, namespace, expected: verification }),
      ]),
    ];
    this.files = [
      file('prometheus-scrape.yaml', scrapeConfig(namespace)),
      file('prometheus-rules.yaml', prometheusRules(this.rules)),
      { name: 'grafana-dashboard.json', content: `${JSON.stringify(grafanaDashboard(), undefined, 2)}\n` },
      ...(props.grafanaAlerts ? [file('grafana-alerting.yaml', this.grafanaAlerts(props))] : []),
    ];
    this.addOperatorObjects(props);
    this.addGrafanaObjects(props);
  }

  /** Into a directory that is made if missing, for whoever imports them by hand. */
  writeFiles(directory: string): void {
    mkdirSync(directory, { recursive: true });
    for (const { name, content } of this.files) writeFileSync(join(directory, name), content);
  }

  private addOperatorObjects({ namespace, serviceMonitor, prometheusRule }: MonitoringProps): void {
    if (serviceMonitor) {
      this.serviceMonitor(NAME, namespace, serviceMonitor.labels, {
        jobLabel: 'app',
        selector: { matchLabels: { [PART_OF_LABEL]: PART_OF } },
        endpoints: [{ port: METRICS_PORT_NAME, path: METRICS_PATH, interval: SCRAPE_INTERVAL }],
      });
    }
    if (serviceMonitor && serviceMonitor.longhorn !== false) {
      this.serviceMonitor(`${NAME}-longhorn-manager`, namespace, serviceMonitor.labels, {
        selector: { matchLabels: { app: 'longhorn-manager' } },
        endpoints: [{ port: 'manager', path: '/metrics', interval: SCRAPE_INTERVAL }],
      });
    }
    if (prometheusRule) {
      new ApiObject(this, 'PrometheusRule', {
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: { name: NAME, namespace, labels: { ...ownLabels(), ...prometheusRule.labels } },
        spec: prometheusRules(this.rules),
      });
    }
  }

  private serviceMonitor(name: string, namespace: string, labels: Labels, spec: object): void {
    new ApiObject(this, `ServiceMonitor-${name}`, {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: { name, namespace, labels: { ...ownLabels(), ...labels } },
      spec,
    });
  }

  private addGrafanaObjects(props: MonitoringProps): void {
    const { namespace, dashboard, grafanaAlerts } = props;
    if (dashboard) {
      new k8s.KubeConfigMap(this, 'Dashboard', {
        metadata: {
          name: `${NAME}-dashboard`,
          namespace: dashboard.namespace ?? namespace,
          labels: { ...ownLabels(), ...(dashboard.labels ?? { grafana_dashboard: '1' }) },
        },
        data: { 'longhaul.json': JSON.stringify(grafanaDashboard()) },
      });
    }
    if (grafanaAlerts) {
      new k8s.KubeConfigMap(this, 'GrafanaAlerts', {
        metadata: {
          name: `${NAME}-alerts`,
          namespace: grafanaAlerts.namespace ?? namespace,
          labels: { ...ownLabels(), ...(grafanaAlerts.labels ?? { grafana_alert: '1' }) },
        },
        data: { 'longhaul.yaml': stringify(this.grafanaAlerts(props), { lineWidth: 0 }) },
      });
    }
  }

  private grafanaAlerts({ grafanaAlerts }: MonitoringProps): object {
    const { datasourceUid = 'prometheus', folder = DEFAULT_FOLDER, ntfy, grafanaUrl } = grafanaAlerts ?? {};
    return grafanaAlerting({
      rules: this.rules,
      datasourceUid,
      folder,
      ...(ntfy && { ntfy }),
      ...(grafanaUrl !== undefined && { grafanaUrl }),
    });
  }
}

type Labels = Readonly<Record<string, string>> | undefined;

function file(name: string, content: object): MonitoringFile {
  return { name, content: stringify(content, { lineWidth: 0 }) };
}

function checkMonitoring({ grafanaAlerts }: MonitoringProps): Finding[] {
  const { ntfy, grafanaUrl } = grafanaAlerts ?? {};
  const found = expect(
    grafanaUrl === undefined || isHttpUrl(grafanaUrl),
    'grafanaUrl',
    grafanaUrl,
    'expected a URL such as https://grafana.example',
  );
  if (ntfy)
    found.push(
      ...inside('ntfy', [
        ...expect(
          /^[-_A-Za-z0-9]{1,64}$/.test(ntfy.topic),
          'topic',
          ntfy.topic,
          'expected 1 to 64 letters, digits, hyphens or underscores',
        ),
        ...expect(
          ntfy.server === undefined || isHttpUrl(ntfy.server),
          'server',
          ntfy.server,
          'expected a URL such as https://ntfy.sh',
        ),
        ...expect(
          ntfy.tokenVariable === undefined || /^[A-Z_][A-Z0-9_]*$/.test(ntfy.tokenVariable),
          'tokenVariable',
          undefined,
          'expected the name of an environment variable of Grafana, such as NTFY_TOKEN; the token itself belongs into a Secret',
        ),
      ]),
    );
  return inside('grafanaAlerts', found);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
