/** A Grafana dashboard: volumes and their backups first, then the gateway, then the FTP account. A list of panels. */

interface Query {
  readonly expr: string;
  readonly legend?: string;
}

interface Panel {
  readonly title: string;
  readonly type: 'stat' | 'timeseries' | 'table';
  /** Of 24. */
  readonly width: number;
  readonly height: number;
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly description?: string;
  /** Colour of a value from its number on, the lowest first. */
  readonly steps?: readonly { readonly color: string; readonly value: number | null }[];
}

const DAY = 86_400;
const AGE_STEPS = [
  { color: 'green', value: null },
  { color: 'orange', value: 2 * DAY },
  { color: 'red', value: 8 * DAY },
];
const GOOD_AT_ONE = [
  { color: 'red', value: null },
  { color: 'green', value: 1 },
];
const BAD_FROM_ONE = [
  { color: 'green', value: null },
  { color: 'red', value: 1 },
];
const BY_VOLUME = 'max by (volume)';

const PANELS: readonly Panel[] = [
  {
    title: 'Gateways that serve',
    type: 'stat',
    width: 4,
    height: 4,
    unit: 'none',
    steps: GOOD_AT_ONE,
    queries: [{ expr: 'sum(longhaul_serving)' }],
  },
  {
    ...{ title: 'Oldest last backup', type: 'stat', width: 5, height: 4, unit: 's', steps: AGE_STEPS },
    description: 'The age of the last backup, of the volume that has waited longest.',
    queries: [{ expr: 'max(time() - max by (volume) (longhaul_volume_last_backup_timestamp_seconds))' }],
  },
  {
    title: 'Backups running',
    type: 'stat',
    width: 3,
    height: 4,
    unit: 'none',
    queries: [{ expr: 'sum(max by (volume) (longhaul_volume_backup_running))' }],
  },
  {
    title: 'Longhorn last seen',
    type: 'stat',
    width: 4,
    height: 4,
    unit: 's',
    queries: [{ expr: 'time() - max(longhaul_longhorn_last_request_timestamp_seconds)' }],
  },
  {
    title: 'FTP server last answered',
    type: 'stat',
    width: 4,
    height: 4,
    unit: 's',
    queries: [{ expr: 'time() - max(longhaul_ftp_last_reply_timestamp_seconds)' }],
  },
  {
    title: 'Deletes refused today',
    type: 'stat',
    width: 4,
    height: 4,
    unit: 'none',
    steps: BAD_FROM_ONE,
    queries: [{ expr: 'sum(increase(longhaul_guard_objections_total[1d]))' }],
  },
  {
    ...{ title: 'Age of the last backup', type: 'timeseries', width: 12, height: 8, unit: 's' },
    queries: [
      { expr: `time() - ${BY_VOLUME} (longhaul_volume_last_backup_timestamp_seconds)`, legend: '{{volume}}' },
    ],
  },
  {
    ...{ title: 'Uploaded for the last backup', type: 'timeseries', width: 12, height: 8, unit: 'bytes' },
    queries: [{ expr: `${BY_VOLUME} (longhaul_volume_last_backup_received_bytes)`, legend: '{{volume}}' }],
  },
  {
    ...{ title: 'Backups stored', type: 'timeseries', width: 12, height: 8, unit: 'none' },
    queries: [{ expr: `${BY_VOLUME} (longhaul_volume_backups)`, legend: '{{volume}}' }],
  },
  {
    ...{
      title: 'Backups that failed or are stuck, as Longhorn has it',
      type: 'timeseries',
      width: 12,
      height: 8,
      unit: 'none',
    },
    description: 'Backups in Longhorn by state: 1 pending, 2 in progress, 4 error, 5 unknown.',
    queries: [
      {
        expr: 'count_values("state", max by (volume, backup) (longhorn_backup_state) != 3)',
        legend: 'state {{state}}',
      },
    ],
  },
  {
    ...{ title: 'S3 requests', type: 'timeseries', width: 12, height: 8, unit: 'reqps' },
    queries: [
      {
        expr: 'sum by (operation, code) (rate(longhaul_s3_requests_total[$__rate_interval]))',
        legend: '{{operation}} {{code}}',
      },
    ],
  },
  {
    ...{ title: 'S3 requests, slowest 5 %', type: 'timeseries', width: 12, height: 8, unit: 's' },
    queries: [
      {
        expr: 'histogram_quantile(0.95, sum by (operation, le) (rate(longhaul_s3_request_duration_seconds_bucket[$__rate_interval])))',
        legend: '{{operation}}',
      },
    ],
  },
  {
    ...{ title: 'Bytes', type: 'timeseries', width: 12, height: 8, unit: 'Bps' },
    queries: [
      { expr: 'sum(rate(longhaul_s3_received_bytes_total[$__rate_interval]))', legend: 'from Longhorn' },
      { expr: 'sum(rate(longhaul_ftp_sent_bytes_total[$__rate_interval]))', legend: 'to the FTP server' },
      {
        expr: 'sum(rate(longhaul_ftp_received_bytes_total[$__rate_interval]))',
        legend: 'from the FTP server',
      },
      { expr: 'sum(rate(longhaul_s3_sent_bytes_total[$__rate_interval]))', legend: 'to Longhorn' },
    ],
  },
  {
    ...{ title: 'FTP connections', type: 'timeseries', width: 12, height: 8, unit: 'none' },
    queries: [
      { expr: 'sum by (state) (longhaul_ftp_connections)', legend: '{{state}}' },
      { expr: 'sum(longhaul_ftp_connection_limit)', legend: 'limit' },
      { expr: 'sum(longhaul_ftp_waiting_operations)', legend: 'waiting operations' },
    ],
  },
  {
    ...{ title: 'FTP troubles', type: 'timeseries', width: 12, height: 8, unit: 'none' },
    queries: [
      {
        expr: 'sum by (outcome) (increase(longhaul_ftp_outcomes_total{outcome=~"transient|full|denied|connection-failed"}[$__rate_interval]))',
        legend: '{{outcome}}',
      },
      { expr: 'sum(increase(longhaul_ftp_retries_total[$__rate_interval]))', legend: 'retries' },
      { expr: 'sum(increase(longhaul_ftp_resumes_total[$__rate_interval]))', legend: 'resumes' },
      { expr: 'sum(increase(longhaul_ftp_failed_logins_total[$__rate_interval]))', legend: 'failed logins' },
    ],
  },
  {
    ...{
      title: 'Listings that could not be believed, and changes behind the gateway',
      type: 'timeseries',
      width: 12,
      height: 8,
      unit: 'none',
    },
    queries: [
      {
        expr: 'sum(increase(longhaul_catalog_contradictions_total[$__rate_interval]))',
        legend: 'contradictions',
      },
      {
        expr: 'sum(increase(longhaul_catalog_foreign_changes_total[$__rate_interval]))',
        legend: 'foreign changes',
      },
      {
        expr: 'sum(increase(longhaul_catalog_unreadable_files_total[$__rate_interval]))',
        legend: 'unreadable files',
      },
    ],
  },
  {
    title: 'Damaged backups',
    type: 'stat',
    width: 6,
    height: 4,
    unit: 'none',
    steps: BAD_FROM_ONE,
    description: 'As the last verification of each location found them.',
    queries: [
      {
        expr: 'sum(max by (job, location, volume) (longhaul_verification_backups{verdict="damaged"}) + on (job, location, volume) max by (job, location, volume) (longhaul_verification_problems))',
      },
    ],
  },
  {
    title: 'Last verification without a fault',
    type: 'stat',
    width: 6,
    height: 4,
    unit: 's',
    steps: AGE_STEPS,
    queries: [
      { expr: 'time() - min(max by (job, location) (longhaul_verification_last_success_timestamp_seconds))' },
    ],
  },
  {
    ...{ title: 'All blocks read within', type: 'stat', width: 6, height: 4, unit: 's' },
    description: 'Every block that was stored so long ago has been read and checked since.',
    queries: [
      { expr: 'time() - min(max by (job, location) (longhaul_verification_coverage_timestamp_seconds))' },
    ],
  },
  {
    ...{ title: 'Age of the last checkpoint', type: 'stat', width: 6, height: 4, unit: 's' },
    description: "The copy of the gateway's catalog on the FTP server.",
    queries: [{ expr: 'time() - max(longhaul_checkpoint_timestamp_seconds > 0)' }],
  },
  {
    ...{ title: 'Backups by verdict', type: 'timeseries', width: 12, height: 8, unit: 'none' },
    queries: [
      {
        expr: 'sum by (location, verdict) (max by (job, location, volume, verdict) (longhaul_verification_backups))',
        legend: '{{location}}: {{verdict}}',
      },
    ],
  },
  {
    ...{ title: 'Left to seal anew by a rotation of keys', type: 'timeseries', width: 12, height: 8 },
    unit: 'bytes',
    queries: [{ expr: 'max by (job) (longhaul_key_rotation_left_bytes)', legend: '{{job}}' }],
  },
  {
    ...{ title: 'Trash', type: 'timeseries', width: 12, height: 8, unit: 'bytes' },
    queries: [{ expr: 'sum(longhaul_trash_stored_bytes)', legend: 'in the trash' }],
  },
  {
    ...{
      title: 'Space left, where the FTP server tells',
      type: 'timeseries',
      width: 12,
      height: 8,
      unit: 'bytes',
    },
    queries: [{ expr: 'min by (job) (longhaul_ftp_available_bytes)', legend: '{{job}}' }],
  },
];

/** As Grafana imports it. */
export function grafanaDashboard(): object {
  let [x, y, rowHeight] = [0, 0, 0];
  const panels = PANELS.map((panel, index) => {
    if (x + panel.width > 24) [x, y, rowHeight] = [0, y + rowHeight, 0];
    const gridPos = { x, y, w: panel.width, h: panel.height };
    x += panel.width;
    rowHeight = Math.max(rowHeight, panel.height);
    return panelJson(panel, index + 1, gridPos);
  });
  return {
    uid: 'longhaul',
    title: 'Longhaul',
    tags: ['backup', 'longhorn'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-7d', to: 'now' },
    refresh: '1m',
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' }],
    },
    panels,
  };
}

/** What the panels ask for. */
export function dashboardQueries(): string[] {
  return PANELS.flatMap(({ queries }) => queries.map(({ expr }) => expr));
}

function panelJson(panel: Panel, id: number, gridPos: object): object {
  const { title, type, unit, queries, description, steps } = panel;
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  return {
    id,
    title,
    type,
    gridPos,
    datasource,
    ...(description !== undefined && { description }),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      ...(legend !== undefined && { legendFormat: legend }),
      ...(type === 'stat' && { instant: true, range: false }),
    })),
    fieldConfig: {
      defaults: { unit, min: 0, ...(steps && { thresholds: { mode: 'absolute', steps } }) },
      overrides: [],
    },
  };
}
