/**
 * Push messages by ntfy, from Grafana's webhook as it is. ntfy expands Go templates that stand in the URL with the webhook's body
 * (https://docs.ntfy.sh/publish/#message-templating, ntfy 2.10 and later), so nothing runs between the two.
 */
import type { Severity } from './alert-rule';

/** A topic of ntfy, at ntfy.sh or a server of your own. */
export interface NtfyOptions {
  /** @default 'https://ntfy.sh' */
  readonly server?: string;
  /** Whoever knows it can read and write it, unless the server asks for a token. Not a word that others would think of. */
  readonly topic: string;
  /**
   * Environment variable of Grafana with the access token (`tk_…`), for a topic that asks for one. Give it to Grafana from a Secret; the
   * token is in no manifest. @default - no token
   */
  readonly tokenVariable?: string;
}

/** By ntfy's names: https://docs.ntfy.sh/publish/#message-priority and https://docs.ntfy.sh/emojis/. */
const LOOKS: Readonly<Record<Severity, { readonly priority: string; readonly tags: string }>> = {
  critical: { priority: 'urgent', tags: 'rotating_light,floppy_disk' },
  warning: { priority: 'default', tags: 'warning,floppy_disk' },
};

const DEFAULT_NTFY_SERVER = 'https://ntfy.sh';

/** ntfy takes 4,096 bytes a message; so many alerts fit into one. */
export const MOST_ALERTS_IN_MESSAGE = 4;

const TITLE = '{{if eq .status "resolved"}}Resolved: {{end}}{{.groupLabels.alertname}}';
const MESSAGE = [
  '{{range .alerts}}',
  '{{if eq .status "resolved"}}Over: {{end}}{{.annotations.summary}}\n',
  '{{if eq .status "firing"}}{{.annotations.description}}\nFirst: {{.annotations.runbook}}\n{{.generatorURL}}\n{{end}}',
  '\n{{end}}',
  '{{if .truncatedAlerts}}And more: see Grafana.{{end}}',
].join('');

/** Where Grafana's webhook goes for alerts of a severity. A tap on the message opens `grafanaUrl`, where one is given. */
export function ntfyUrl(
  { server = DEFAULT_NTFY_SERVER, topic }: NtfyOptions,
  severity: Severity,
  grafanaUrl?: string,
): string {
  const parameters = {
    template: 'yes',
    title: TITLE,
    message: MESSAGE,
    ...LOOKS[severity],
    ...(grafanaUrl !== undefined && { click: `${grafanaUrl.replace(/\/$/, '')}/alerting/list` }),
  };
  // Percent-encoding alone: Grafana and ntfy do not agree on what a plus sign is.
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${server.replace(/\/$/, '')}/${encodeURIComponent(topic)}?${query.join('&')}`;
}
