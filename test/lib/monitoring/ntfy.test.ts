import { backupAlerts } from '../../../lib/monitoring/backup-alerts';
import { gatewayAlerts } from '../../../lib/monitoring/gateway-alerts';
import { grafanaAlerting } from '../../../lib/monitoring/grafana-alerting';
import type { AlertRule } from '../../../lib/monitoring/alert-rule';
import { parseCron } from '../../../lib/cron';
import { interpolate, webhookBody, type ProvisionedWebhook } from '../../support/grafana-webhook';
import { NtfyServer } from '../../support/ntfy-server';

const TOKEN = 'tk_of_a_test';
const namespace = 'longhorn-system';
const job = { name: 'daily', schedule: parseCron('0 2 * * *'), pvcs: [{ namespace: 'app', name: 'data' }] };
const rules = [
  ...backupAlerts({ jobs: [job], namespace }),
  ...gatewayAlerts({ gateway: 's3-to-ftp', namespace }),
];
/** As long as names in a cluster get. */
const LABELS = {
  volume: 'pvc-2f6f1c1e-6a7b-4c53-9d0f-0a5a1f8f7a11',
  backup: 'backup-0123456789abcdef0123456789abcdef',
  pvc: 'a-persistent-volume-claim-with-a-name-as-long-as-statefulsets-make-them-0',
  pvc_namespace: 'a-namespace-with-quite-a-long-name-of-sixty-three-characters-abc',
  reason: 'listing-failed',
};

interface Provisioning {
  readonly contactPoints: readonly {
    readonly name: string;
    readonly receivers: readonly { readonly settings: ProvisionedWebhook }[];
  }[];
}

describe('an alert on its way to a phone', () => {
  let ntfy: NtfyServer;
  let provisioning: Provisioning;

  beforeAll(async () => {
    ntfy = await NtfyServer.start(TOKEN);
    provisioning = grafanaAlerting({
      ...{ rules, datasourceUid: 'prometheus', folder: 'Longhaul', grafanaUrl: 'https://grafana.example/' },
      ntfy: { server: `${ntfy.url}/`, topic: 'my-backups', tokenVariable: 'NTFY_TOKEN' },
    }) as Provisioning;
  });
  afterAll(() => ntfy.stop());

  /** Sends as Grafana does, and gives what ntfy makes of it. */
  async function send(rule: AlertRule, status: 'firing' | 'resolved', count = 1, token = TOKEN) {
    const point = provisioning.contactPoints.find(({ name }) => name === `longhaul-ntfy-${rule.severity}`);
    const settings = point?.receivers[0]?.settings;
    if (!settings) throw new Error('no contact point');
    const credentials = interpolate(settings.authorization_credentials ?? '', { NTFY_TOKEN: token });
    const series = Array.from({ length: count }, () => LABELS);
    const response = await fetch(interpolate(settings.url), {
      method: settings.httpMethod,
      headers: {
        'content-type': 'application/json',
        authorization: `${settings.authorization_scheme} ${credentials}`,
      },
      body: JSON.stringify(webhookBody(rule, status, series, Number(settings.maxAlerts))),
    });
    const answer = await response.text();
    return { status: response.status, answer, message: ntfy.messages.at(-1) };
  }

  const rule = (name: string): AlertRule => rules.find((each) => each.name === name) as AlertRule;

  it('says what failed, that Longhorn does not retry, what to run, and where to look', async () => {
    expect(await send(rule('LonghaulBackupFailed'), 'firing')).toMatchObject({ status: 200 });
    expect(ntfy.messages.at(-1)).toEqual({
      topic: 'my-backups',
      title: 'LonghaulBackupFailed',
      priority: 5,
      tags: ['rotating_light', 'floppy_disk'],
      click: 'https://grafana.example/alerting/list',
      message: [
        `The backup ${LABELS.backup} of volume ${LABELS.volume} failed.`,
        'Longhorn does not retry a failed backup by itself; the next one is made at the next run of its job.',
        `First: See why: kubectl -n longhorn-system get backups.longhorn.io ${LABELS.backup} -o jsonpath={.status.error}; then run "longhaul doctor", and "longhaul backup now" for the volume.`,
        'https://grafana.example/alerting/grafana/longhaul-0123456789/view?orgId=1',
      ].join('\n'),
    });
  });

  it('is of ordinary priority for a warning', async () => {
    const { message } = await send(rule('LonghaulFtpCertificateEnding'), 'firing');
    expect(message).toMatchObject({ priority: 3, tags: ['warning', 'floppy_disk'] });
  });

  it('says when it is over, in one line', async () => {
    const { message } = await send(rule('LonghaulFtpUnreachable'), 'resolved');
    expect(message).toMatchObject({
      title: 'Resolved: LonghaulFtpUnreachable',
      message: 'Over: The FTP server of s3-to-ftp has not answered for 5 minutes.',
    });
  });

  it.each(rules.map((each) => [each.name, each] as const))(
    'fits for %s, of many volumes, and has every label',
    async (_, each) => {
      const { status, answer, message } = await send(each, 'firing', 30);
      expect([status, answer]).toEqual([200, expect.any(String)]);
      expect(message?.message).toContain('And more: see Grafana.');
      expect(JSON.stringify(message)).not.toContain('no value');
    },
  );

  it('is refused with a wrong token, which stands in no manifest', async () => {
    expect(await send(rule('LonghaulBackupFailed'), 'firing', 1, 'wrong')).toMatchObject({ status: 400 });
    expect(JSON.stringify(provisioning)).toContain('"authorization_credentials":"${NTFY_TOKEN}"');
  });
});
