import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCron } from '../../../lib/cron';
import { backupAlerts } from '../../../lib/monitoring/backup-alerts';
import { dashboardQueries } from '../../../lib/monitoring/dashboard';
import { gatewayAlerts } from '../../../lib/monitoring/gateway-alerts';
import { verificationAlerts } from '../../../lib/monitoring/verification-alerts';
import { prometheusRules } from '../../../lib/monitoring/prometheus-rules';
import { EmbeddedFtpServer } from '../../support/embedded-ftp-server';
import { GatewayProcess } from '../../support/gateway-process';
import { createBackup } from '../../support/longhorn/backup';
import { changeSample, sampleVolume } from '../../support/longhorn/sample-volume';
import { LonghaulCli } from '../../support/longhaul-cli';
import { hasPrometheus, Prometheus, promtool } from '../../support/prometheus';
import { Longhorn } from '../../e2e/longhorn';

const VOLUME = 'pvc-of-a-test';
const QUOTA = 1024 ** 3;
const namespace = 'longhorn-system';
const JOB = { name: 'daily', schedule: parseCron('@daily'), pvcs: [{ namespace: 'app', name: 'data' }] };
const RULES = [
  ...backupAlerts({ jobs: [JOB], namespace }),
  ...gatewayAlerts({ gateway: 's3-to-ftp', namespace }),
  ...verificationAlerts({
    ...{ gateway: 's3-to-ftp', namespace },
    expected: { name: 'longhaul-verify', schedule: parseCron('@daily'), share: '1/30' },
  }),
];
const KEY = 'a5'.repeat(32);
/** Stored and verified before the gateway was started. */
const OLDER = 'pvc-with-an-older-backup';

interface EvaluatedRule {
  readonly name: string;
  readonly health: string;
  readonly state: string;
}

/** The samples by name and labels, as they stand in the text format. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('what the gateway tells Prometheus', () => {
  const directory = mkdtempSync(join(tmpdir(), 'longhaul-exposition-'));
  let ftp: EmbeddedFtpServer;
  let gateway: GatewayProcess;
  let text = '';
  let samples: Map<string, number>;
  const startedAt = Date.now() / 1000;
  const uploaded: number[] = [];
  let storedBefore = 0;

  beforeAll(async () => {
    ftp = await EmbeddedFtpServer.start({ tls: 'explicit', quotaBytes: QUOTA });
    gateway = await GatewayProcess.start({ ftp, encryptionKey: KEY });
    await gateway.ready();
    const before = new Longhorn(gateway);
    const older = sampleVolume(OLDER, 64 * 1024);
    const snapshot = older.snapshot('backup-0', Date.now());
    await createBackup(before, { volume: older, snapshot, backupName: 'backup-0' });
    before.close();
    await gateway.stop();
    await verifyAndRecord();
    storedBefore = ftp.count('STOR');
    gateway = await GatewayProcess.start({ ftp, encryptionKey: KEY });
    await gateway.ready();
    const longhorn = new Longhorn(gateway);
    const volume = sampleVolume(VOLUME, 64 * 1024);
    for (const name of ['backup-1', 'backup-2']) {
      const snapshot = volume.snapshot(name, Date.now());
      uploaded.push(
        (await createBackup(longhorn, { volume, snapshot, backupName: name })).newlyUploadedBytes,
      );
      changeSample(volume);
    }
    longhorn.close();
    await fetch(`${gateway.endpoint}/longhorn/some-key`);
    text = await (await fetch(metricsUrl())).text();
    samples = samplesOf(text);
  });

  afterAll(async () => {
    await gateway?.stop();
    await ftp?.stop();
    rmSync(directory, { recursive: true });
  });

  async function verifyAndRecord(): Promise<void> {
    const cli = LonghaulCli.start('/nonexistent');
    const { host, port, user, password, ca = '' } = ftp;
    const caFile = join(directory, 'ca.pem');
    writeFileSync(caFile, ca);
    const env = {
      ...{ FTP_HOST: host, FTP_PORT: String(port), FTP_USER: user, FTP_PASSWORD: password },
      ...{ FTP_CA_FILE: caFile, ENCRYPTION_KEY: KEY, S3_BUCKET: 'longhorn' },
    };
    expect(await cli.run(['verify'], { env })).toMatchObject({ code: 0 });
    await cli.stop();
  }

  const writeRules = (): string => {
    const path = join(directory, 'rules.json');
    writeFileSync(path, JSON.stringify(prometheusRules(RULES)));
    return path;
  };
  const metricsUrl = (): string => `http://127.0.0.1:${gateway.metricsPort}/metrics`;
  const sample = (name: string): number => samples.get(name) ?? NaN;

  it('counts requests by operation and status, those that were refused too', () => {
    expect(sample('longhaul_s3_requests_total{operation="PutObject",code="200"}')).toBeGreaterThan(27);
    expect(sample('longhaul_s3_requests_total{operation="Unknown",code="403"}')).toBe(1);
    expect(sample('longhaul_s3_request_duration_seconds_count{operation="PutObject"}')).toBe(
      sample('longhaul_s3_requests_total{operation="PutObject",code="200"}'),
    );
  });

  it('tells what each backup of a volume had uploaded, to the byte', () => {
    const labels = `{volume="${VOLUME}"}`;
    expect(sample(`longhaul_volume_received_bytes_total${labels}`)).toBe(
      (uploaded[0] ?? 0) + (uploaded[1] ?? 0),
    );
    expect(sample(`longhaul_volume_last_backup_received_bytes${labels}`)).toBe(uploaded[1]);
    expect(sample(`longhaul_volume_backups${labels}`)).toBe(2);
    expect(sample(`longhaul_volume_backup_running${labels}`)).toBe(0);
    expect(sample(`longhaul_volume_last_backup_timestamp_seconds${labels}`)).toBeGreaterThanOrEqual(
      Math.floor(startedAt),
    );
  });

  it('tells what the last verification found, though it ran elsewhere', () => {
    const of = (name: string): number =>
      sample(`longhaul_verification_${name}{location="first",volume="${OLDER}"}`);
    expect(
      sample(`longhaul_verification_backups{location="first",volume="${OLDER}",verdict="restorable"}`),
    ).toBe(1);
    expect(
      sample(`longhaul_verification_backups{location="first",volume="${OLDER}",verdict="damaged"}`),
    ).toBe(0);
    expect(of('blocks')).toBeGreaterThan(20);
    expect(of('read_blocks')).toBe(of('blocks'));
    expect([of('problems'), of('damaged_blocks'), of('unknown_blocks')]).toEqual([0, 0, 0]);
    for (const name of ['last_run', 'last_success', 'coverage']) {
      const time = sample(`longhaul_verification_${name}_timestamp_seconds{location="first"}`);
      expect(time).toBeGreaterThan(startedAt);
      expect(time).toBeLessThan(Date.now() / 1000);
    }
  });

  it('tells when Longhorn and the FTP server were last heard', () => {
    for (const name of [
      'longhaul_longhorn_last_request_timestamp_seconds',
      'longhaul_ftp_last_reply_timestamp_seconds',
    ]) {
      expect(sample(name)).toBeGreaterThan(startedAt);
      expect(sample(name)).toBeLessThanOrEqual(Date.now() / 1000);
    }
  });

  it('tells of the FTP server what the FTP server saw', () => {
    const stored = ftp.count('STOR') - storedBefore;
    expect(sample('longhaul_ftp_commands_total{verb="STOR"}')).toBe(stored);
    expect(sample('longhaul_ftp_outcomes_total{outcome="positive"}')).toBeGreaterThan(stored);
    expect(sample('longhaul_ftp_connection_limit')).toBe(4);
    expect(sample('longhaul_ftp_available_bytes')).toBeLessThanOrEqual(QUOTA);
    const expiry = sample('longhaul_ftp_certificate_expiry_timestamp_seconds');
    expect(expiry).toBeGreaterThan(Date.now() / 1000);
  });

  it('serves, and knows its version', () => {
    expect(sample('longhaul_serving')).toBe(1);
    expect(sample('longhaul_guard_objections_total{reason="named"}')).toBe(0);
    expect(sample('longhaul_uploads')).toBe(0);
    expect(text).toMatch(/^longhaul_build_info\{version="\d+\.\d+\.\d+"\} 1$/m);
  });

  it('has no label that grows with what is stored, but the volume', () => {
    const names = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, name]) => name));
    expect([...names].sort()).toEqual([
      'code',
      'le',
      'location',
      'operation',
      'outcome',
      'reason',
      'state',
      'verb',
      'verdict',
      'version',
      'volume',
    ]);
  });

  it('shows no secret', async () => {
    const page = await (await fetch(metricsUrl().replace('metrics', ''))).text();
    for (const secret of [gateway.secretAccessKey, gateway.accessKeyId, ftp.password, 'a5a5a5']) {
      expect(text).not.toContain(secret);
      expect(page).not.toContain(secret);
    }
  });

  it('answers nothing but reading', async () => {
    expect((await fetch(metricsUrl(), { method: 'POST' })).status).toBe(404);
    expect((await fetch(metricsUrl().replace('metrics', 'longhorn/key'))).status).toBe(404);
  });

  (hasPrometheus ? describe : describe.skip)("to Debian's Prometheus", () => {
    it('passes "promtool check metrics" without a word', async () => {
      expect(await promtool(['check', 'metrics'], text)).toEqual({ exitCode: 0, output: '' });
    });

    describe('that scrapes and evaluates', () => {
      let prometheus: Prometheus;

      beforeAll(async () => {
        prometheus = await Prometheus.start({
          global: { evaluation_interval: '1s' },
          rule_files: [writeRules()],
          scrape_configs: [
            {
              job_name: 's3-to-ftp',
              scrape_interval: '1s',
              static_configs: [{ targets: [`127.0.0.1:${gateway.metricsPort}`] }],
            },
          ],
        });
        // A rate takes two samples, and the rules were first evaluated before there was any.
        await prometheus.until('the gateway was scraped four times', async () => {
          const scrapes = await prometheus.query('sum_over_time(up[1m]) >= 4');
          return scrapes.length === 1 && (await evaluated()).every(({ health }) => health !== 'unknown');
        });
      });
      afterAll(() => prometheus?.stop());

      async function evaluated(): Promise<readonly EvaluatedRule[]> {
        const { groups } = await prometheus.api<{ groups: { rules: EvaluatedRule[] }[] }>('rules');
        return groups.flatMap((group) => group.rules);
      }

      it('is scraped whole', async () => {
        const [count] = await prometheus.query('scrape_samples_scraped');
        expect(Number(count?.value[1])).toBeGreaterThanOrEqual(samples.size);
      });

      it('evaluates every rule, and alerts on what is so, and on nothing else', async () => {
        const all = await evaluated();
        expect(all.map(({ name }) => name)).toEqual(RULES.map(({ name }) => name));
        expect(all.filter(({ health }) => health !== 'ok')).toEqual([]);
        // Longhorn's own metrics are not there, the account is small, and the certificate is good for a day.
        expect(all.filter(({ state }) => state !== 'inactive').map(({ name }) => name)).toEqual([
          'LonghaulLonghornMetricsMissing',
          'LonghaulFtpSpaceLow',
          'LonghaulFtpCertificateEnding',
        ]);
      });

      it('can tell how old the last backup of a volume is', async () => {
        const ages = await prometheus.query(
          'time() - max by (volume) (longhaul_volume_last_backup_timestamp_seconds) > -1',
        );
        expect(ages.map(({ metric }) => metric['volume']).sort()).toEqual([VOLUME, OLDER]);
      });

      it.each(dashboardQueries())('can be asked %s', async (query) => {
        const found = await prometheus.query(query.replaceAll('$__rate_interval', '1m'));
        // Of Longhorn, of more requests, and of a first checkpoint there is nothing yet.
        if (!/longhorn_backup_state|histogram_quantile|checkpoint_timestamp/.test(query))
          expect(found.length).toBeGreaterThan(0);
      });
    });

    it('has every metric of its own that a rule or the dashboard names', () => {
      const named =
        [...dashboardQueries(), ...RULES.map(({ expr }) => expr)].join(' ').match(/longhaul_\w+/g) ?? [];
      const exported = new Set(
        [...text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name = '', type]) =>
          type === 'histogram' ? [`${name}_bucket`] : [name],
        ),
      );
      expect(named.length).toBeGreaterThan(30);
      // The S3 port of this gateway speaks no TLS.
      expect([...new Set(named)].filter((name) => !exported.has(name))).toEqual([
        'longhaul_s3_certificate_expiry_timestamp_seconds',
      ]);
    });

    it("names of Longhorn's metrics only those that it has", () => {
      const named = [...dashboardQueries(), ...RULES.map(({ expr }) => expr)]
        .join(' ')
        .match(/\blonghorn_\w+/g);
      expect([...new Set(named)].sort()).toEqual(['longhorn_backup_state', 'longhorn_volume_last_backup_at']);
    });
  });
});
