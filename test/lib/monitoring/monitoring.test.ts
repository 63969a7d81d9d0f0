import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Chart } from 'cdk8s';
import { parse } from 'yaml';
import { LonghornBackup, type LonghornBackupProps } from '../../../lib/longhorn-backup';
import type { MonitoringOptions } from '../../../lib/monitoring/monitoring-options';
import { ofKind, problemsIn, synthesized, type Manifest } from '../../support/synthesis';
import { interpolate } from '../../support/grafana-webhook';

const props: LonghornBackupProps = {
  image: 'registry.example/longhaul:1.2.3',
  recurringJobs: [{ name: 'daily', cron: '0 2 * * *', pvcs: [{ namespace: 'app', name: 'data' }] }],
  targets: [{}, { name: 'nas', bucket: 'nas-backups', pollInterval: '2h' }],
};
const stack = (monitoring: MonitoringOptions): Manifest[] =>
  synthesized((chart) => new LonghornBackup(chart, 'backup', { ...props, monitoring }));

interface GrafanaRule {
  readonly uid: string;
  readonly title: string;
  readonly condition: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: readonly {
    readonly refId: string;
    readonly datasourceUid: string;
    readonly model: { readonly expr?: string };
  }[];
  readonly notification_settings?: { readonly receiver: string };
}

function grafanaFile(manifests: readonly Manifest[]) {
  const { data } = ofKind<{ data: Record<string, string> }>(manifests, 'ConfigMap');
  return parse(data['longhaul.yaml'] ?? '') as {
    groups: { rules: GrafanaRule[] }[];
    contactPoints?: { name: string }[];
  };
}

describe('monitoring', () => {
  it('adds nothing that was not asked for', () => {
    const without = synthesized((chart) => new LonghornBackup(chart, 'backup', props));
    expect(stack({})).toEqual(without);
  });

  it('scrapes every gateway under its name, and Longhorn', () => {
    const monitors = stack({ serviceMonitor: { labels: { release: 'prometheus' } } }).filter(
      ({ kind }) => kind === 'ServiceMonitor',
    );
    expect(monitors).toMatchObject([
      {
        metadata: { name: 'longhaul', namespace: 'longhorn-system', labels: { release: 'prometheus' } },
        spec: {
          jobLabel: 'app',
          selector: { matchLabels: { 'app.kubernetes.io/part-of': 'longhaul' } },
          endpoints: [{ port: 'metrics', path: '/metrics', interval: '30s' }],
        },
      },
      {
        metadata: { name: 'longhaul-longhorn-manager' },
        spec: { selector: { matchLabels: { app: 'longhorn-manager' } } },
      },
    ]);
    const services = stack({}).filter(({ kind }) => kind === 'Service');
    for (const service of services) {
      expect(service.metadata.labels).toMatchObject({
        'app.kubernetes.io/part-of': 'longhaul',
        app: service.metadata.name,
      });
      expect(service.spec).toMatchObject({ ports: [{ name: 's3-api' }, { name: 'metrics', port: 9464 }] });
    }
  });

  it("leaves Longhorn to Longhorn's own chart, if told so", () => {
    const monitors = stack({ serviceMonitor: { longhorn: false } }).filter(
      ({ kind }) => kind === 'ServiceMonitor',
    );
    expect(monitors).toHaveLength(1);
  });

  it('has rules for each gateway, patient with a Longhorn that polls seldom', () => {
    const { spec } = ofKind<{
      spec: { groups: { rules: { alert: string; expr: string; labels: Record<string, string> }[] }[] };
    }>(stack({ prometheusRule: {} }), 'PrometheusRule');
    const rules = spec.groups.flatMap((group) => group.rules);
    const gateways = (alert: string) =>
      rules.filter((rule) => rule.alert === alert).map(({ labels }) => labels['gateway']);
    expect(gateways('LonghaulGatewayDown')).toEqual(['s3-to-ftp', 's3-to-ftp-nas']);
    const silence = rules
      .filter(({ alert }) => alert === 'LonghaulLonghornSilent')
      .map(({ expr }) => expr.slice(-7));
    expect(silence).toEqual([' > 3600', '> 21600']);
    expect(rules.map(({ alert }) => alert)).toContain('LonghaulBackupOldDaily');
  });

  it('puts the dashboard where the sidecar of Grafana looks', () => {
    const { metadata, data } = ofKind<{ data: Record<string, string> }>(
      stack({ dashboard: { namespace: 'monitoring' } }),
      'ConfigMap',
    );
    expect(metadata).toMatchObject({ namespace: 'monitoring', labels: { grafana_dashboard: '1' } });
    const dashboard = JSON.parse(data['longhaul.json'] ?? '') as {
      panels: { gridPos: Record<'x' | 'y' | 'w' | 'h', number> }[];
    };
    expect(dashboard.panels.length).toBeGreaterThan(10);
    // No two panels lie on each other.
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
  });

  it('gives Grafana the same rules, each with a name and an id of its own', () => {
    const rules = grafanaFile(stack({ grafanaAlerts: { datasourceUid: 'prom' } })).groups.flatMap(
      (group) => group.rules,
    );
    const prometheus = ofKind<{ spec: { groups: { rules: { expr: string; annotations: object }[] }[] } }>(
      stack({ prometheusRule: {} }),
      'PrometheusRule',
    ).spec.groups.flatMap((group) => group.rules);
    expect(rules.map(({ data }) => interpolate(data[0]?.model.expr ?? ''))).toEqual(
      prometheus.map(({ expr }) => `(${expr}) ^ 0`),
    );
    expect(
      rules.map(({ annotations }) =>
        Object.fromEntries(Object.entries(annotations).map(([key, text]) => [key, interpolate(text)])),
      ),
    ).toEqual(prometheus.map(({ annotations }) => annotations));
    for (const pick of ['uid', 'title'] as const)
      expect(new Set(rules.map((rule) => rule[pick])).size).toBe(rules.length);
    // Grafana takes no longer one.
    for (const { uid } of rules) expect(uid).toMatch(/^[-\w]{1,40}$/);
    for (const { data, condition } of rules) {
      expect(data.map(({ refId, datasourceUid }) => [refId, datasourceUid])).toEqual([
        ['query', 'prom'],
        ['fires', '__expr__'],
      ]);
      expect(condition).toBe('fires');
    }
  });

  it('sends each rule to the contact point of its severity, where there is ntfy', () => {
    const { groups, contactPoints } = grafanaFile(stack({ grafanaAlerts: { ntfy: { topic: 'backups' } } }));
    const points = contactPoints?.map(({ name }) => name);
    expect(points).toEqual(['longhaul-ntfy-critical', 'longhaul-ntfy-warning']);
    for (const { notification_settings } of groups.flatMap((group) => group.rules))
      expect(points).toContain(notification_settings?.receiver);
    const without = grafanaFile(stack({ grafanaAlerts: {} }));
    expect(without).not.toHaveProperty('contactPoints');
    expect(JSON.stringify(without)).not.toContain('notification_settings');
  });

  it('says what is wrong with its props, and shows no token', () => {
    const monitoring = {
      grafanaAlerts: {
        grafanaUrl: 'grafana',
        ntfy: { topic: 'a b', server: 'ntfy.sh', tokenVariable: 'tk_secret' },
      },
    };
    const problems = problemsIn((chart) => new LonghornBackup(chart, 'backup', { ...props, monitoring }));
    expect(problems).toEqual([
      expect.stringContaining('grafanaAlerts.grafanaUrl "grafana": expected a URL such as'),
      expect.stringContaining('grafanaAlerts.ntfy.topic "a b": expected 1 to 64 letters'),
      expect.stringContaining('grafanaAlerts.ntfy.server "ntfy.sh": expected a URL such as'),
      expect.stringContaining(
        'grafanaAlerts.ntfy.tokenVariable: expected the name of an environment variable',
      ),
    ]);
    expect(problems.join()).not.toContain('tk_secret');
  });

  it('writes files for clusters without operator and sidecar', () => {
    const directory = mkdtempSync(join(tmpdir(), 'longhaul-monitoring-'));
    try {
      const { monitoring } = new LonghornBackup(new Chart(new App(), 'chart'), 'backup', {
        ...props,
        monitoring: { grafanaAlerts: {} },
      });
      monitoring?.writeFiles(join(directory, 'monitoring'));
      const names = readdirSync(join(directory, 'monitoring'));
      expect(names.sort()).toEqual([
        'grafana-alerting.yaml',
        'grafana-dashboard.json',
        'prometheus-rules.yaml',
        'prometheus-scrape.yaml',
      ]);
      for (const name of names)
        expect(() => void parse(readFileSync(join(directory, 'monitoring', name), 'utf8'))).not.toThrow();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
